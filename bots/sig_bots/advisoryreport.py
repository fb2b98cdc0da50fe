"""Advisories as people read them: a short section of a pull request, a reason in a sentence, lines of a terminal. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sig_bots.advisories import SEVERITIES, Advisory, AdvisoryDifference, worst_first
from sig_bots.messages import code
from sig_bots.refs import ImageRef
from sig_bots.wording import as_markdown, counted, fitting

__all__ = ["BaseAdvisories", "because", "plain_lines", "security_section"]

_ROWS = 12
_LONGEST = 10_000
_LONGEST_PROBLEM = 300
_LONGEST_CVE = 40
_MOST_NAMED = 6
_BROUGHT = 4
_CVES = 3
_URL = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~:%+-]+){0,8}", re.ASCII)


@dataclass(frozen=True)
class BaseAdvisories:
    """What one move means for security on one platform (empty for an image of one platform only)."""

    old: ImageRef
    new: ImageRef
    platform: str
    difference: AdvisoryDifference


def security_section(found: Sequence[BaseAdvisories]) -> str:
    """The section of a pull request's body; empty when nobody was asked, or nothing is known to change.

    Told once where images and platforms agree, else for each; a dozen advisories, the worst first, then counts.
    """
    groups: dict[AdvisoryDifference, list[BaseAdvisories]] = {}
    for one in found:
        if one.difference.fixed or one.difference.brought or one.difference.problem:
            groups.setdefault(one.difference, []).append(one)
    if not groups:
        return ""
    alone = len(groups) == 1 and len(next(iter(groups.values()))) == len(found)
    several = len({(one.old, one.new) for one in found}) > 1
    parts = []
    for difference, some in groups.items():
        names = [] if alone else list(dict.fromkeys(_place(one, several=several) for one in some))
        parts.append(_part(difference, _joined(names), max(_ROWS // len(groups), 3)))
    shown = fitting(parts, _LONGEST)
    if len(shown) < len(parts):
        shown.append(f"… and {counted(len(parts) - len(shown), 'more comparison')}, too long to be told here.")
    return f"**Security** {'\n\n'.join(shown)}"


def _joined(names: Sequence[str]) -> str:
    named = [name for name in names if name]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ", ".join(named[:_MOST_NAMED]) + more


def because(advisories: Sequence[Advisory]) -> str:
    """`it fixes DSA-5678-1 (critical) in openssl and 2 more`, the worst named."""
    worst = worst_first(advisories)[0]
    more = f" and {len(advisories) - 1} more" if len(advisories) > 1 else ""
    return f"it fixes {code(worst.id, 100)} ({worst.severity or 'not rated'}) in {code(worst.package)}{more}"


def plain_lines(difference: AdvisoryDifference) -> list[str]:
    """All of it, a line each, for a terminal."""
    if difference.problem:
        return [f"Advisories are not known: {difference.problem}"]
    if not difference.asked:
        return ["Nobody was asked for advisories: the distribution is not known, or only we may pull the image."]
    rows = [
        f"{what} {one.severity or 'not rated'} {one.id} {one.package}"
        + (f" {one.fixed_in}" if one.fixed_in else "")
        + (f" ({', '.join(one.cves)})" if one.cves else "")
        for what, some in (("fixed", difference.fixed), ("brought", difference.brought))
        for one in some
    ]
    return rows or ["No known advisory is fixed or newly brought."]


def _place(one: BaseAdvisories, *, several: bool) -> str:
    names = [code(str(one.old), 120)] if several else []
    return " ".join([*names, *([code(one.platform)] if one.platform else [])])


def _part(difference: AdvisoryDifference, where: str, rows: int) -> str:
    lead = f"{where}: " if where else ""
    if difference.problem:
        return f"{lead}{'advisories' if lead else 'Advisories'} are not known. {as_markdown(difference.problem[:_LONGEST_PROBLEM])}"
    fixed, brought = difference.fixed, difference.brought
    told = [f"{counted(len(fixed), 'known advisory', 'known advisories')} fixed"] if fixed else []
    told += [f"{counted(len(brought), 'advisory', 'advisories')} newly brought"] if brought else []
    shown = min(len(brought), _BROUGHT)
    lines = [*_rows("", fixed, rows - shown), *_rows("newly brought: ", brought, shown)]
    return f"{lead}{', '.join(told)}.\n\n" + "\n".join(lines)


def _rows(lead: str, advisories: Sequence[Advisory], most: int) -> list[str]:
    shown, rest = advisories[:most], advisories[most:]
    lines = [f"- {lead}{_row(one)}" for one in shown]
    if rest:
        counts = Counter(one.severity for one in rest)
        kinds = [(counts[one], one) for one in reversed(SEVERITIES)] + [(counts[None], "not rated")]
        lines.append(f"- {lead}{len(rest)} more: {', '.join(f'{number} {kind}' for number, kind in kinds if number)}")
    return lines


def _row(one: Advisory) -> str:
    name = f"[{as_markdown(one.id[:100])}]({one.url})" if _URL.fullmatch(one.url) else code(one.id, 100)
    version = f", fixed in {code(one.fixed_in)}" if one.fixed_in else ""
    cves = ", ".join(as_markdown(cve[:_LONGEST_CVE]) for cve in one.cves[:_CVES]) + (
        f" and {len(one.cves) - _CVES} more" if len(one.cves) > _CVES else ""
    )
    more = f" ({cves})" if cves and not (len(one.cves) == 1 and one.cves[0] in one.id) else ""
    return f"**{one.severity or 'not rated'}** {name} in {code(one.package)}{version}{more}"
