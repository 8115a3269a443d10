"""Where the fonts of the certificate lie on this machine.

The face for personal text lies beside this module; all other text and every rare character come from the Noto CJK
collections and from Hanazono Mincho of the system.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from certs.errors import KezhengError

PERSON_FACE = Path(__file__).parent / "form_faces" / "KezhengFormPerson.otf"
COVERING_FILES = ("NotoSerifCJK-Regular.ttc", "NotoSansCJK-Regular.ttc", "HanaMinA.ttf", "HanaMinB.ttf")
"""Where a character of a name is looked for, in this order."""
SYSTEM_FILES = (*COVERING_FILES, "NotoSerifCJK-Bold.ttc")
PACKAGES = "fonts-noto-cjk fonts-hanazono"
_DEBIAN_FOLDERS = (Path("/usr/share/fonts/opentype/noto"), Path("/usr/share/fonts/truetype/hanazono"))


@cache
def font_files() -> dict[str, Path]:
    """The files of `SYSTEM_FILES` by name.

    Raises KezhengError ``fonts_missing`` with the files that are not there and the packages that bring them.
    """
    found = _by_name(path for folder in _DEBIAN_FOLDERS if folder.is_dir() for path in folder.iterdir())
    if not found.keys() >= set(SYSTEM_FILES):
        found = _by_name(_known_to_fontconfig()) | found
    missing = [name for name in SYSTEM_FILES if name not in found]
    if missing:
        raise KezhengError("fonts_missing", files=", ".join(missing), packages=PACKAGES)
    return found


def font_folders() -> list[Path]:
    """The folders that a compiler must look into. Raises KezhengError ``fonts_missing``."""
    return sorted({path.parent for path in (*font_files().values(), PERSON_FACE)})


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    return {path.name: path for path in paths if path.name in SYSTEM_FILES}


def _known_to_fontconfig() -> list[Path]:
    """Every font file that fontconfig lists; empty where there is no fontconfig."""
    program = shutil.which("fc-list")
    if program is None:
        return []
    listed = subprocess.run([program, "--format", "%{file}\n"], capture_output=True, text=True, check=False, timeout=60)
    return [Path(line) for line in listed.stdout.splitlines() if line]
