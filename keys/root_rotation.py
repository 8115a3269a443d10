"""A change of root: the next root takes the root's place, and another next root is made. Folders move last.

What counts is what the new root has signed. Until that is on record nothing has moved; afterwards `finish_root_change`
moves the folders, and run again it finishes what was interrupted.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from certs.errors import KezhengError
from certs.signing_key import base64url, thumbprint
from keys.ceremony import CEREMONY_FILE, RootCommitment, next_root_folder, open_root_keystore, root_folder
from keys.key_record import KeyRecord, KeyRole, newest_of
from keys.keystore import Keystore, create_keystore, has_keystore, key_records, open_keystore
from keys.private_files import write_new_private
from keys.signer import FileSigner

_FORMAT = 1


def prepared_folder(keys_folder: Path) -> Path:
    """Where the key after the next root lies until the change of root is on record."""
    return keys_folder / "next-root-prepared"


def root_signer(keys_folder: Path, passphrase: bytes, expected: bytes) -> FileSigner:
    """The signer of the root in force, whose public key is ``expected``.

    Raises KezhengError ``root_key_off_line`` when its folder was carried away, ``root_key_wrong`` when another root's
    lies there, and as `open_keystore` does.
    """
    signer = _root_of(open_root_keystore(keys_folder, passphrase), root_folder(keys_folder))
    if signer.public_key != expected:
        raise KezhengError("root_key_wrong", path=str(root_folder(keys_folder)))
    return signer


def next_root_signer(keys_folder: Path, passphrase: bytes, committed: str | None) -> FileSigner:
    """The signer of the next root, to which the root in force is committed by thumbprint.

    Raises KezhengError ``root_key_off_line`` when its folder is not here, ``root_key_wrong`` when it holds another key.
    """
    folder = next_root_folder(keys_folder)
    if not has_keystore(folder):
        raise KezhengError("root_key_off_line", path=str(folder))
    signer = _root_of(open_keystore(folder, passphrase), folder)
    if base64url(thumbprint(signer.public_key)) != committed:
        raise KezhengError("root_key_wrong", path=str(folder))
    return signer


def prepare_next_root(keys_folder: Path, passphrase: bytes, now: datetime) -> str:
    """Make the key after the next root, once; its thumbprint, to which the next root commits itself."""
    folder = prepared_folder(keys_folder)
    keystore = open_keystore(folder, passphrase) if has_keystore(folder) else create_keystore(folder, passphrase)
    record = keystore.newest(KeyRole.ROOT) or keystore.generate_signing_key(KeyRole.ROOT, None, now)
    assert record.public_key is not None
    return base64url(thumbprint(record.public_key))


def finish_root_change(keys_folder: Path, root: RootCommitment) -> None:
    """Give the folders the names that their keys have under ``root``, and record it. Nothing happens a second time.

    The former root's folder, where it was not carried away, is kept as ``former-root-<kid>``.
    """
    place, following = root_folder(keys_folder), next_root_folder(keys_folder)
    former = _root_record(place)
    if former is not None and former.public_key != root.public_key:
        place.rename(keys_folder / f"former-root-{former.kid.hex()}")
    coming = _root_record(following)
    if coming is not None and coming.public_key == root.public_key:
        following.rename(place)
    if not following.exists() and prepared_folder(keys_folder).exists():
        prepared_folder(keys_folder).rename(following)
    _record(keys_folder, root)


def _root_of(keystore: Keystore, folder: Path) -> FileSigner:
    record = keystore.newest(KeyRole.ROOT)
    if record is None:
        raise KezhengError("root_key_wrong", path=str(folder))
    return keystore.signer(record)


def _root_record(folder: Path) -> KeyRecord | None:
    return newest_of(key_records(folder), KeyRole.ROOT, None) if has_keystore(folder) else None


def _record(keys_folder: Path, root: RootCommitment) -> None:
    """Write ``ceremony.json`` anew, whole or not at all."""
    members = {
        "format": _FORMAT,
        "root": base64url(root.public_key),
        "next_root_thumbprint": root.next_thumbprint,
    }
    part = keys_folder / f"{CEREMONY_FILE}.new"
    part.unlink(missing_ok=True)
    write_new_private(part, (json.dumps(members, indent=2) + "\n").encode("ascii"))
    os.replace(part, keys_folder / CEREMONY_FILE)
