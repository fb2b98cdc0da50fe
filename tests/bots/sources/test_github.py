"""GitHub: the published signature vector, and every published example against a table."""

from collections import Counter
from typing import Any

import pytest

from sig_bots.errors import Unauthorized
from sig_bots.events import Comment, Ignored, PullRequestChanged, Push, Rejected, TestResult
from sig_bots.sources import github
from tests.bots.sources.deliveries import github as delivery
from tests.bots.sources.deliveries import github_example, github_examples

_VECTOR = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

# (event, action) -> the event's kind, and per field the path in the payload it must come from, or =constant.
_COMMON = {"repo.path": "repository.full_name", "repo.forge_id": "repository.id", "repo.private": "repository.private"}
_PULL = _COMMON | {
    "pull_request.number": "pull_request.number",
    "pull_request.head_sha": "pull_request.head.sha",
    "pull_request.head_branch": "pull_request.head.ref",
    "pull_request.base_branch": "pull_request.base.ref",
    "pull_request.title": "pull_request.title",
    "pull_request.state": "pull_request.state",
    "pull_request.draft": "pull_request.draft",
    "pull_request.author.login": "pull_request.user.login",
    "pull_request.head_repo": "pull_request.head.repo.full_name",
    "actor.login": "sender.login",
}
_WRITTEN = _COMMON | {
    "text": "comment.body", "comment_id": "comment.id", "actor.login": "sender.login", "url": "comment.html_url",
}  # fmt: skip
_ON_ISSUE = _WRITTEN | {"place": "=issue", "number": "issue.number"}
_TEXT_OF_ISSUE = _COMMON | {
    "text": "issue.body", "actor.login": "sender.login", "url": "issue.html_url", "place": "=issue",
    "number": "issue.number", "is_issue_text": "=True",
}  # fmt: skip
_INLINE = _WRITTEN | {"place": "=review_comment", "number": "pull_request.number", "commit": "comment.commit_id"}
_REVIEW = _COMMON | {
    "place": "=review", "number": "pull_request.number", "commit": "review.commit_id", "comment_id": "review.id",
    "actor.login": "sender.login",
}  # fmt: skip
_PUSH = _COMMON | {
    "ref": "ref", "before": "before", "after": "after", "deleted": "deleted", "actor.login": "sender.login",
    "actor.id": "sender.id",
}  # fmt: skip
_TABLE: dict[tuple[str, str | None], tuple[str, dict[str, str]]] = {
    ("push", None): ("push", _PUSH),
    ("pull_request", "opened"): ("pull_request", _PULL | {"action": "=opened"}),
    ("pull_request", "synchronize"): ("pull_request", _PULL | {"action": "=updated"}),
    ("pull_request", "reopened"): ("pull_request", _PULL | {"action": "=reopened"}),
    ("pull_request", "closed"): ("pull_request", _PULL | {"action": "=closed"}),
    ("pull_request", "labeled"): ("pull_request", _PULL | {"action": "=labelled", "label": "label.name"}),
    ("pull_request", "unlabeled"): ("pull_request", _PULL | {"action": "=unlabelled", "label": "label.name"}),
    ("pull_request", "ready_for_review"): ("pull_request", _PULL | {"action": "=ready"}),
    ("issue_comment", "created"): ("comment", _ON_ISSUE | {"action": "=created"}),
    ("issue_comment", "edited"): ("comment", _ON_ISSUE | {"action": "=edited", "previous_text": "changes.body.from"}),
    ("issue_comment", "deleted"): ("comment", _ON_ISSUE | {"action": "=deleted"}),
    ("issues", "opened"): ("comment", _TEXT_OF_ISSUE | {"action": "=created"}),
    ("issues", "edited"): ("comment", _TEXT_OF_ISSUE | {"action": "=edited"}),
    ("pull_request_review", "submitted"): ("comment", _REVIEW | {"action": "=created"}),
    ("pull_request_review", "dismissed"): ("comment", _REVIEW | {"action": "=edited"}),
    ("pull_request_review_comment", "created"): ("comment", _INLINE | {"action": "=created"}),
    ("pull_request_review_comment", "edited"): (
        "comment", _INLINE | {"action": "=edited", "previous_text": "changes.body.from"},
    ),
    ("pull_request_review_comment", "deleted"): ("comment", _INLINE | {"action": "=deleted"}),
    ("commit_comment", "created"): ("comment", _WRITTEN | {"place": "=commit", "commit": "comment.commit_id"}),
    ("check_run", "rerequested"): (
        "check_rerequested", _COMMON | {"sha": "check_run.head_sha", "check": "check_run.name", "actor.login": "sender.login"},
    ),
    ("check_suite", "rerequested"): (
        "check_rerequested", _COMMON | {"sha": "check_suite.head_sha", "actor.login": "sender.login"},
    ),
    ("check_run", "completed"): (
        "test_result", _COMMON | {"sha": "check_run.head_sha", "test": "check_run.name", "url": "check_run.html_url"},
    ),
    ("check_suite", "completed"): (
        "test_result", _COMMON | {"sha": "check_suite.head_sha", "test": "check_suite.app.name", "status": "=passed"},
    ),
    ("status", None): (
        "test_result", _COMMON | {"sha": "sha", "test": "context", "status": "=passed", "subject": "sha"},
    ),
}  # fmt: skip


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value[key] if isinstance(value, dict) else getattr(value, key)
    return value


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def test_the_published_signature_vector_is_accepted() -> None:
    github.verify({"x-hub-signature-256": _VECTOR}, b"Hello, World!", [b"It's a Secret to Everybody"])


def test_the_published_vector_with_one_character_changed_is_refused() -> None:
    with pytest.raises(Unauthorized):
        github.verify({"X-Hub-Signature-256": _VECTOR[:-1] + "8"}, b"Hello, World!", [b"It's a Secret to Everybody"])


@pytest.mark.parametrize(("event", "action"), list(_TABLE))
def test_every_published_example_gives_the_event_and_fields_of_the_table(event: str, action: str | None) -> None:
    kind, fields = _TABLE[event, action]
    examples = [one for _, name, one in github_examples() if name == event and one.get("action") == action]
    assert examples
    for payload in examples:
        parsed = github.parse(delivery(event, payload).headers, delivery(event, payload).body)
        assert not isinstance(parsed, Ignored | Rejected), parsed
        assert parsed.kind == kind
        for field, origin in fields.items():
            expected = origin[1:] if origin.startswith("=") else _at(payload, origin)
            assert _plain(_at(parsed, field)) == _plain(expected), field


def test_every_other_published_example_is_ignored_with_a_reason() -> None:
    others = [(event, one) for _, event, one in github_examples() if (event, one.get("action")) not in _TABLE]
    outcomes = [github.parse(delivery(event, one).headers, delivery(event, one).body) for event, one in others]
    assert all(isinstance(one, Ignored) and one.reason for one in outcomes)
    assert len(others) == 579


def test_the_events_bots_live_on_are_never_ignored() -> None:
    whole = {"push", "issue_comment", "commit_comment", "pull_request_review", "pull_request_review_comment"}
    counted = Counter(
        event for _, event, one in github_examples() if event in whole and (event, one.get("action")) in _TABLE
    )
    assert counted == {"push": 14, "issue_comment": 20, "commit_comment": 12, "pull_request_review": 11,
                       "pull_request_review_comment": 12}  # fmt: skip
    assert counted == Counter(event for _, event, _ in github_examples() if event in whole)


def _changed(event: str, example: str | None, **changes: Any) -> Any:
    one = github_example(event, example)
    return github.parse(one.headers, one.changed(one.json | changes).body)


def test_a_closed_and_merged_pull_request_is_merged() -> None:
    pull = github_example("pull_request", "closed").json["pull_request"] | {"merged": True}
    parsed = _changed("pull_request", "closed", pull_request=pull)
    assert (parsed.action, parsed.pull_request.state) == ("merged", "merged")


def test_an_edited_pull_request_carries_the_text_before() -> None:
    parsed = _changed("pull_request", "opened", action="edited", changes={"body": {"from": "old"}})
    assert isinstance(parsed, PullRequestChanged)
    assert (parsed.action, parsed.previous_body) == ("edited", "old")


def test_a_pull_request_whose_fork_was_deleted_counts_as_one_from_a_fork() -> None:
    pull = github_example("pull_request", "opened").json["pull_request"]
    parsed = _changed(
        "pull_request", "opened", pull_request=pull | {"head": pull["head"] | {"repo": None, "user": None}}
    )
    assert (parsed.pull_request.head_repo, parsed.pull_request.from_fork) == (None, True)


def test_a_fork_is_told_by_id_not_by_name() -> None:
    pull = github_example("pull_request", "opened").json["pull_request"]
    repo = pull["head"]["repo"] | {"id": 1}
    parsed = _changed("pull_request", "opened", pull_request=pull | {"head": pull["head"] | {"repo": repo}})
    assert parsed.pull_request.from_fork is True


def test_deleted_accounts_become_ghost() -> None:
    comment = github_example("issue_comment", "created").json["comment"] | {"user": None}
    parsed = _changed("issue_comment", "created", comment=comment, sender=None)
    assert parsed.actor.login == "ghost"


def test_a_comment_on_a_pull_request_says_so() -> None:
    issue = github_example("issue_comment", "created").json["issue"] | {"pull_request": {"url": "https://example.org"}}
    assert _changed("issue_comment", "created", issue=issue).place == "pull_request"


def test_an_edit_belongs_to_the_editor_not_the_author() -> None:
    parsed = _changed("issue_comment", "edited", sender={"login": "mallory", "id": 5, "type": "User"})
    assert parsed.actor.login == "mallory"


def test_a_dismissed_review_brings_no_new_line() -> None:
    parsed = _changed("pull_request_review", "dismissed")
    assert isinstance(parsed, Comment)
    assert parsed.previous_text == parsed.text


def test_a_bot_account_is_recognised() -> None:
    assert _changed("check_suite", "rerequested").actor.bot is True


def test_a_check_rerun_names_its_pull_requests() -> None:
    check = github_example("check_run", "rerequested").json["check_run"] | {
        "pull_requests": [{"number": 4}, {"number": 9}]
    }
    assert _changed("check_run", "rerequested", check_run=check).numbers == (4, 9)


def _push(**changes: Any) -> Push:
    commits = [
        {"added": ["new"], "modified": ["Containerfile"], "removed": []},
        {"added": [], "modified": ["Containerfile"], "removed": ["old"]},
    ]
    parsed = _changed(
        "push", None, **({"commits": commits, "created": False, "forced": False, "deleted": False} | changes)
    )
    assert isinstance(parsed, Push)
    return parsed


def test_an_ordinary_push_lists_all_its_files_once() -> None:
    assert _push().paths == ("new", "Containerfile", "old")
    assert _push().paths_complete is True


@pytest.mark.parametrize(
    "changes",
    [
        {"forced": True},
        {"created": True},
        {"deleted": True, "commits": []},
        {"commits": []},
        {"commits": [{"added": [], "modified": [], "removed": []}]},
        {"commits": [{"modified": [f"f{n}" for n in range(3000)]}]},
        {"commits": [{"modified": ["f"]}] * 2048},
    ],
)
def test_a_push_that_may_hide_files_says_so(changes: dict[str, Any]) -> None:
    assert _push(**changes).paths_complete is False


def test_a_push_by_a_deploy_key_has_the_pushers_name() -> None:
    assert _push(sender=None, pusher={"name": "deployer"}).actor.login == "deployer"


def test_a_redelivery_has_the_same_id() -> None:
    one = github_example("push")
    assert github.delivery_id({key.upper(): value for key, value in one.headers.items()}, b"") == (
        "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    )
    assert github.delivery_id({}, one.body) is None
    assert github.delivery_id({"X-GitHub-Delivery": "x" * 201}, one.body) is None


@pytest.mark.parametrize(
    ("conclusion", "status"),
    [("success", "passed"), ("skipped", "passed"), ("failure", "failed"), ("timed_out", "failed"), ("stale", "error")],
)
def test_a_check_that_ended_tells_how_and_on_which_branch(conclusion: str, status: str) -> None:
    run = github_example("check_run", "completed").json["check_run"] | {"conclusion": conclusion}
    event = _changed("check_run", "completed", check_run=run)
    assert isinstance(event, TestResult)
    assert (event.status, event.branches, event.number) == (status, ("changes",), 2)


def test_a_check_made_as_ended_counts_and_one_that_goes_on_does_not() -> None:
    run = github_example("check_run", "completed").json["check_run"]
    assert isinstance(_changed("check_run", "created", check_run=run), TestResult)
    assert isinstance(_changed("check_run", "created"), Ignored)


def test_a_status_tells_the_branches_that_hold_the_commit_and_a_pending_one_is_no_result() -> None:
    event = _changed("status", None)
    assert isinstance(event, TestResult)
    assert event.branches == ("master", "changes", "gh-pages")
    assert isinstance(_changed("status", None, state="pending"), Ignored)


def test_a_check_without_a_branch_says_nothing_of_branches() -> None:
    run = github_example("check_run", "completed").json["check_run"]
    event = _changed("check_run", "completed", check_run=run | {"check_suite": {"id": 1, "head_branch": None}})
    assert isinstance(event, TestResult)
    assert event.branches == ()


def test_an_edited_issue_text_comes_with_the_text_before() -> None:
    event = _changed("issues", "edited", changes={"body": {"from": "- [ ] one"}})
    assert (event.action, event.previous_text, event.is_issue_text) == ("edited", "- [ ] one", True)


def test_an_edit_of_an_issues_title_changes_nothing_in_its_text() -> None:
    event = _changed("issues", "edited", changes={"title": {"from": "Updates"}})
    assert event.previous_text == event.text
