"""The first day of a home: folder, database, keys, delegation, first signed lists.

Run again, it adds what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from certs.canonical import encode_json
from certs.root_chain import RootKey, root_to_jwk
from keys.ceremony import hold_ceremony, open_root_keystore
from keys.key_record import KeyRole
from keys.passphrase import VARIABLE, create_passphrase_file, read_passphrase
from keys.private_files import FOLDER_MODE, make_private_folder
from registry.delegating import add_chain_link, first_log, sign_delegation
from registry.home import Home, open_home
from registry.publishing.documents import DELEGATION_FILE, ROOT_FILE, store_if_changed
from registry.settings import SETTINGS_FILE, Settings
from registry.store.document_store import latest_document
from registry.store.engine import WriteTransaction
from registry.store.migrate import upgrade_schema

FIRST_EPOCH = 1


class Initialised(NamedTuple):
    """What init found or made."""

    home: Path
    root: RootKey
    created_keys: int
    passphrase_file: Path | None


def initialise(settings: Settings, environ: Mapping[str, str], now: datetime) -> Initialised:
    """Make the home complete; everything that is there already stays as it is.

    Raises KezhengError as `keys.ceremony.hold_ceremony` does.
    """
    _make_home_folder(settings.home)
    passphrase_file = None if environ.get(VARIABLE) else create_passphrase_file(settings.home)
    passphrase = read_passphrase(settings.home, environ)
    ceremony = hold_ceremony(settings.keys_folder, passphrase, now)
    upgrade_schema(settings.database_url)
    root = RootKey(ceremony.root.public_key, ceremony.root.next_thumbprint)
    _pin_own_root(settings, root)
    with open_home(settings, environ) as home:
        _publish_first(home, root, passphrase, now)
    return Initialised(settings.home, root, len(ceremony.created), passphrase_file)


def _make_home_folder(folder: Path) -> None:
    """Make the folder private. One that somebody made for the purpose is closed to others; a used one must be so."""
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= {SETTINGS_FILE}:
        with suppress(PermissionError):
            folder.chmod(FOLDER_MODE)
    make_private_folder(folder)


def write_settings(settings: Settings, values: Mapping[str, Any]) -> None:
    """Write the home's settings file on its first day; one that exists is the operator's and stays."""
    path = settings.home / SETTINGS_FILE
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text("".join(f'{name} = "{value}"\n' for name, value in values.items()), "utf-8")


def _pin_own_root(settings: Settings, root: RootKey) -> None:
    if not settings.pinned_root_file.exists():
        settings.pinned_root_file.write_bytes(encode_json(root_to_jwk(root)))


def _publish_first(home: Home, root: RootKey, passphrase: bytes, now: datetime) -> None:
    with home.recording() as tx:
        if latest_document(tx, ROOT_FILE) is None:
            # Later only a change of root stores another one: the folders may still be on their way then.
            store_if_changed(tx, ROOT_FILE, encode_json(root_to_jwk(root)), now)
        if latest_document(tx, DELEGATION_FILE) is None:
            _sign_by_root(home, tx, root, passphrase, now)
        home.publish_if_needed(tx, now)


def _sign_by_root(home: Home, tx: WriteTransaction, root: RootKey, passphrase: bytes, now: datetime) -> None:
    """The delegation and the root chain's first link: all that the root ever signs on this day."""
    keystore = open_root_keystore(home.settings.keys_folder, passphrase)
    record = keystore.newest(KeyRole.ROOT)
    assert record is not None
    signer = keystore.signer(record)
    sign_delegation(home, tx, signer, first_log(home, now), FIRST_EPOCH, now)
    add_chain_link(tx, signer, root, None, now)
