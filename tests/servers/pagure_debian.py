"""Make a Debian root folder with Pagure in it. A change of this file makes every cached one obsolete.

Pagure is packaged in Debian 13 (trixie) only, and not on PyPI.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.process import ServerError, ServerMissing
from tests.servers.programs import environment, program

_SUITE = "trixie"
_KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp")
_PACKAGES = "pagure,pagure-webhook,redis-server,gunicorn"
_LIBRARY = "usr/lib/python3/dist-packages/pagure"


def make(root: Path) -> None:
    """Make the folder `root`; `ServerMissing` when mmdebstrap, a mirror or its keys are not to be had."""
    _bootstrap(root)
    _adapt(root)


def _bootstrap(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    keyring = next((k for k in map(Path, _KEYRINGS) if k.exists()), None)
    if keyring is None:
        raise ServerMissing("Debian's archive keys are missing; install the package debian-archive-keyring")
    argv = ["unshare", "--mount", "--propagation", "private", program("mmdebstrap"), "--quiet", "--mode=root"]
    argv += ["--variant=apt", "--format=directory", f"--include={_PACKAGES}", "--dpkgopt=force-unsafe-io"]
    argv += [f"--dpkgopt=path-exclude=/usr/share/{waste}/*" for waste in ("man", "locale", "doc")]
    argv += ["--dpkgopt=path-include=/usr/share/doc/*/copyright"]
    argv += [_SUITE, str(root), f"deb [signed-by={keyring}] {_mirror()} {_SUITE} main"]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerMissing(f"Pagure's chroot could not be made: {done.stderr.strip()[-1000:]}")


def _mirror() -> str:
    """Return the Debian mirror this machine uses; SIGBOT_DEBIAN_MIRROR says another."""
    if chosen := os.environ.get("SIGBOT_DEBIAN_MIRROR"):
        return chosen
    if shutil.which("apt-get") is None:
        raise ServerMissing("a real Pagure needs a Debian mirror; set SIGBOT_DEBIAN_MIRROR to the URL of one")
    argv = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"]
    for line in subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines():
        origin, _, uri = line.partition(" ")
        if origin == "Debian" and "security" not in uri:
            return uri
    raise ServerMissing(
        "apt knows no Debian mirror; run `apt-get update`, or set SIGBOT_DEBIAN_MIRROR to the URL of one"
    )


def _adapt(root: Path) -> None:
    (root / "srv/pagure").mkdir()
    runner = root / _LIBRARY / "hooks/files/hookrunner"
    runner.unlink()
    runner.symlink_to("/srv/pagure/lib/hookrunner")
    # With arrow 1 this Pagure answers times as "1795445705.897337"; the public ones answer whole seconds, and clients
    # rely on it.
    model = root / _LIBRARY / "lib/model.py"
    before = model.read_text()
    after = before.replace('"%s" % arrow.get(value).float_timestamp', '"%d" % arrow.get(value).float_timestamp')
    if before == after:
        raise ServerError(
            "this Pagure formats its times in another way than 5.14.1; adapt tests/servers/pagure_chroot.py"
        )
    model.write_text(after)
