"""Where the keystore's passphrase comes from: the environment, or a file beside the keys."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from certs.errors import KezhengError
from keys.private_files import make_private_folder, read_private, write_new_private

VARIABLE = "KEZHENG_PASSPHRASE"
_GENERATED_BYTES = 32


def passphrase_file(home: Path) -> Path:
    """Where a home keeps its passphrase unless the environment gives it."""
    return home / "keys" / "passphrase"


def read_passphrase(home: Path, environ: Mapping[str, str]) -> bytes:
    """The passphrase of a home's keystore: ``KEZHENG_PASSPHRASE``, else the file.

    One line break at the end of the file does not belong to it. Raises KezhengError ``passphrase_missing``,
    or ``keystore_permissions`` when others may read the file.
    """
    given = environ.get(VARIABLE, "").encode()
    if given:
        return given
    path = passphrase_file(home)
    if not path.is_file():
        raise KezhengError("passphrase_missing", variable=VARIABLE, path=str(path))
    found = read_private(path).removesuffix(b"\n").removesuffix(b"\r")
    if not found:
        raise KezhengError("passphrase_missing", variable=VARIABLE, path=str(path))
    return found


def create_passphrase_file(home: Path) -> Path:
    """Make a random passphrase in the home's file unless there is one; the file's path.

    Convenient and weak: whoever copies the folder has keys and passphrase. ``init`` says so.
    """
    path = passphrase_file(home)
    make_private_folder(path.parent)
    if not path.exists():
        write_new_private(path, secrets.token_urlsafe(_GENERATED_BYTES).encode("ascii") + b"\n")
    return path
