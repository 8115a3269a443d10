"""The ceremony makes each key once, commits to the next root, and lets both roots be carried away."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from certs.errors import KezhengError
from certs.signing_key import base64url, thumbprint
from keys import ceremony
from keys.ceremony import (
    CEREMONY_FILE,
    hold_ceremony,
    next_root_folder,
    open_root_keystore,
    read_commitment,
    root_folder,
)
from keys.key_record import KeyRole
from keys.keystore import Keystore, key_records, open_keystore
from keys.passphrase import create_passphrase_file, passphrase_file, read_passphrase


def root_of(keystore: Keystore) -> bytes:
    record = keystore.newest(KeyRole.ROOT)
    assert record is not None
    return keystore.signer(record).public_key


def test_makes_every_key(keys_folder: Path) -> None:
    roles = sorted(record.role for record in key_records(keys_folder))
    signing = ("list", "log", "log_cosignature", "status", "receipt", "document_ca", "document", "institution")
    assert roles == sorted((*signing, "data_encryption", "blind_index", "status_index"))
    assert [record.role for record in key_records(root_folder(keys_folder))] == [KeyRole.ROOT]


def test_commits_to_the_next_root(keys_folder: Path, passphrase: bytes) -> None:
    commitment = read_commitment(keys_folder)
    assert commitment is not None
    next_root = root_of(open_keystore(next_root_folder(keys_folder), passphrase))
    assert commitment.next_thumbprint == base64url(thumbprint(next_root))
    assert commitment.public_key == root_of(open_root_keystore(keys_folder, passphrase))
    assert next_root != commitment.public_key
    assert base64url(next_root) not in (keys_folder / CEREMONY_FILE).read_text()


def test_again_makes_nothing(keys_folder: Path, passphrase: bytes, now: datetime) -> None:
    before = {path: path.read_bytes() for path in keys_folder.rglob("*") if path.is_file()}
    again = hold_ceremony(keys_folder, passphrase, now + timedelta(days=400))
    assert again.created == ()
    assert {path: path.read_bytes() for path in keys_folder.rglob("*") if path.is_file()} == before


def test_a_home_of_an_older_version_gets_the_new_roles(keys_folder: Path, passphrase: bytes, now: datetime) -> None:
    added = {KeyRole.LOG_COSIGNATURE, KeyRole.RECEIPT, KeyRole.DOCUMENT_CA, KeyRole.DOCUMENT}
    for role in added:
        next(keys_folder.glob(f"{role}-*.key.json")).unlink()
    shutil.rmtree(next_root_folder(keys_folder))
    kept = key_records(keys_folder)
    upgraded = hold_ceremony(keys_folder, passphrase, now + timedelta(days=30))
    assert {record.role for record in upgraded.created} == added
    assert [record for record in key_records(keys_folder) if record not in upgraded.created] == kept
    assert hold_ceremony(keys_folder, passphrase, now + timedelta(days=31)).created == ()


def test_roots_may_be_carried_away(keys_folder: Path, passphrase: bytes, now: datetime) -> None:
    commitment = read_commitment(keys_folder)
    shutil.rmtree(root_folder(keys_folder))
    shutil.rmtree(next_root_folder(keys_folder))
    again = hold_ceremony(keys_folder, passphrase, now)
    assert (again.root, again.created) == (commitment, ())
    assert not root_folder(keys_folder).exists()
    with pytest.raises(KezhengError, match=r"^root_key_off_line"):
        open_root_keystore(keys_folder, passphrase)


def test_goes_on_after_an_interruption(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, passphrase: bytes, now: datetime
) -> None:
    def crash(*_given: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(ceremony, "write_new_private", crash)
        with pytest.raises(OSError, match="power cut"):
            hold_ceremony(tmp_path / "keys", passphrase, now)
    root = key_records(root_folder(tmp_path / "keys"))
    finished = hold_ceremony(tmp_path / "keys", passphrase, now)
    assert finished.root.public_key == root[0].public_key
    assert KeyRole.ROOT not in {record.role for record in finished.created}


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"format":1,"root":"AA","next_root_thumbprint":"AA"}'])
def test_damaged_record(keys_folder: Path, passphrase: bytes, now: datetime, content: bytes) -> None:
    (keys_folder / CEREMONY_FILE).write_bytes(content)
    with pytest.raises(KezhengError, match=r"^keystore_damaged"):
        hold_ceremony(keys_folder, passphrase, now)


def test_passphrase_of_the_environment_comes_first(tmp_path: Path) -> None:
    create_passphrase_file(tmp_path)
    assert read_passphrase(tmp_path, {"KEZHENG_PASSPHRASE": "口令"}) == "口令".encode()


def test_passphrase_file_is_made_once(tmp_path: Path) -> None:
    path = create_passphrase_file(tmp_path)
    found = read_passphrase(tmp_path, {})
    assert create_passphrase_file(tmp_path) == path == passphrase_file(tmp_path)
    assert read_passphrase(tmp_path, {"KEZHENG_PASSPHRASE": ""}) == found
    assert len(found) >= 43
    assert path.stat().st_mode & 0o777 == 0o600


def test_passphrase_missing_or_open(tmp_path: Path) -> None:
    with pytest.raises(KezhengError, match=r"^passphrase_missing"):
        read_passphrase(tmp_path, {})
    path = create_passphrase_file(tmp_path)
    path.chmod(0o644)
    with pytest.raises(KezhengError, match=r"^keystore_permissions"):
        read_passphrase(tmp_path, {})
    path.chmod(0o600)
    path.write_bytes(b"\n")
    with pytest.raises(KezhengError, match=r"^passphrase_missing"):
        read_passphrase(tmp_path, {})


def test_line_break_of_an_editor_is_not_part_of_it(tmp_path: Path) -> None:
    path = create_passphrase_file(tmp_path)
    path.write_bytes(b"words of mine \r\n")
    assert read_passphrase(tmp_path, {}) == b"words of mine "
