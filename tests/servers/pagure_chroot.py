"""Keep and enter the Debian chroot with Pagure in it; `python -m tests.servers.pagure_chroot` makes it, once.

The chroot is never written to afterwards: a running Pagure has its data bound over /srv/pagure, in a mount namespace of
its own, so several can run from one chroot.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import pagure_debian
from tests.servers.process import ServerError, ServerMissing
from tests.servers.programs import CACHE

FILES = Path(__file__).parent / "pagure_files"
HOME = CACHE / "pagure"


def _recipe(*files: Path) -> str:
    """Return a name for the content of `files`: what was made by an older recipe is not used."""
    digest = hashlib.sha256()
    for file in (Path(pagure_debian.__file__), *sorted(files)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


ROOT = HOME / f"root-{_recipe()}"
# What a fresh Pagure starts from, made once beside the chroot: an empty database with the users, and their tokens.
TEMPLATE = HOME / f"template-{_recipe(FILES / 'pagure.cfg', FILES / 'seed.py')}"

_FOLDERS = ("repos", "remotes", "releases", "attachments", "tmp", "run", "ssh", "mirror-keys")
_ENVIRONMENT = {
    "HOME": "/srv/pagure",
    "LANG": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "PAGURE_CONFIG": "/srv/pagure/pagure.cfg",
    "PYTHONPATH": "/srv/pagure/lib",
    "PYTHONWARNINGS": "ignore",
    "TMPDIR": "/srv/pagure/tmp",
}
# The private /proc and the bound data vanish with the process. The parent-death signal comes last because a change of
# user would clear it.
_ENTER = """
mount --bind "$1" "$2/srv/pagure" || exit 97
mount -t proc proc "$2/proc" 2>/dev/null
root=$2; shift 2
exec chroot --userspec=_pagure:_pagure "$root" setpriv --pdeathsig KILL -- "$@"
"""


def check_machine() -> None:
    """Raise `ServerMissing` when this machine or account cannot run the chroot."""
    if os.geteuid() != 0:
        raise ServerMissing(
            "a real Pagure needs root (it runs in a Debian chroot); run the tests as root, in a container say"
        )
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        raise ServerMissing("a real Pagure needs the right to mount; run the tests in a container with CAP_SYS_ADMIN")


def ready() -> bool:
    """Tell whether the chroot and the template are there, made by this recipe."""
    return ROOT.exists() and TEMPLATE.exists()


@contextmanager
def in_use() -> Iterator[None]:
    """Keep the chroot from being deleted by a newer recipe meanwhile."""
    with (HOME / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield


def inside(data: Path, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return argv and environment that run a program as Pagure's user in the chroot, with `data` as /srv/pagure."""
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", str(data), str(ROOT)]
    return [*enter, *argv], dict(_ENVIRONMENT)


def run_inside(data: Path, argv: Sequence[str]) -> str:
    """Run a program as in `inside` and return its output; `ServerError` when it fails."""
    command, env = inside(data, argv)
    done = subprocess.run(
        command, env=env, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServerError(f"{' '.join(argv)} failed in Pagure's chroot: {(done.stderr + done.stdout)[-2000:]}")
    return done.stdout


def new_data(folder: Path) -> None:
    """Fill `folder` with the folders, programs and database of a fresh Pagure, all owned by its user."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FOLDERS:
        (folder / name).mkdir()
    shutil.copytree(FILES, folder / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lib/hookrunner").chmod(0o755)
    if TEMPLATE.exists():
        shutil.copyfile(TEMPLATE / "db.sqlite", folder / "db.sqlite")
    owner = (ROOT / "var/lib/pagure").stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def write_settings(folder: Path, url: str) -> None:
    """Write the settings of a Pagure that answers at `url`."""
    (folder / "pagure.cfg").write_text((FILES / "pagure.cfg").read_text().replace("$URL", url))


def prepare() -> None:
    """Make the chroot and the template unless they are there; `ServerMissing` when the machine cannot."""
    check_machine()
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _delete_others()
        if not ROOT.exists():
            pagure_debian.make(HOME / "root.new")
            (HOME / "root.new").rename(ROOT)
        if not TEMPLATE.exists():
            _make_template(HOME / "template.new")
            (HOME / "template.new").rename(TEMPLATE)


def _delete_others() -> None:
    """Delete what older recipes or interrupted runs made, unless a Pagure runs from this folder now."""
    with (HOME / "users").open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for folder in HOME.iterdir():
            if folder.is_dir() and folder not in (ROOT, TEMPLATE):
                shutil.rmtree(folder)


def _make_template(new: Path) -> None:
    shutil.rmtree(new, ignore_errors=True)
    new_data(new)
    write_settings(new, "http://127.0.0.1:1")
    settings = ["-c", "/srv/pagure/pagure.cfg", "-i", "/etc/pagure/alembic.ini"]
    run_inside(new, ["python3", "/usr/share/pagure/createdb.py", *settings])
    tokens = json.loads(run_inside(new, ["python3", "/srv/pagure/lib/seed.py"]))
    (new / "tokens.json").write_text(json.dumps(tokens))


def main() -> int:
    """Make the chroot and say so; where that is impossible say why, which is no failure of `make test`."""
    began = time.monotonic()
    try:
        check_machine()
        if not ready():
            print("Making a Debian chroot with Pagure, once (1 to 2 minutes, about 420 MB in .cache) ...", flush=True)
            prepare()
            print(f"Pagure is ready after {time.monotonic() - began:.0f} s.")
    except ServerMissing as error:
        print(f"No Pagure: {error}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
