"""Run by git after a push into a repository of the local forge: follow pull requests' heads and send the webhooks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sig_workers.localforge.hooks import HookSender, HookTarget
from sig_workers.localforge.pushes import PushNotes

__all__ = ["main"]


def main() -> int:
    """`received DATA PATH`, with `old new ref` lines on standard input. The push has happened: always answers 0."""
    data, path = Path(sys.argv[1]), sys.argv[2]
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]  # they name the pushed repository; git commands here are about others as well
    target = HookTarget.read(data)
    if target is None:
        print("sigbot has not been started on this folder yet, so nobody is told of this push", file=sys.stderr)
    if target is None or _tell(data, path, target):
        PushNotes(data).done(os.getppid())
    return 0


def _tell(data: Path, path: str, target: HookTarget) -> bool:
    """Whether it worked; what did not is tried again by the service, from the note."""
    # Imported here: a push nobody is told of, as into a fresh folder, shall not pay for it.
    from sig_bots.errors import SigbotError
    from sig_workers.localforge.forge import LocalForge
    from sig_workers.store.store import Store

    store = Store.open(target.store)
    forge = LocalForge.of(data, target.url.rsplit("/hooks/", 1)[0], store.database, HookSender(data))
    try:
        for line in sys.stdin:
            before, after, ref = line.split()
            forge.after_push(path, ref, before, after, os.environ.get("SIGBOT_USER"))
    except SigbotError as error:
        print(f"the push is in, but the bots could not be told yet: {error}", file=sys.stderr)
        return False
    finally:
        store.close()
    return True


if __name__ == "__main__":
    sys.exit(main())
