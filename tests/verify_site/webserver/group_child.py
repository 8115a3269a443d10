"""A program for groups of processes: it writes what happens to it into a file of its own, and does as it is told.

Arguments: a folder for the files, then what it does: ``serve``, ``fail`` before it is ready, ``fail-later``,
``stay-silent`` (never ready), ``fail-when-replacing``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from verify_site.webserver.lifeline import lifeline_of


def main() -> None:
    folder, deed = Path(sys.argv[1]), sys.argv[2]
    lifeline = lifeline_of(os.environ)
    file = folder / f"{time.monotonic_ns()}-{os.getpid()}"
    file.write_text("started")

    def leave(*_: object) -> None:
        file.write_text("left")
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    if deed == "fail" or (deed == "fail-when-replacing" and lifeline.replaces):
        file.write_text("failed")
        sys.exit(7)
    if deed != "stay-silent":
        file.write_text("ready")
        lifeline.say_ready()
    if deed == "fail-later" and len(list(folder.iterdir())) < 4:
        file.write_text("failed")
        sys.exit(8)
    while lifeline.wait(0.05):
        pass
    file.write_text("orphaned")


if __name__ == "__main__":
    main()
