"""All files of a batch in one archive, to be handed on as a whole."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

_DAY = (1980, 1, 1, 0, 0, 0)


def write_archive(folder: Path, archive: Path) -> None:
    """Write every complete file of a folder into a ZIP beside it, for its owner only; whole or not at all.

    The same files give the same archive: it holds no time of writing. Files whose name begins with a dot are parts.
    """
    beside = archive.with_name(f".{archive.name}.part")
    with (
        os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        # What is in it is compressed already.
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as written,
    ):
        for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
            entry = zipfile.ZipInfo(path.name, _DAY)
            entry.external_attr = 0o600 << 16
            written.writestr(entry, path.read_bytes())
    os.replace(beside, archive)
