"""The folders of a change of root: nothing moves before it is on record, and what was interrupted is finished."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.errors import KezhengError
from certs.signing_key import base64url, thumbprint
from keys.ceremony import RootCommitment, hold_ceremony, next_root_folder, read_commitment, root_folder
from keys.root_rotation import (
    finish_root_change,
    next_root_signer,
    prepare_next_root,
    prepared_folder,
    root_signer,
)

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PASSPHRASE = b"six random words are enough here"


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ceremony") / "keys"
    hold_ceremony(folder, PASSPHRASE, NOW)
    return folder


@pytest.fixture
def keys_folder(ceremony: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "keys"
    shutil.copytree(ceremony, copy)
    return copy


def commitment(keys_folder: Path) -> RootCommitment:
    found = read_commitment(keys_folder)
    assert found is not None
    return found


def coming(keys_folder: Path) -> RootCommitment:
    """The root after a change that has been prepared."""
    signer = next_root_signer(keys_folder, PASSPHRASE, commitment(keys_folder).next_thumbprint)
    return RootCommitment(signer.public_key, prepare_next_root(keys_folder, PASSPHRASE, NOW + timedelta(days=1)))


def refused(code: str, path: Path, act: object, *arguments: object) -> None:
    with pytest.raises(KezhengError) as refusal:
        act(*arguments)  # type: ignore[operator]
    assert (refusal.value.code, refusal.value.params["path"]) == (code, str(path))


def test_the_signer_of_the_root_in_force(keys_folder: Path) -> None:
    root = commitment(keys_folder).public_key
    assert root_signer(keys_folder, PASSPHRASE, root).public_key == root
    refused("root_key_wrong", root_folder(keys_folder), root_signer, keys_folder, PASSPHRASE, bytes(32))
    shutil.rmtree(root_folder(keys_folder))
    refused("root_key_off_line", root_folder(keys_folder), root_signer, keys_folder, PASSPHRASE, root)


def test_only_the_committed_key_is_the_next_root(keys_folder: Path) -> None:
    committed = commitment(keys_folder).next_thumbprint
    signer = next_root_signer(keys_folder, PASSPHRASE, committed)
    assert base64url(thumbprint(signer.public_key)) == committed
    folder = next_root_folder(keys_folder)
    refused("root_key_wrong", folder, next_root_signer, keys_folder, PASSPHRASE, base64url(bytes(32)))
    refused("root_key_wrong", folder, next_root_signer, keys_folder, PASSPHRASE, None)
    shutil.rmtree(folder)
    refused("root_key_off_line", folder, next_root_signer, keys_folder, PASSPHRASE, committed)


def test_a_folder_without_a_root_key_is_none(keys_folder: Path) -> None:
    for path in root_folder(keys_folder).glob("root-*.key.json"):
        path.unlink()
    root = commitment(keys_folder).public_key
    refused("root_key_wrong", root_folder(keys_folder), root_signer, keys_folder, PASSPHRASE, root)


def test_the_key_after_the_next_is_made_once(keys_folder: Path) -> None:
    first = prepare_next_root(keys_folder, PASSPHRASE, NOW)
    assert prepare_next_root(keys_folder, PASSPHRASE, NOW + timedelta(days=1)) == first


def test_folders_take_the_names_of_what_they_hold(keys_folder: Path) -> None:
    before, root = commitment(keys_folder), coming(keys_folder)
    assert commitment(keys_folder) == before
    finish_root_change(keys_folder, root)
    assert commitment(keys_folder) == root
    assert root_signer(keys_folder, PASSPHRASE, root.public_key).public_key == root.public_key
    assert next_root_signer(keys_folder, PASSPHRASE, root.next_thumbprint)
    assert not prepared_folder(keys_folder).exists()
    [former] = keys_folder.glob("former-root-*")
    assert (former / "keystore.json").is_file()
    finish_root_change(keys_folder, root)
    assert (commitment(keys_folder), list(keys_folder.glob("former-root-*"))) == (root, [former])
    assert hold_ceremony(keys_folder, PASSPHRASE, NOW).created == ()


def test_a_root_that_was_carried_away_is_not_missed(keys_folder: Path) -> None:
    root = coming(keys_folder)
    shutil.rmtree(root_folder(keys_folder))
    finish_root_change(keys_folder, root)
    assert root_signer(keys_folder, PASSPHRASE, root.public_key)
    assert list(keys_folder.glob("former-root-*")) == []


@pytest.mark.parametrize("stopped_at", range(4))
def test_stopped_at_any_move_it_is_finished(
    keys_folder: Path, stopped_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three renames and the record: stopped before each of them in turn, and once more after the last but one."""
    root, done = coming(keys_folder), 0
    rename = Path.rename

    def counted(path: Path, target: Path) -> Path:
        nonlocal done
        if done == stopped_at:
            raise KeyboardInterrupt
        done += 1
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", counted)
        if stopped_at == 3:
            patch.setattr("keys.root_rotation._record", lambda *_: counted(keys_folder, keys_folder))
        with pytest.raises(KeyboardInterrupt):
            finish_root_change(keys_folder, root)
    finish_root_change(keys_folder, root)
    assert commitment(keys_folder) == root
    assert root_signer(keys_folder, PASSPHRASE, root.public_key)
    assert next_root_signer(keys_folder, PASSPHRASE, root.next_thumbprint)
    assert len(list(keys_folder.glob("former-root-*"))) == 1


def test_a_record_that_was_cut_off_is_written_anew(keys_folder: Path) -> None:
    root = coming(keys_folder)
    (keys_folder / "ceremony.json.new").write_bytes(b"{")
    finish_root_change(keys_folder, root)
    assert commitment(keys_folder) == root
    assert (keys_folder / "ceremony.json").stat().st_mode & 0o777 == 0o600
