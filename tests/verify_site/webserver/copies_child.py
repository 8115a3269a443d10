"""A program that becomes several copies of itself; each writes what happens to it into a file of its own.

Arguments: a folder for the files, how many copies, and whether one of them fails before it is ready (``fail``).
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from verify_site.webserver.lifeline import Lifeline, lifeline_of
from verify_site.webserver.process_copies import ProcessCopies

LOADED_BY = os.getpid()


def main() -> None:
    folder, size, deed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    random.seed()

    def work(lifeline: Lifeline) -> None:
        (folder / str(os.getpid())).write_text(f"{LOADED_BY} {random.random()} {lifeline.replaces}")
        if deed == "fail" and is_first(folder / "failed"):
            sys.exit(7)
        lifeline.say_ready()
        while lifeline.wait(0.05):
            pass
        (folder / str(os.getpid())).write_text("orphaned")

    sys.exit(ProcessCopies(work, size, lifeline_of(os.environ)).run())


def is_first(file: Path) -> bool:
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    main()
