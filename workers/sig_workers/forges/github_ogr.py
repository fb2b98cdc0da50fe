"""ogr's GitHub service with its traps closed. The only module here that imports ogr and PyGithub (with the
jwt and cryptography packages it brings); imported on the first call.

What they do by default and this module changes: ten retries with sleeps of minutes on 403 (PyGithub), three with 30 s back-off
(ogr); a pause before each request; api.github.com whatever was configured; two extra calls per project object for an App token
that is never renewed; one connection shared by all threads although it keeps the request in itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import github
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github.Auth import AppAuth, Auth, Token
from ogr.services.github.auth_providers.github_app import GithubApp
from ogr.services.github.auth_providers.token import TokenAuthentication
from ogr.services.github.service import GithubService

__all__ = ["AppLogin", "OneTryService", "TokenLogin", "app_signature"]


def app_signature(app_id: str, private_key: str) -> AppAuth:
    """What signs an App's requests. Raises an exception of cryptography's when the key is not an RSA key in PEM form.

    The key is read and checked once: PyGithub does both for every signature, at 25 ms and more.
    """
    key = load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return AppAuth(app_id, sign_func=lambda payload: jwt.encode(payload, key, algorithm="RS256"))


class _Live(Auth):
    """A token that is asked for at every request, so that it is never older than its owner allows."""

    def __init__(self, current: Callable[[], str]) -> None:
        self._current = current

    @property
    def token_type(self) -> str:
        return "token"

    @property
    def token(self) -> str:
        return self._current()


class TokenLogin(TokenAuthentication):
    """A person's token. ogr's own would build a client for api.github.com with retries."""

    def __init__(self, token: str, options: dict[str, Any]) -> None:
        self._token = token
        self._options = options
        self._clients = threading.local()

    @property
    def pygithub_instance(self) -> github.Github:
        """The client of this thread."""
        if not hasattr(self._clients, "one"):
            self._clients.one = github.Github(auth=Token(self._token), **self._options)
        client: github.Github = self._clients.one
        return client

    def client(self, namespace: str, repo: str) -> github.Github:
        """The same for every repository."""
        return self.pygithub_instance


class AppLogin(GithubApp):
    """An App. `installation_of` gives the installation's id for a full path, `token_of` the current token of an id."""

    def __init__(
        self,
        signature: AppAuth,
        installation_of: Callable[[str], int],
        token_of: Callable[[int], str],
        options: dict[str, Any],
    ) -> None:
        super().__init__(str(signature.app_id), "", "")  # the key stays in `signature`
        self._signature = signature
        self._installation_of = installation_of
        self._token_of = token_of
        self._options = options
        self._clients = threading.local()

    @property
    def integration(self) -> github.GithubIntegration:
        """The client of this thread that speaks as the App itself."""
        if not hasattr(self._clients, "app"):
            self._clients.app = github.GithubIntegration(auth=self._signature, **self._options)
        client: github.GithubIntegration = self._clients.app
        return client

    def get_token(self, namespace: str, repo: str) -> str:
        """The current token for a repository."""
        return self._token_of(self._installation_of(f"{namespace}/{repo}"))

    def client(self, namespace: str, repo: str) -> github.Github:
        """The client of this thread for a repository, shared by all of its installation."""
        return self.client_of(self._installation_of(f"{namespace}/{repo}"))

    def client_of(self, installation: int) -> github.Github:
        """The client of this thread for an installation."""
        known: dict[int, github.Github] = self._clients.__dict__.setdefault("installed", {})
        if installation not in known:
            known[installation] = github.Github(auth=_Live(lambda: self._token_of(installation)), **self._options)
        return known[installation]


class OneTryService(GithubService):
    """ogr's service over one of the two log-ins."""

    def __init__(self, login: TokenLogin | AppLogin) -> None:
        super().__init__(github_authentication=login, max_retries=0)
        self._login = login

    def get_pygithub_instance(self, namespace: str, repo: str) -> github.Github:
        """The client for a repository; ogr's own ignores the configured server."""
        return self._login.client(namespace, repo)
