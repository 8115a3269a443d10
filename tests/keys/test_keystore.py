"""The keystore refuses every wrong passphrase, altered file and open permission, and never overwrites."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certs.errors import KezhengError
from certs.signing_key import kid_of, verify_signature
from keys import keystore as keystore_module
from keys.key_record import KeyRecord, KeyRole, bound_data, file_name
from keys.keystore import HEADER_FILE, Keystore, create_keystore, key_records, open_keystore
from keys.private_files import write_new_private
from keys.signer import FileSigner, Signer

OTHER_INSTITUTION = "P000115000002"


def refusal(code: str) -> Any:
    return pytest.raises(KezhengError, match=f"^{code}( |$)")


def sign_with(keystore: Keystore, role: KeyRole, owner: str | None = None) -> FileSigner:
    record = keystore.newest(role, owner)
    assert record is not None
    return keystore.signer(record)


def key_file(folder: Path, role: str) -> Path:
    return next(folder.glob(f"{role}-*.key.json"))


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    members = json.loads(path.read_bytes())
    change(members)
    path.write_text(json.dumps(members))


def test_signs_after_reopening(keys_folder: Path, passphrase: bytes) -> None:
    opened = open_keystore(keys_folder, passphrase)
    signer: Signer = sign_with(opened, KeyRole.INSTITUTION, "P000115000001")
    signature = signer.sign(b"message")
    assert len(signature) == 64
    assert verify_signature(signer.public_key, signature, b"message")
    assert signer.kid == kid_of(signer.public_key)


def test_signer_knows_the_vector_of_rfc_8037() -> None:
    private_key = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = FileSigner(private_key)
    assert signer.kid.hex() == "90facafea9b15566"
    assert private_key.hex() not in repr(signer)


def test_wrong_passphrase(keys_folder: Path) -> None:
    with refusal("keystore_passphrase_wrong"):
        open_keystore(keys_folder, b"wrong")


def test_empty_passphrase(keys_folder: Path, tmp_path: Path) -> None:
    with refusal("passphrase_missing"):
        open_keystore(keys_folder, b"")
    with refusal("passphrase_missing"):
        create_keystore(tmp_path / "new", b"")


def test_missing_keystore(tmp_path: Path) -> None:
    with refusal("keystore_missing"):
        open_keystore(tmp_path, b"any")


def test_a_hundred_keys_cost_one_derivation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, now: datetime, passphrase: bytes
) -> None:
    create_keystore(tmp_path / "keys", passphrase)
    derivations = []
    stretch = keystore_module._stretch
    monkeypatch.setattr(keystore_module, "_stretch", lambda *given: derivations.append(1) or stretch(*given))
    opened = open_keystore(tmp_path / "keys", passphrase)
    made = [opened.generate_signing_key(KeyRole.INSTITUTION, f"P{i:012d}", now) for i in range(100)]
    assert {opened.signer(record).kid for record in made} == {record.kid for record in made}
    assert len(derivations) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.update(role="log"),
        lambda members: members.update(owner=OTHER_INSTITUTION),
        lambda members: members.update(created_at="2020-01-01T00:00:00+00:00"),
        lambda members: members.update(kid="AAAAAAAAAAA"),
        lambda members: members.update(public_key="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
        lambda members: members.update(public_key=None),
        lambda members: members.update(sealed=members["sealed"][:-4] + "AAAA"),
        lambda members: members.update(nonce="AAAAAAAAAAAAAAAA"),
        lambda members: members.update(nonce="AAAA"),
        lambda members: members.update(format=2),
        lambda members: members.pop("sealed"),
        lambda members: members.update(created_at="2026-01-01T00:00:00"),
        lambda members: members.update(owner=7),
    ],
)
def test_altered_key_file(
    keys_folder: Path, passphrase: bytes, change: Callable[[dict[str, Any]], None]
) -> None:
    opened = open_keystore(keys_folder, passphrase)
    rewrite(key_file(keys_folder, "institution"), change)
    with refusal("keystore_damaged"):
        sign_with(opened, KeyRole.INSTITUTION, "P000115000001")


def test_open_part_is_bound_when_the_file_is_renamed_too(keys_folder: Path, passphrase: bytes) -> None:
    opened = open_keystore(keys_folder, passphrase)
    path = key_file(keys_folder, "institution")
    rewrite(path, lambda members: members.update(owner=OTHER_INSTITUTION))
    path.rename(path.with_name(path.name.replace("P000115000001", OTHER_INSTITUTION)))
    assert opened.newest(KeyRole.INSTITUTION, OTHER_INSTITUTION) is not None
    with refusal("keystore_damaged"):
        sign_with(opened, KeyRole.INSTITUTION, OTHER_INSTITUTION)


def test_bound_data_differs_in_role_owner_and_kid(now: datetime) -> None:
    record = KeyRecord(KeyRole.INSTITUTION, "P000115000001", bytes(8), now, bytes(32))
    variants = [
        record,
        record._replace(role=KeyRole.LIST),
        record._replace(owner=OTHER_INSTITUTION),
        record._replace(owner=None),
        record._replace(kid=b"12345678"),
        record._replace(public_key=None),
        record._replace(created_at=now + timedelta(seconds=1)),
    ]
    assert len({bound_data(variant) for variant in variants}) == len(variants)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"format": 1}'])
def test_unreadable_key_file(keys_folder: Path, passphrase: bytes, content: bytes) -> None:
    opened = open_keystore(keys_folder, passphrase)
    key_file(keys_folder, "log").write_bytes(content)
    with refusal("keystore_damaged"):
        opened.records()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda members: members.update(kdf="scrypt-2-8-1"), "keystore_damaged"),
        (lambda members: members.update(salt="AAAA"), "keystore_damaged"),
        (lambda members: members.pop("check"), "keystore_damaged"),
        (lambda members: members.update(salt=members["check"][:43]), "keystore_passphrase_wrong"),
    ],
)
def test_altered_header(
    keys_folder: Path, passphrase: bytes, change: Callable[[dict[str, Any]], None], code: str
) -> None:
    rewrite(keys_folder / HEADER_FILE, change)
    with refusal(code):
        open_keystore(keys_folder, passphrase)


def test_everything_is_for_its_owner_alone(keys_folder: Path) -> None:
    for path in [keys_folder, *keys_folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_open_permissions_of_files(keys_folder: Path, passphrase: bytes, mode: int) -> None:
    opened = open_keystore(keys_folder, passphrase)
    key_file(keys_folder, "list").chmod(mode)
    with refusal("keystore_permissions"):
        sign_with(opened, KeyRole.LIST)
    (keys_folder / HEADER_FILE).chmod(mode)
    with refusal("keystore_permissions"):
        open_keystore(keys_folder, passphrase)


def test_open_permissions_of_the_folder(keys_folder: Path, passphrase: bytes) -> None:
    keys_folder.chmod(0o750)
    with refusal("keystore_permissions"):
        open_keystore(keys_folder, passphrase)
    with refusal("keystore_permissions"):
        key_records(keys_folder)


def test_nothing_is_overwritten(keys_folder: Path, passphrase: bytes) -> None:
    before = (keys_folder / HEADER_FILE).read_bytes()
    with refusal("key_file_exists"):
        create_keystore(keys_folder, passphrase)
    assert (keys_folder / HEADER_FILE).read_bytes() == before
    assert not list(keys_folder.rglob("*.part"))


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_an_interrupted_write_leaves_no_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    def fail(*_given: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="full"):
        write_new_private(tmp_path / "key.json", b"secret")
    assert list(tmp_path.iterdir()) == []


def test_a_rest_of_a_crash_is_not_read(keys_folder: Path, passphrase: bytes) -> None:
    (keys_folder / ".list-registry-00.key.json.aa.part").write_bytes(b"half")
    assert len(open_keystore(keys_folder, passphrase).records()) == 11


def test_newest_key_signs_and_older_ones_stay(keys_folder: Path, passphrase: bytes, now: datetime) -> None:
    opened = open_keystore(keys_folder, passphrase)
    old = sign_with(opened, KeyRole.LIST)
    new = opened.generate_signing_key(KeyRole.LIST, None, now + timedelta(days=1))
    assert sign_with(opened, KeyRole.LIST).kid == new.kid
    assert old.kid in {record.kid for record in opened.records()}


def test_missing_key(keystore: Keystore, now: datetime) -> None:
    assert keystore.newest(KeyRole.INSTITUTION, OTHER_INSTITUTION) is None
    with refusal("key_not_found"):
        keystore.signer(KeyRecord(KeyRole.LIST, None, bytes(8), now, bytes(32)))


def test_roles_are_kept_apart(keystore: Keystore, now: datetime) -> None:
    with pytest.raises(ValueError, match="do not sign"):
        keystore.generate_signing_key(KeyRole.BLIND_INDEX, None, now)
    with pytest.raises(ValueError, match="owner"):
        keystore.generate_signing_key(KeyRole.LIST, "P000115000001", now)
    with pytest.raises(ValueError, match="owner"):
        keystore.generate_signing_key(KeyRole.INSTITUTION, None, now)
    with pytest.raises(ValueError, match="file name"):
        keystore.generate_signing_key(KeyRole.INSTITUTION, "../../etc", now)
    with pytest.raises(ValueError, match="public part"):
        keystore.generate_secret(KeyRole.LIST, now)
    data_key, signing_key = keystore.newest(KeyRole.BLIND_INDEX), keystore.newest(KeyRole.LIST)
    assert data_key is not None
    assert signing_key is not None
    assert len(keystore.secret(data_key)) == 32
    with refusal("key_not_found"):
        keystore.signer(data_key)
    with pytest.raises(ValueError, match="through a signer"):
        keystore.secret(signing_key)


def test_private_parts_are_not_in_the_files(keys_folder: Path, passphrase: bytes) -> None:
    opened = open_keystore(keys_folder, passphrase)
    record = opened.newest(KeyRole.LIST)
    assert record is not None
    content = (keys_folder / file_name(record)).read_text()
    assert set(json.loads(content)) == {
        *("format", "role", "owner", "kid", "created_at", "public_key", "nonce", "sealed")
    }
