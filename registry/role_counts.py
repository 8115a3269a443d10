"""Where the processes of one role add up what they count: a folder that their group made and named for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from verify_site.webserver.counts_of_processes import CountsOfProcesses

COUNTS_FOLDER = "KEZHENG_COUNTS_FOLDER"


def shared_counts(environ: Mapping[str, str]) -> CountsOfProcesses | None:
    """This process's place in the folder that the environment names, None for a process that is alone."""
    folder = environ.get(COUNTS_FOLDER)
    return CountsOfProcesses(Path(folder)) if folder else None
