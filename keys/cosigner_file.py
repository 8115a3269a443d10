"""A witness's key: one private file with the name under which it cosigns checkpoints of other people's registers.

It belongs to no register and lies in no keystore; only the rights of the file protect it.
"""

from __future__ import annotations

import json
import secrets
from binascii import Error as Base64Error
from pathlib import Path
from typing import NamedTuple

from certs.errors import KezhengError
from certs.signing_key import base64url, from_base64url
from certs.tlog.note import ED25519_COSIGNATURE, NoteKey, is_key_name
from keys.private_files import read_private, write_new_private
from keys.signer import FileSigner, Signer

FORMAT = 1
SEED_LENGTH = 32


class Cosigner(NamedTuple):
    """A witness: its verifier key (C2SP kind 0x04) and what signs with it."""

    key: NoteKey
    signer: Signer


def open_cosigner(path: Path, name: str | None) -> Cosigner:
    """The witness of a file; a file that is not there is made, under the name.

    Raises KezhengError ``cosigner_name_needed`` (a new file without a name), ``cosigner_name_differs``,
    ``cosigner_name_invalid``, ``cosigner_file_unreadable``, ``keystore_permissions``.
    """
    if not path.exists():
        _make(path, name)
    found = _read(path)
    if name is not None and name != found.key.name:
        raise KezhengError("cosigner_name_differs", name=found.key.name)
    return found


def _make(path: Path, name: str | None) -> None:
    if name is None:
        raise KezhengError("cosigner_name_needed", path=str(path))
    if not _is_name(name):
        raise KezhengError("cosigner_name_invalid", name=name)
    members = {"format": FORMAT, "name": name, "seed": base64url(secrets.token_bytes(SEED_LENGTH))}
    write_new_private(path, (json.dumps(members, indent=2, ensure_ascii=False) + "\n").encode())


def _read(path: Path) -> Cosigner:
    content = read_private(path)
    try:
        members = json.loads(content)
        seed = from_base64url(members["seed"])
        name = members["name"]
        if members["format"] != FORMAT or not isinstance(name, str) or not _is_name(name) or len(seed) != SEED_LENGTH:
            raise ValueError("not a witness's key")
    except (KeyError, TypeError, ValueError, Base64Error) as error:
        raise KezhengError("cosigner_file_unreadable", path=str(path)) from error
    signer = FileSigner(seed)
    return Cosigner(NoteKey(name, ED25519_COSIGNATURE, signer.public_key), signer)


def _is_name(name: str) -> bool:
    return is_key_name(name) and name.isprintable()
