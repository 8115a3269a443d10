"""``python -m verify_site.webserver.run --workers N COMMAND …``: a program in several processes, kept at their number.

SIGHUP replaces them one group by the next, SIGTERM and SIGINT end them. The program says that it is ready, and learns
that the group has gone, as `verify_site.webserver.lifeline` describes.
"""

from __future__ import annotations

import argparse
import os
import sys

from verify_site.webserver.process_group import ProcessGroup


def main() -> None:
    """Run until a signal ends it."""
    parser = argparse.ArgumentParser(prog="verify_site.webserver.run", description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    sys.exit(ProcessGroup(chosen.command, chosen.workers, dict(os.environ)).run())


if __name__ == "__main__":
    main()
