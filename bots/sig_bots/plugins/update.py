"""Propose newer base images by pull request: one per base image, one commit, only the intended bytes changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sig_bots import Bot, BotConfig, Context, ImagePushed, NoArgs, Push, Tick, reports
from sig_bots.containerfile import EditRefused, edit_all, references
from sig_bots.containerfile.shortnames import resolve
from sig_bots.errors import NotFound, Obsolete, Transient
from sig_bots.fleet import containerfiles, declare_fleet, default_head, may_be_default, require_default
from sig_bots.refs import Actor, ImageRef, PullRequest
from sig_bots.reports import MovedReference
from sig_bots.tags import newest, scheme_for

bot = Bot("update")


@bot.config
class UpdateConfig(BotConfig):
    """Which references are looked after."""

    ignore: tuple[str, ...] = ()
    """Names of images (registry/path) that are left alone."""
    labels: tuple[str, ...] = ()
    """Labels put on the pull requests, where the forge has labels."""


@dataclass
class Scan:
    """What a look over the repository found."""

    moves: dict[str, list[MovedReference]] = field(default_factory=dict)
    """Image name -> its moves."""
    kept: list[str] = field(default_factory=list)
    """One sentence per reference that stays as it is, and why."""
    unreachable: dict[str, Transient] = field(default_factory=dict)
    """Image name -> why its registry could not be asked; its pull request is neither made nor closed."""


@bot.on(Push, queue="bulk", when=may_be_default)
def after_push(ctx: Context, event: Push) -> None:
    """Look the default branch over after a push to it."""
    require_default(ctx, event)
    propose(ctx)


@bot.on(ImagePushed, queue="bulk")
def after_image(ctx: Context, event: ImagePushed) -> None:
    """Look for updates when an image this repository uses was pushed."""
    propose(ctx)


@bot.command("update", who="write", queue="bulk")
def update(ctx: Context, args: NoArgs) -> None:
    """Look for newer base images now and open or refresh the update pull requests."""
    ctx.reply(reports.update_done(propose(ctx)))


@bot.every("6h")
def sweep(ctx: Context, event: Tick) -> None:
    """Look every repository over for newer base images."""
    propose(ctx)


def propose(ctx: Context) -> list[PullRequest]:
    """Scan the default branch and bring one pull request per moving base up to date; close those no longer needed.

    Returns the pull requests that are open now. Raises Transient when a registry could not be asked.
    """
    branch, head = default_head(ctx)
    declare_fleet(ctx, head)
    paths = containerfiles(ctx.services.workspace.files(head), ctx.images)
    files = ctx.services.workspace.read(head, paths)
    scan = look_over(ctx, files)
    for sentence in scan.kept:
        ctx.log(sentence)
    opened = []
    for name, moves in scan.moves.items():
        ctx.alive()
        if (pull_request := _ensure(ctx, branch, head, name, moves, files)) is not None:
            opened.append(pull_request)
    _close_obsolete(ctx, {_branch(ctx, name) for name in (*scan.moves, *scan.unreachable)})
    ctx.summary = reports.update_summary(opened, len(scan.kept))
    if scan.unreachable:
        raise next(iter(scan.unreachable.values()))
    return opened


def look_over(ctx: Context, files: Mapping[str, bytes]) -> Scan:
    """Which references of these Containerfiles can move. One tag list per image, one look-up per distinct reference."""
    scan = Scan()
    ignored = set(ctx.config_as(UpdateConfig).ignore)
    targets: dict[str, tuple[ImageRef, str] | str] = {}
    for path, data in files.items():
        for reference in references(data):
            where = f"{path}:{reference.line}"
            if reference.image is None or not reference.editable:
                scan.kept.append(f"{where}: {reference.text} stays: {reference.reason}")
                continue
            name = reference.image.name
            if name in ignored:
                scan.kept.append(f"{where}: {reference.text} stays: {name} is ignored by the configuration")
                continue
            key = str(reference.image)
            if key not in targets:
                try:
                    targets[key] = _target(ctx, reference.image)
                except Transient as error:
                    scan.unreachable[name] = error
                    targets[key] = str(error)
            found = targets[key]
            if isinstance(found, str):
                scan.kept.append(f"{where}: {reference.text} stays: {found}")
            else:
                target, reason = found
                move = MovedReference(path, reference.line, reference.image, target, reason)
                scan.moves.setdefault(name, []).append(move)
    return scan


def _target(ctx: Context, image: ImageRef) -> tuple[ImageRef, str] | str:
    """Where one reference should point, and why; or why it stays."""
    registry = ctx.services.registry
    full = resolve(image)
    if image.tag is None:
        return (
            "it names no tag" if image.digest is None else "it is pinned by digest alone, so no tag says what is newer"
        )
    try:
        tags = registry.tags(full)
    except NotFound:
        return f"{full.name} does not exist in its registry"
    proposal = newest(image.tag, tags, scheme=scheme_for(full))
    tag = proposal.tag if proposal else image.tag
    reason = proposal.reason if proposal else ""
    if image.digest is None:
        return (image.with_tag(tag), reason) if proposal else f"{image.tag} is the newest of its kind"
    current = registry.manifest(full.with_tag(tag))
    if current is None:
        return f"{image.name}:{tag} does not exist in its registry"
    if current.digest == image.digest and proposal is None:
        return f"{image.tag} is the newest of its kind and its digest is current"
    problem = _kind_problem(ctx, full, current.is_index, frozenset(current.platforms))
    if problem:
        return problem
    return image.with_tag(tag, current.digest), reason or f"the tag {tag} points at a newer digest"


def _kind_problem(ctx: Context, image: ImageRef, is_index: bool, platforms: frozenset[str]) -> str | None:
    """An index stays an index and never loses an architecture."""
    old = ctx.services.registry.manifest(image.with_tag(None, image.digest))
    if old is None or not old.is_index:
        return None
    if not is_index:
        return "the tag now holds a single platform where an index of several was used"
    missing = sorted(set(old.platforms) - platforms)
    return f"the new index lacks {', '.join(missing)}" if missing else None


def _ensure(
    ctx: Context, base: str, head: str, name: str, moves: Sequence[MovedReference], files: Mapping[str, bytes]
) -> PullRequest | None:
    branch = _branch(ctx, name)
    title = reports.update_title(name, moves)
    if _declined(ctx, branch, title):
        ctx.log(f"{name}: a person closed “{title}”; waiting for the next version")
        return None
    before = ctx.forge.branch_sha(branch)
    if before is not None and not ctx.services.approvals.ours(before):
        ctx.log(f"{name}: branch {branch} holds a commit that is not ours; it stays as it is")
        return None
    changes, applied = _apply(ctx, moves, files)
    if not changes:
        return None
    body = reports.update_body(applied, branch)
    ctx.services.workspace.commit(
        branch=branch, parent=head, changes=changes, message=reports.update_commit(title, applied), expected=before
    )
    pull_request = ctx.forge.ensure_pr(
        branch, base=base, title=title, body=body, labels=ctx.config_as(UpdateConfig).labels
    )
    ctx.log(f"{name}: pull request #{pull_request.number}: {title}")
    return pull_request


def _apply(
    ctx: Context, moves: Sequence[MovedReference], files: Mapping[str, bytes]
) -> tuple[dict[str, bytes], list[MovedReference]]:
    """The edited files, and the moves that went into them; an edit that would change anything else is left out."""
    changes: dict[str, bytes] = {}
    applied: list[MovedReference] = []
    refused: set[tuple[str, str]] = set()
    for move in moves:
        place = (move.path, str(move.old))
        data = changes.get(move.path, files[move.path])
        if place in refused:
            continue
        if not any(one.resolved == str(move.old) for one in references(data)):
            applied.append(move)  # an earlier edit (of an ARG, or of every use of the image) moved this one too
            continue
        try:
            changes[move.path] = edit_all(data, {str(move.old): move.new})
        except EditRefused as error:
            refused.add(place)
            ctx.log(f"{move.path}:{move.line}: not edited: {error}")
            continue
        applied.append(move)
    return changes, applied


def _branch(ctx: Context, name: str) -> str:
    slug = "".join(char if char.isalnum() or char in "._-" else "-" for char in name)
    return f"{ctx.service}/update/{slug}"


def _declined(ctx: Context, branch: str, title: str) -> bool:
    """Whether a person closed the pull request of this very version: then it is not opened again."""
    closed = ctx.forge.find_prs(branch, state="closed")
    return any(one.head_branch == branch and one.title == title and _ours(ctx, one.author) for one in closed)


def _close_obsolete(ctx: Context, wanted: set[str]) -> None:
    for one in ctx.forge.find_prs(f"{ctx.service}/update/"):
        if one.head_branch in wanted or not _ours(ctx, one.author):
            continue
        try:
            ctx.forge.close_pr(one.number, reports.update_obsolete(one.base_branch))
        except Obsolete:
            continue
        ctx.log(f"closed #{one.number}: {one.base_branch} needs it no more")


def _ours(ctx: Context, author: Actor) -> bool:
    account = ctx.forge.account
    return author.id == account.id if author.id and account.id else author.login == account.login
