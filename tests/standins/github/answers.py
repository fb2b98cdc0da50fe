"""The JSON of GitHub's answers: one function per kind of object, with the fields of GitHub's REST description."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from tests.standins.github.model import (
    App,
    Comment,
    Installation,
    Issue,
    Label,
    Pull,
    Reaction,
    Repository,
    Review,
    User,
    World,
)  # fmt: skip

type Json = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    """A time as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def node(kind: str, number: object) -> str:
    """A GraphQL id; only its being there matters."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def user(world: World, who: User) -> Json:
    """An account in short form."""
    url = f"{world.api}/users/{who.login}"
    return {
        "login": who.login, "id": who.id, "node_id": node("User", who.id), "avatar_url": f"{world.url}/avatars/{who.id}",
        "gravatar_id": "", "url": url, "html_url": f"{world.url}/{who.login}", "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}", "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}", "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs", "repos_url": f"{url}/repos", "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events", "type": who.kind, "site_admin": False,
    }  # fmt: skip


def full_user(world: World, who: User) -> Json:
    """An account as its own page has it."""
    return user(world, who) | {
        "name": None, "company": None, "blog": "", "location": None, "email": None, "hireable": None, "bio": None,
        "twitter_username": None, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": stamp(who.created), "updated_at": stamp(who.created),
    }  # fmt: skip


_REPO_LINKS = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
    "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
    "languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}  # fmt: skip


def repository(world: World, repo: Repository, *, viewer: User | None = None, full: bool = False) -> Json:
    """A repository; `full` adds what only its own page has (parent, merge methods)."""
    url, page = f"{world.api}/repos/{repo.full_name}", f"{world.url}/{repo.full_name}"
    opened = sum(issue.state == "open" for issue in repo.issues.values())
    out: Json = {
        "id": repo.id, "node_id": node("Repository", repo.id), "name": repo.name, "full_name": repo.full_name,
        "private": repo.private, "visibility": "private" if repo.private else "public", "owner": user(world, repo.owner),
        "html_url": page, "description": None, "fork": repo.parent is not None, "url": url,
        **{key: url + tail for key, tail in _REPO_LINKS.items()},
        "created_at": stamp(repo.created), "updated_at": stamp(repo.created), "pushed_at": stamp(repo.created),
        "git_url": f"git://{world.url.split('//')[-1]}/{repo.full_name}.git", "ssh_url": f"git@localhost:{repo.full_name}.git",
        "clone_url": f"{page}.git", "svn_url": page, "homepage": None, "size": 1, "stargazers_count": 0,
        "watchers_count": 0, "language": None, "has_issues": True, "has_projects": True, "has_downloads": True,
        "has_wiki": False, "has_pages": False, "has_discussions": False, "forks_count": 0, "mirror_url": None,
        "archived": repo.archived, "disabled": False, "open_issues_count": opened, "license": None,
        "allow_forking": True, "is_template": False, "topics": [], "forks": 0, "open_issues": opened, "watchers": 0,
        "default_branch": repo.default_branch,
    }  # fmt: skip
    role = repo.role_of(viewer)
    out["permissions"] = {
        "admin": role == "admin", "maintain": role in ("maintain", "admin"), "push": role in ("write", "maintain", "admin"),
        "triage": role not in ("none", "read"), "pull": role != "none",
    }  # fmt: skip
    if full:
        out |= {f"allow_{name}": on in repo.merge_methods for name, on in _METHODS.items()}
        out |= {"network_count": 0, "subscribers_count": 0}
        if repo.parent is not None:
            out["parent"] = out["source"] = repository(world, repo.parent)
    return out


_METHODS = {"merge_commit": "merge", "squash_merge": "squash", "rebase_merge": "rebase"}


def label(world: World, repo: Repository, mark: Label) -> Json:
    """A label."""
    return {
        "id": mark.id, "node_id": node("Label", mark.id), "url": f"{world.api}/repos/{repo.full_name}/labels/{mark.name}",
        "name": mark.name, "color": mark.color, "default": False, "description": mark.description,
    }  # fmt: skip


def _association(repo: Repository, who: User) -> str:
    if who is repo.owner:
        return "OWNER"
    return "COLLABORATOR" if repo.roles.get(who.id, "none") != "none" else "NONE"


def issue(world: World, repo: Repository, item: Issue) -> Json:
    """An issue, also the issue half of a pull request."""
    base = f"{world.api}/repos/{repo.full_name}"
    url, word = f"{base}/issues/{item.number}", "pull" if item.pull else "issues"
    page = f"{world.url}/{repo.full_name}/{word}/{item.number}"
    out: Json = {
        "url": url, "repository_url": base, "labels_url": f"{url}/labels{{/name}}", "comments_url": f"{url}/comments",
        "events_url": f"{url}/events", "html_url": page, "id": item.id, "node_id": node("Issue", item.id),
        "number": item.number, "title": item.title, "user": user(world, item.user),
        "labels": [label(world, repo, repo.labels[name]) for name in item.labels], "state": item.state, "locked": False,
        "assignee": None, "assignees": [], "milestone": None, "comments": len(item.comments),
        "created_at": stamp(item.created), "updated_at": stamp(item.updated), "closed_at": stamp(item.closed),
        "author_association": _association(repo, item.user), "active_lock_reason": None, "body": item.body,
        "timeline_url": f"{url}/timeline", "performed_via_github_app": None, "state_reason": None,
    }  # fmt: skip
    if item.pull:
        out["draft"] = item.pull.draft
        out["pull_request"] = {
            "url": f"{base}/pulls/{item.number}", "html_url": page, "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch", "merged_at": stamp(item.pull.merged),
        }  # fmt: skip
    return out


def _side(world: World, repo: Repository | None, label_text: str, ref: str, sha: str) -> Json:
    return {
        "label": label_text, "ref": ref, "sha": sha, "user": user(world, repo.owner) if repo else None,
        "repo": repository(world, repo) if repo else None,
    }  # fmt: skip


def pull(world: World, repo: Repository, item: Issue, *, full: bool = False) -> Json:
    """A pull request; `full` adds what only its own page has (counts, mergeable)."""
    half = item.pull
    assert half is not None
    base = f"{world.api}/repos/{repo.full_name}"
    url, page = f"{base}/pulls/{item.number}", f"{world.url}/{repo.full_name}/pull/{item.number}"
    links = {
        "url": url, "html_url": page, "issue_url": f"{base}/issues/{item.number}",
        "comments_url": f"{base}/issues/{item.number}/comments", "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{base}/pulls/comments{{/number}}", "commits_url": f"{url}/commits",
        "statuses_url": f"{base}/statuses/{half.head_sha}",
    }  # fmt: skip
    names = {"self": "url", "html": "html_url", "issue": "issue_url", "comments": "comments_url",
             "review_comments": "review_comments_url", "review_comment": "review_comment_url", "commits": "commits_url",
             "statuses": "statuses_url"}  # fmt: skip
    out: Json = links | {
        "id": half.id, "node_id": node("PullRequest", half.id), "diff_url": f"{page}.diff", "patch_url": f"{page}.patch",
        "number": item.number, "state": item.state, "locked": False, "title": item.title, "user": user(world, item.user),
        "body": item.body, "created_at": stamp(item.created), "updated_at": stamp(item.updated),
        "closed_at": stamp(item.closed), "merged_at": stamp(half.merged), "merge_commit_sha": half.merge_sha,
        "assignee": None, "assignees": [], "requested_reviewers": [user(world, who) for who in half.reviewers],
        "requested_teams": [], "labels": [label(world, repo, repo.labels[name]) for name in item.labels],
        "milestone": None, "draft": half.draft,
        "head": _side(world, half.head_repo, half.head_label, half.head_ref, half.head_sha),
        "base": _side(world, repo, f"{repo.owner.login}:{half.base_ref}", half.base_ref, half.base_sha),
        "_links": {name: {"href": links[key]} for name, key in names.items()},
        "author_association": _association(repo, item.user), "auto_merge": None, "active_lock_reason": None,
    }  # fmt: skip
    if full:
        out |= _pull_counts(world, repo, item, half)
    return out


def _pull_counts(world: World, repo: Repository, item: Issue, half: Pull) -> Json:
    merge_base = repo.git.merge_base(half.base_sha, half.head_sha) or half.base_sha
    files = repo.git.diff(merge_base, half.head_sha)
    base = repo.git.resolve(half.base_ref)
    mergeable = None if item.state == "closed" or base is None else bool(repo.git.mergeable(base, half.head_sha))
    return {
        "merged": half.merged is not None, "mergeable": mergeable, "rebaseable": mergeable,
        "mergeable_state": "blocked" if mergeable and repo.missing_checks(half.base_ref, half.head_sha) else
        {True: "clean", False: "dirty", None: "unknown"}[mergeable],
        "merged_by": user(world, half.merged_by) if half.merged_by else None, "comments": len(item.comments),
        "review_comments": 0, "maintainer_can_modify": False, "commits": len(repo.git.log(half.head_sha, exclude=merge_base)),
        "additions": sum(file.additions for file in files), "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }  # fmt: skip


def comment(world: World, repo: Repository, item: Comment) -> Json:
    """A comment on an issue or pull request."""
    base = f"{world.api}/repos/{repo.full_name}"
    word = "pull" if repo.issues[item.number].pull else "issues"
    url = f"{base}/issues/comments/{item.id}"
    return {
        "url": url, "html_url": f"{world.url}/{repo.full_name}/{word}/{item.number}#issuecomment-{item.id}",
        "issue_url": f"{base}/issues/{item.number}", "id": item.id, "node_id": node("IssueComment", item.id),
        "user": user(world, item.user), "created_at": stamp(item.created), "updated_at": stamp(item.updated),
        "author_association": _association(repo, item.user), "body": item.body, "reactions": _rollup(item, url),
        "performed_via_github_app": app(world, item.app) if item.app else None,
    }  # fmt: skip


def commit_comment(world: World, repo: Repository, item: Comment) -> Json:
    """A comment on a commit."""
    url = f"{world.api}/repos/{repo.full_name}/comments/{item.id}"
    return {
        "url": url, "html_url": f"{world.url}/{repo.full_name}/commit/{item.commit}#commitcomment-{item.id}",
        "id": item.id, "node_id": node("CommitComment", item.id), "user": user(world, item.user), "position": None,
        "line": None, "path": None, "commit_id": item.commit, "created_at": stamp(item.created),
        "updated_at": stamp(item.updated), "author_association": _association(repo, item.user), "body": item.body,
        "reactions": _rollup(item, url),
    }  # fmt: skip


_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def _rollup(item: Comment, url: str) -> Json:
    counts = {name: sum(reaction.content == name for reaction in item.reactions) for name in _REACTIONS}
    return {"url": f"{url}/reactions", "total_count": len(item.reactions), **counts}


def reaction(world: World, item: Reaction) -> Json:
    """A reaction."""
    return {
        "id": item.id, "node_id": node("Reaction", item.id), "user": user(world, item.user), "content": item.content,
        "created_at": stamp(item.created),
    }  # fmt: skip


def review(world: World, repo: Repository, number: int, item: Review) -> Json:
    """A submitted review."""
    page = f"{world.url}/{repo.full_name}/pull/{number}"
    return {
        "id": item.id, "node_id": node("Review", item.id), "user": user(world, item.user), "body": item.body,
        "state": item.state, "html_url": f"{page}#pullrequestreview-{item.id}", "commit_id": item.commit,
        "pull_request_url": f"{world.api}/repos/{repo.full_name}/pulls/{number}", "submitted_at": stamp(item.submitted),
        "author_association": _association(repo, item.user),
        "_links": {"html": {"href": page}, "pull_request": {"href": f"{world.api}/repos/{repo.full_name}/pulls/{number}"}},
    }  # fmt: skip


def app(world: World, item: App) -> Json:
    """A GitHub App."""
    return {
        "id": item.id, "slug": item.slug, "node_id": node("App", item.id), "client_id": f"Iv1.{item.id:016x}",
        "owner": user(world, item.owner), "name": item.slug, "description": "", "external_url": world.url,
        "html_url": f"{world.url}/apps/{item.slug}", "created_at": stamp(item.created), "updated_at": stamp(item.created),
        "permissions": item.permissions, "events": item.events,
    }  # fmt: skip


def installation(world: World, item: Installation) -> Json:
    """An installation of an App."""
    return {
        "id": item.id, "account": user(world, item.account),
        "repository_selection": "all" if item.repositories is None else "selected",
        "access_tokens_url": f"{world.api}/app/installations/{item.id}/access_tokens",
        "repositories_url": f"{world.api}/installation/repositories",
        "html_url": f"{world.url}/settings/installations/{item.id}", "app_id": item.app.id, "app_slug": item.app.slug,
        "target_id": item.account.id, "target_type": item.account.kind, "permissions": item.permissions,
        "events": item.app.events, "created_at": stamp(item.created), "updated_at": stamp(item.created),
        "single_file_name": None, "has_multiple_single_files": False, "single_file_paths": [],
        "suspended_by": None, "suspended_at": stamp(item.suspended),
    }  # fmt: skip
