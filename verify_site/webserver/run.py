"""``python -m verify_site.webserver.run --workers N COMMAND …``: a program in several processes, kept at their number.

SIGHUP replaces them one group by the next, SIGTERM and SIGINT end them. The program says that it is ready, and learns
that the group has gone, as `verify_site.webserver.lifeline` describes. A socket on which its processes answer together
is bound by whoever starts this and handed on; its number is for the command to know.
"""

from __future__ import annotations

import argparse
import os
import sys
from tempfile import TemporaryDirectory

from verify_site.webserver.process_group import ProcessGroup


def main() -> None:
    """Run until a signal ends it."""
    parser = argparse.ArgumentParser(prog="verify_site.webserver.run", description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--fd", type=int, action="append", default=[], help="a listening socket to hand on")
    parser.add_argument("--shared-folder", metavar="NAME", help="variable that names a folder the processes share")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="processes-") as folder:
        environ = {**os.environ, **({chosen.shared_folder: folder} if chosen.shared_folder else {})}
        status = ProcessGroup(chosen.command, chosen.workers, environ, passed=tuple(chosen.fd)).run()
    sys.exit(status)


if __name__ == "__main__":
    main()
