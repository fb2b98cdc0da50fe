"""The base score of a CVSS 3 vector (CVSS v3.1 specification, section 7.1), and the words for scores."""

from __future__ import annotations

import re

from sig_bots.advisories import Severity

__all__ = ["base_score", "severity_of_score"]

_VECTOR = re.compile(r"CVSS:3\.[01](/[A-Z]{1,3}:[A-Z]){8,30}")
_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES_CHANGED = {"N": 0.85, "L": 0.68, "H": 0.5}


def base_score(vector: str) -> float | None:
    """The score, 0.0 to 10.0; None for what is no vector of CVSS 3."""
    if len(vector) > 300 or not _VECTOR.fullmatch(vector):
        return None
    given = dict(part.split(":") for part in vector.split("/")[1:])
    changed = given.get("S") == "C"
    if given.get("S") not in ("U", "C"):
        return None
    weights = {**_WEIGHTS, "PR": _PRIVILEGES_CHANGED} if changed else _WEIGHTS
    try:
        value = {metric: weights[metric][given[metric]] for metric in weights}
    except KeyError:
        return None
    rest = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 7.52 * (rest - 0.029) - 3.25 * (rest - 0.02) ** 15 if changed else 6.42 * rest
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * value["AV"] * value["AC"] * value["PR"] * value["UI"]
    return _rounded_up(min((impact + exploitability) * (1.08 if changed else 1.0), 10.0))


def severity_of_score(score: float) -> Severity | None:
    """The word for a score (section 5 of the specification, in our words); None for 0."""
    if score <= 0:
        return None
    if score < 4.0:
        return "low"
    if score < 7.0:
        return "moderate"
    return "important" if score < 9.0 else "critical"


def _rounded_up(score: float) -> float:
    """To one decimal, upwards, without the errors of floating point (appendix A)."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
