"""Where the machine keeps the programs the servers need, and what to say when it has none."""

import os
import shutil
from pathlib import Path

from tests.servers.process import ServerMissing

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
# scripts/system-packages unpacks here what it may not install.
UNPACKED = CACHE / "debian"

_PACKAGES = {
    "buildah": "buildah",
    "busybox": "busybox-static",
    "docker-registry": "docker-registry",
    "dpkg-deb": "dpkg",
    "dpkg-query": "dpkg",
    "initdb": "postgresql",
    "mmdebstrap": "mmdebstrap",
    "postgres": "postgresql",
    "redis-server": "redis-server",
    "rpmbuild": "rpm",
    "skopeo": "skopeo",
}


def program(name: str) -> str:
    """Return the path of a program; `ServerMissing` with the remedy when the machine has none."""
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin", "/sbin", *_postgresql_folders()]
    # Debian 12 has some packages that still bring /bin.
    folders += [str(UNPACKED / name) for name in ("usr/bin", "usr/sbin", "bin", "sbin")]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        package = _PACKAGES.get(name, name)
        raise ServerMissing(f"{name} is missing; run `scripts/system-packages test` or install the package {package}")
    return found


def environment(unpacked: Path = UNPACKED) -> dict[str, str]:
    """Return the environment for a server: ours, with the libraries of unpacked packages reachable."""
    env = dict(os.environ)
    folders = [folder for folder in sorted((UNPACKED / "usr/lib").glob("*-linux-*")) if folder.is_dir()]
    if folders:
        libraries = [str(unpacked / folder.relative_to(UNPACKED)) for folder in folders]
        env["LD_LIBRARY_PATH"] = os.pathsep.join([*libraries, *filter(None, [env.get("LD_LIBRARY_PATH")])])
    return env


def _postgresql_folders() -> list[str]:
    """Debian keeps PostgreSQL's programs out of PATH, one folder per version; the newest comes first."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *(UNPACKED / "usr/lib/postgresql").glob("*/bin")]
    return [str(folder) for folder in sorted(folders, key=lambda folder: -int(folder.parent.name))]
