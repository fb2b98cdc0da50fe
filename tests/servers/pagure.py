"""A real Pagure on a free port of 127.0.0.1: API, git over HTTP, forks, pull requests, signed web-hooks."""

import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from tests.servers import pagure_chroot
from tests.servers.process import Process, ServerError, ServerMissing, started_on_free_port

_QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO", "--pool=solo"]
_REDIS = [
    "redis-server",
    "--port",
    "0",
    "--unixsocket",
    "/srv/pagure/run/redis.sock",
    "--save",
    "",
    "--dir",
    "/srv/pagure/run",
]
# Two workers: a web-hook's receiver may call back with `wait`, and would wait for the worker that delivers the hook.
_WORKERS = {
    "repositories": "celery,gitolite_queue,authorized_keys_queue",
    "services": "pagure_webhook,pagure_logcom,pagure_loadjson,pagure_ci",
}


class Pagure:
    """One instance with fresh data; users admin (site admin), bot, alice and bob with the password `password`.

    Make a project per test (`new_project` gives it a unique name); one instance serves a whole test run.
    """

    password = "password"

    def __init__(self) -> None:
        self.port = 0
        self.tokens: dict[str, str] = {}
        self.data: Path | None = None
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it with fresh data; `ServerMissing` when the chroot was not made (`make servers` makes it)."""
        pagure_chroot.check_machine()
        if not pagure_chroot.ready():
            raise ServerMissing("Pagure is missing; run `make servers`, which makes a Debian chroot with it in .cache")
        self._stack.enter_context(pagure_chroot.in_use())
        self.tokens = json.loads((pagure_chroot.TEMPLATE / "tokens.json").read_text())
        self.data = Path(tempfile.mkdtemp(prefix="sigbot-pagure-"))
        self._stack.callback(shutil.rmtree, self.data, ignore_errors=True)
        pagure_chroot.new_data(self.data)
        try:
            self._start_all(self.data)
        except ServerError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop all of its processes and delete its data."""
        self._stack.close()

    @property
    def state(self) -> dict[str, object]:
        """What another process of the same test run needs to use this server (see `join`)."""
        return {"port": self.port, "tokens": self.tokens}

    @classmethod
    def join(cls, state: dict[str, object]) -> Self:
        """Return a server object for what `state` describes; it does not own the server."""
        server = cls()
        server.port = int(str(state["port"]))
        tokens = state["tokens"]
        assert isinstance(tokens, dict)
        server.tokens = tokens
        return server

    def alive(self) -> bool:
        """Tell whether it answers."""
        try:
            return self.port != 0 and httpx.get(f"{self.url}/api/0/version", timeout=10).is_success
        except httpx.HTTPError:
            return False

    def api(self, path: str, user: str = "admin", **form: str) -> dict[str, Any]:
        """Call `/api/0/PATH` as `user`: POST with a form, GET without; `ServerError` with Pagure's answer."""
        headers = {"Authorization": f"token {self.tokens[user]}"}
        method = "POST" if form else "GET"
        answer = httpx.request(method, f"{self.url}/api/0/{path}", headers=headers, data=form or None, timeout=60)
        if not answer.is_success:
            raise ServerError(f"Pagure answered {answer.status_code} to {method} {path}: {answer.text[:500]}")
        result = answer.json()
        assert isinstance(result, dict)
        return result

    def submit(self, path: str, user: str, **form: str) -> None:
        """Submit a form of a page in the browser of `user`, for what the API does not let people do."""
        with httpx.Client(base_url=self.url, timeout=60, follow_redirects=True) as browser:

            def token(page: str) -> str:
                found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(page).text)
                assert found, f"{page} has no form"
                return found[1]

            browser.post("/dologin", data={"username": user, "password": "password", "csrf_token": token("/login/")})
            answer = browser.post(f"/{path}", data={**form, "csrf_token": token(f"/{path}")})
            assert answer.is_success, f"Pagure answered {answer.status_code} to {path}"

    def new_project(
        self,
        name: str,
        *,
        namespace: str | None = None,
        commit: Sequence[str] = ("alice",),
        admin: Sequence[str] = ("bot",),
    ) -> str:
        """Create a project with a README on `main` and return its path, `name` with a unique ending.

        `commit` and `admin` are the users with that access; namespaces are "rpms" and "containers".
        """
        unique = f"{name}-{uuid.uuid4().hex[:8]}"
        place = {"namespace": namespace} if namespace else {}
        self.api("new", name=unique, description="made by a test", create_readme="y", wait="y", **place)
        path = f"{namespace}/{unique}" if namespace else unique
        for access, users in (("commit", commit), ("admin", admin)):
            for user in users:
                self.api(f"{path}/git/modifyacls", user_type="user", name=user, acl=access)
        return path

    def fork(self, path: str, user: str) -> str:
        """Fork a project as `user` and return the fork's API path, `fork/USER/PATH`."""
        namespace, _, name = path.rpartition("/")
        place = {"namespace": namespace} if namespace else {}
        self.api("fork", user, repo=name, wait="y", **place)
        return f"fork/{user}/{path}"

    def set_hook(self, path: str, *urls: str) -> None:
        """Let the project (or fork) send its web-hooks to `urls`, and to nobody else."""
        self.api(f"{path}/options/update", _owner(path), **{"Web-hooks": "\n".join(urls)})

    def hook_key(self, path: str) -> str:
        """Return the secret that signs this project's web-hooks; each project and each fork has its own."""
        key = self.api(f"{path}/webhook/token", _owner(path))["webhook"]["token"]
        assert isinstance(key, str)
        return key

    def clone_url(self, path: str, user: str) -> str:
        """Return the URL at which `user` clones and pushes a project or fork; it holds the user's token."""
        place = path.replace("fork/", "forks/", 1) if path.startswith("fork/") else path
        return f"http://{user}:{self.tokens[user]}@127.0.0.1:{self.port}/{place}.git"

    def _start_all(self, data: Path) -> None:
        # The port is part of the settings, and everything but the web server can start without it being taken.
        web, self.port = started_on_free_port(lambda port: self._web(data, port), 60)
        self._stack.callback(web.stop)
        redis = self._started(data, "redis", _REDIS)
        redis.ready((data / "run/redis.sock").exists, 30)
        hooks = self._started(data, "hooks", ["python3", "-m", "sigbot_hooks", "/srv/pagure/run/hooks.sock"])
        workers = [
            self._started(
                data,
                name,
                ["celery", "-A", f"sigbot_tasks:{name}", "worker", *_QUIET, "-n", f"{name}@tests", "-Q", queues],
            )
            for name, queues in _WORKERS.items()
        ]
        hooks.ready((data / "run/hooks.sock").exists, 60)
        for worker in workers:
            worker.ready(lambda log=worker.log: " ready." in log.read_text(errors="replace"), 60)  # type: ignore[misc]
        web.ready(self.alive, 60)

    def _web(self, data: Path, port: int) -> Process:
        pagure_chroot.write_settings(data, f"http://127.0.0.1:{port}")
        argv = [
            "gunicorn",
            "--bind",
            f"127.0.0.1:{port}",
            "--workers",
            "2",
            "--timeout",
            "120",
            "sigbot_web:application",
        ]
        return self._process(data, "web", argv)

    def _started(self, data: Path, name: str, argv: Sequence[str]) -> Process:
        process = self._process(data, name, argv).start()
        self._stack.callback(process.stop)
        return process

    def _process(self, data: Path, name: str, argv: Sequence[str]) -> Process:
        command, env = pagure_chroot.inside(data, argv)
        return Process(command, data / f"{name}.log", env=env, wrapped=True)


def _owner(path: str) -> str:
    """Return who may change a project's settings: a fork is its user's own, even the site's admin is a stranger."""
    return path.split("/")[1] if path.startswith("fork/") else "admin"
