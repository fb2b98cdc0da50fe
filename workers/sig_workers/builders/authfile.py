"""Registry logins as a file for buildah, for as long as one pull or push runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ["AuthFile"]


class AuthFile:
    """An auth.json for the duration of one pull or push; as a context, the words that name it."""

    def __init__(self, path: Path, logins: dict[str, str]) -> None:
        self._path = path
        self._logins = logins

    def __enter__(self) -> list[str]:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"auths": {host: {"auth": text} for host, text in self._logins.items()}}, file)
        return ["--authfile", str(self._path)]

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
