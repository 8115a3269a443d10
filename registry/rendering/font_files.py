"""Where the fonts of the certificate lie on this machine.

The form faces beside this module hold the page's own words and GB 2312; the Noto CJK collections and Hanazono
Mincho of the system stand behind them for every other character.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from certs.errors import KezhengError

FORM_FACES = Path(__file__).parent / "form_faces"
FALLBACK_FILES = ("NotoSerifCJK-Regular.ttc", "NotoSansCJK-Regular.ttc", "HanaMinA.ttf", "HanaMinB.ttf")
"""In the order in which a missing character is looked for; Debian: fonts-noto-cjk, fonts-hanazono."""
PACKAGES = "fonts-noto-cjk fonts-hanazono"
_DEBIAN_FOLDERS = (Path("/usr/share/fonts/opentype/noto"), Path("/usr/share/fonts/truetype/hanazono"))


@cache
def font_files() -> tuple[Path, ...]:
    """The form faces and the four fallback files, in the order of use.

    Raises KezhengError ``fonts_missing`` with the files that are not there and the packages that bring them.
    """
    found = _by_name(path for folder in _DEBIAN_FOLDERS if folder.is_dir() for path in folder.iterdir())
    if not found.keys() >= set(FALLBACK_FILES):
        found = _by_name(_known_to_fontconfig()) | found
    missing = [name for name in FALLBACK_FILES if name not in found]
    if missing:
        raise KezhengError("fonts_missing", files=", ".join(missing), packages=PACKAGES)
    return (*sorted(FORM_FACES.glob("*.otf")), *(found[name] for name in FALLBACK_FILES))


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    return {path.name: path for path in paths if path.name in FALLBACK_FILES}


def _known_to_fontconfig() -> list[Path]:
    """Every font file that fontconfig lists; empty where there is no fontconfig."""
    program = shutil.which("fc-list")
    if program is None:
        return []
    listed = subprocess.run([program, "--format", "%{file}\n"], capture_output=True, text=True, check=False, timeout=60)
    return [Path(line) for line in listed.stdout.splitlines() if line]
