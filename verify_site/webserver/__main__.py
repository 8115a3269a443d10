"""``python -m verify_site.webserver MODULE:NAME --fd N --workers N``: an application in several processes, one socket.

The socket is bound by whoever starts this, who so learns at once when the address is taken. All processes take
connections from it: a connection that waits there is never lost when one of them ends. This process imports no
application; the one that it starts does, and is replaced as a whole by SIGHUP.
"""

from __future__ import annotations

import argparse
import os
import sys
from tempfile import TemporaryDirectory

from verify_site.webserver.process_group import ProcessGroup


def main() -> None:
    """Run until a signal ends it: SIGHUP replaces the processes, SIGTERM and SIGINT end them."""
    parser = argparse.ArgumentParser(prog="verify_site.webserver", description=__doc__)
    parser.add_argument("app", metavar="MODULE:NAME")
    parser.add_argument("--factory", action="store_true", help="NAME is called and gives the application")
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--ready-path", help="a path that answers 200 when the application is ready")
    parser.add_argument("--shared-folder", metavar="NAME", help="variable that names a folder the processes share")
    chosen = parser.parse_args()
    command = [sys.executable, "-m", "verify_site.webserver.http_generation", chosen.app]
    command += ["--fd", str(chosen.fd), "--workers", str(chosen.workers)]
    command += ["--factory"] * chosen.factory + (["--ready-path", chosen.ready_path] if chosen.ready_path else [])
    with TemporaryDirectory(prefix="webserver-") as folder:
        environ = {**os.environ, **({chosen.shared_folder: folder} if chosen.shared_folder else {})}
        status = ProcessGroup(command, 1, environ, passed=(chosen.fd,)).run()
    sys.exit(status)


if __name__ == "__main__":
    main()
