"""One keystore for the whole run: every opening costs a key derivation of a third of a second."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from soft_token import SoftToken, make_token, soft_module

from keys import keystore as keystore_module
from keys.ceremony import hold_ceremony, make_institution_key
from keys.key_record import KeyRole
from keys.keystore import Keystore, create_keystore, open_keystore

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PASSPHRASE = "六个随机词 correct horse".encode()
INSTITUTION = "P000115000001"


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def passphrase() -> bytes:
    return PASSPHRASE


@pytest.fixture(autouse=True, scope="session")
def _derive_each_key_once() -> Iterator[None]:
    """Copies of one keystore share its salt: remember what a passphrase was stretched to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore_module, "_stretch", cache(keystore_module._stretch))
        yield


@pytest.fixture(scope="session")
def finished_ceremony(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home's key folder after the ceremony, with one institution's key. Tests copy it."""
    folder = tmp_path_factory.mktemp("home") / "keys"
    hold_ceremony(folder, PASSPHRASE, NOW)
    make_institution_key(open_keystore(folder, PASSPHRASE), INSTITUTION, NOW)
    return folder


@pytest.fixture
def keys_folder(finished_ceremony: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    copy = tmp_path / "keys"
    shutil.copytree(finished_ceremony, copy)
    return copy


@pytest.fixture(scope="session")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Keystore:
    """An open keystore with one key of each kind."""
    store = create_keystore(tmp_path_factory.mktemp("store") / "keys", PASSPHRASE)
    for role in (KeyRole.LIST, KeyRole.LOG, KeyRole.STATUS):
        store.generate_signing_key(role, None, NOW)
    for role in (KeyRole.DATA_ENCRYPTION, KeyRole.BLIND_INDEX, KeyRole.STATUS_INDEX):
        store.generate_secret(role, NOW)
    return store


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The library of SoftHSM2, which keeps its tokens in a folder of this run."""
    with soft_module(tmp_path_factory.mktemp("softhsm")) as library:
        yield library


@pytest.fixture
def token(softhsm: Path) -> SoftToken:
    """An empty token."""
    return make_token(softhsm)
