"""Real packages in real databases: made with rpmbuild and dpkg-deb, installed with rpm and dpkg, listed by them."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sig_bots.packages import Package
from tests.servers.programs import program

SOURCES = {"bash": "shells (5.1-1)", "keep": "keeper"}
"""Source field of these packages."""
OLD = {"base": "1.0-1", "bash": "1:5.1.8-9.el9", "curl": "8.0.1-2", "gone": "3-1", "keep": "2.5-7"}
NEW = {"base": "1.0-1", "bash": "1:5.2.26-3.el9", "curl": "7.88.1-10", "fresh": "0.1~rc1-1", "keep": "2.5-7"}


def run(*argv: str | Path, text: str | None = None) -> str:
    done = subprocess.run(list(map(str, argv)), input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


def described(package: Package) -> str:
    """As the programs list it below."""
    version = f"{package.version}-{package.release}" if package.release else package.version
    return f"{package.name} {package.epoch}:{version} {package.architecture}"


class Recorded:
    """Databases in a format that this machine's rpm cannot write, kept with what `rpm -qa` says of them.

    They were written by rpm 4.18 built with `--enable-ndb`, and for Berkeley DB by `db_load` and read by the same rpm built
    with `--enable-bdb-ro`: no rpm writes those any more.
    """

    folder = Path(__file__).parent / "recorded"

    def __init__(self, backend: str) -> None:
        self._folder = self.folder / backend

    def copy(self, context: Path) -> tuple[set[str], set[str]]:
        """Put `stale`, `old` and `new` into the context; what rpm says is in the last two."""
        for name in ("stale", "old", "new"):
            shutil.copytree(self._folder / name, context / name, ignore=shutil.ignore_patterns("*.txt"))
        return self.listed("old"), self.listed("new")

    def listed(self, name: str) -> set[str]:
        return set((self._folder / name / "rpm-qa.txt").read_text().splitlines())


class Rpm:
    """rpm with one of its database formats; it installs into databases only, so it needs no root."""

    def __init__(self, folder: Path, backend: str) -> None:
        self._rpm = [program("rpm"), "--define", f"_db_backend {backend}", "--define", "_pkgverify_level none"]
        self._folder = folder
        probe = folder / "probe"
        said = subprocess.run(
            [*self._rpm, "--dbpath", str(probe), "--initdb"], capture_output=True, text=True, check=False
        )
        self.writes = "backend" not in said.stderr
        """Whether this rpm knows the format; Debian's knows sqlite only, Fedora's and openSUSE's ndb too."""

    def make(self, packages: Mapping[str, str]) -> list[Path]:
        """One package file each, all of one spec file."""
        out = self._folder / f"rpms-{len(list(self._folder.iterdir()))}"
        spec = out.with_suffix(".spec")
        head = "Name: base\nVersion: 1.0\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n%files\n"
        for name in sorted(packages.keys() - {"base"}):
            epoch, _, rest = packages[name].rpartition(":")
            version, _, release = rest.partition("-")
            head += f"%package -n {name}\nSummary: x\nVersion: {version}\nRelease: {release}\n"
            head += (f"Epoch: {epoch}\n" if epoch else "") + f"%description -n {name}\nx\n%files -n {name}\n"
        spec.write_text(head)
        name = "%%{NAME}-%%{VERSION}-%%{RELEASE}.rpm"
        run(program("rpmbuild"), "--quiet", "-bb", "--define", f"_topdir {out}/top", "--define", f"_rpmdir {out}",
            "--define", f"_rpmfilename {name}", spec)  # fmt: skip
        return sorted(out.glob("*.rpm"))

    def make_one(self, name: str, evr: str) -> list[Path]:
        """One package file, of a spec file of its own."""
        out = self._folder / f"{name}-{evr}"
        version, _, release = evr.partition("-")
        spec = out.with_suffix(".spec")
        spec.write_text(
            f"Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: x\nLicense: MIT\nBuildArch: noarch\n"
            "%description\nx\n%files\n"
        )
        run(program("rpmbuild"), "--quiet", "-bb", "--define", f"_topdir {out}/top", "--define", f"_rpmdir {out}",
            "--define", "_rpmfilename made.rpm", spec)  # fmt: skip
        return [out / "made.rpm"]

    def install(self, database: Path, files: list[Path]) -> None:
        """Install or upgrade, also to an older version."""
        database.mkdir(exist_ok=True)
        run(*self._rpm, "--dbpath", database, "-U", "--justdb", "--nodeps", "--oldpackage", "--replacepkgs", *files)

    def remove(self, database: Path, name: str) -> None:
        run(*self._rpm, "--dbpath", database, "-e", "--justdb", "--nodeps", name)

    def sources(self, database: Path) -> set[str]:
        """What `rpm -qa` says of the source packages' files, each as `name file`."""
        return set(run(*self._rpm, "--dbpath", database, "-qa", "--qf", "%{NAME} %{SOURCERPM}\\n").splitlines())

    def listed(self, database: Path) -> set[str]:
        """What `rpm -qa` says, each as `name epoch:version-release architecture`."""
        form = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH}\\n"
        return set(run(*self._rpm, "--dbpath", database, "-qa", "--qf", form).splitlines())


class Dpkg:
    """dpkg on a database in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._dpkg = [program("dpkg"), "--log=/dev/null", "--force-not-root", "--force-script-chrootless",
                      "--force-bad-path", "--force-downgrade", f"--instdir={folder}/root"]  # fmt: skip
        (folder / "root").mkdir()

    def make(self, packages: Mapping[str, str]) -> list[Path]:
        made = []
        for name, version in packages.items():
            tree = self._folder / f"{name}-{version}".replace(":", "_")
            (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
            (tree / "DEBIAN/control").write_text(
                f"Package: {name}\n{f'Source: {SOURCES[name]}' + chr(10) if name in SOURCES else ''}Version: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n y\n"
            )
            run(program("dpkg-deb"), "--build", "--root-owner-group", "-Znone", tree, f"{tree}.deb")
            made.append(Path(f"{tree}.deb"))
        return made

    def install(self, database: Path, files: list[Path]) -> None:
        (database / "info").mkdir(parents=True, exist_ok=True)
        (database / "updates").mkdir(exist_ok=True)
        (database / "status").touch()
        run(*self._dpkg, f"--admindir={database}", "-i", *files)

    def remove(self, database: Path, name: str) -> None:
        run(*self._dpkg, f"--admindir={database}", "--purge", name)

    def sources(self, database: Path) -> set[str]:
        """What `dpkg-query` says of the source packages, each as `name source version`."""
        form = "${Package} ${source:Package} ${source:Version}\\n"
        return set(run(program("dpkg-query"), f"--admindir={database}", "-W", "-f", form).splitlines())

    def listed(self, database: Path) -> set[str]:
        """What `dpkg-query` says, each as `name epoch:version-release architecture`."""
        form = "${Package} ${Version} ${Architecture}\\n"
        rows = run(program("dpkg-query"), f"--admindir={database}", "-W", "-f", form).splitlines()
        return {row if ":" in row.split()[1] else row.replace(" ", " 0:", 1) for row in rows}
