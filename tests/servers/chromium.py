"""A real browser, driven over the two pipes of Chromium's debugging protocol: no driver, no port, no other package."""

import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.servers.process import ServerError
from tests.servers.programs import program

_OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--remote-debugging-pipe",
]  # fmt: skip
# The browser reads commands from descriptor 3 and writes to 4.
_MOVE = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)


class Chromium:
    """One browser with one page. Times are in seconds."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._numbers = itertools.count(1)
        self._read = b""
        self._session = ""

    def start(self) -> Self:
        """Start it, the whole browser or Debian's smaller one without windows; `ServerMissing` when there is neither."""
        browser = shutil.which("chromium") or program("chromium-headless-shell")
        ours, theirs = [], []
        for mine, other in (os.pipe()[::-1], os.pipe()):
            ours.append(mine)
            theirs.append(fcntl.fcntl(other, fcntl.F_DUPFD, 10))
            os.close(other)
        self._to, self._from = ours
        argv = [sys.executable, "-c", _MOVE, *map(str, theirs), browser, *_OPTIONS, f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(argv, pass_fds=theirs, stderr=subprocess.DEVNULL, start_new_session=True)
        for one in theirs:
            os.close(one)
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        return self

    def stop(self) -> None:
        """End it."""
        os.close(self._to)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._from)

    def open(self, url: str, *, width: int = 1200, dark: bool = False, javascript: bool = True) -> None:
        """Load a page, and everything on it."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Emulation.setScriptExecutionDisabled", value=not javascript)
        self.ask("Page.navigate", url=url)
        self._await(lambda message: message.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """What an expression gives, as JSON has it; a promise is waited for."""
        given = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in given:
            raise ServerError(f"the script failed: {given['exceptionDetails']}")
        return given["result"].get("value")

    def wait(self, script: str, seconds: float = 15) -> None:
        """Until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > end:
                raise ServerError(f"{script} did not become true within {seconds:g} s")
            time.sleep(0.1)

    def ask(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol, and its result."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        answer = self._await(lambda message: message.get("id") == number)
        if "error" in answer:
            raise ServerError(f"{method}: {answer['error']}")
        return answer["result"]

    def _await(self, wanted: Callable[[Any], bool]) -> Any:
        while True:
            while b"\0" not in self._read:
                piece = os.read(self._from, 1 << 20)
                if not piece:
                    raise ServerError("the browser has ended")
                self._read += piece
            line, _, self._read = self._read.partition(b"\0")
            message = json.loads(line)
            if wanted(message):
                return message
