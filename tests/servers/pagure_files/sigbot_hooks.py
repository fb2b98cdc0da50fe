"""Run Pagure's git hooks in forks of one process that has imported Pagure already.

Each push runs three hooks. On its own, each of them imports Pagure (1.25 s of CPU), which makes a push take 4 to 15 s
and a merge 15 to 37 s; this way it is 0.4 s. The hook script (`hookrunner` beside this file) sends its arguments,
environment, folder and standard streams; the fork takes them over and runs Pagure's own function.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path

import pagure.hooks
import pagure.lib.plugins
import pagure.lib.query
import pagure.lib.tasks_services
import pagure.utils
import sqlalchemy.orm


def read_request(connection):
    """Return arguments, environment, folder of a hook and its three standard streams."""
    head, streams, _, _ = socket.recv_fds(connection, 4, 3)
    (size,) = struct.unpack("!I", head)
    body = b""
    while len(body) < size:
        part = connection.recv(size - len(body))
        if not part:
            raise EOFError("the hook went away")
        body += part
    return (*json.loads(body), streams)


def run(connection):
    """Become the hook that is asked for and return its exit status."""
    arguments, environment, folder, streams = read_request(connection)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    try:
        pagure.hooks.run_hook_file(Path(arguments[0]).name)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve(path):
    """Accept hooks on a Unix socket until the end of the process."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(32)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    while True:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        status = 1
        with contextlib.suppress(OSError, EOFError):
            status = run(connection)
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            connection.sendall(bytes([status]))
        os._exit(0)


pagure.utils.set_up_logging(configkey="LOGGING_GIT_HOOKS")
pagure.lib.plugins.get_plugin_names()
sqlalchemy.orm.configure_mappers()
serve(sys.argv[1])
