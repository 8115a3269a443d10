"""An open home: settings, database and keystore together, for one command or one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import orjson

from certs.certificate_number import Layout, LayoutSet, load_layouts
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.occupations import Catalogue, catalogue
from certs.trust_list import DelegatedKeys, RootKey, open_delegation, root_from_jwk
from keys.key_record import KeyRole
from keys.keystore import Keystore, open_keystore
from keys.passphrase import read_passphrase
from registry.keyring import Keyring
from registry.publishing.documents import DELEGATION_FILE, ROOT_FILE, current_evidence
from registry.publishing.publish_status import publish_status_list, status_list_needs_signing
from registry.publishing.publish_trust import publish_trust_list, trust_list_needs_signing
from registry.settings import Settings
from registry.store.document_store import latest_document
from registry.store.engine import ReadTransaction, WriteStore, WriteTransaction, open_write_store

LAYOUT_ID = "kz-1"


@dataclass(frozen=True)
class Home:
    """What the commands that write work on. Private keys are opened when first needed."""

    settings: Settings
    store: WriteStore
    environ: Mapping[str, str]

    @cached_property
    def keystore(self) -> Keystore:
        """The opened keystore: one key derivation, however many keys."""
        return open_keystore(self.settings.keys_folder, read_passphrase(self.settings.home, self.environ))

    @cached_property
    def keyring(self) -> Keyring:
        """The keys of this home by what they are for, each opened once."""
        return Keyring(self.keystore)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The occupations."""
        return catalogue()

    @cached_property
    def layouts(self) -> LayoutSet:
        """The number layouts."""
        return load_layouts()

    @property
    def layout(self) -> Layout:
        """The layout in which new numbers are given."""
        return self.layouts.by_id(LAYOUT_ID)

    @cached_property
    def root_fingerprint(self) -> str:
        """SHA-256 of this register's root key in groups of eight, as certificates print it for comparison."""
        with self.store.reading() as tx:
            found = self.own_root(tx).fingerprint
        return " ".join(found[start : start + 8] for start in range(0, len(found), 8))

    def own_root(self, tx: ReadTransaction) -> RootKey:
        """The root of this home's own register."""
        document = latest_document(tx, ROOT_FILE)
        if document is None:
            raise KezhengError("home_not_initialised", home=str(self.settings.home))
        return root_from_jwk(orjson.loads(document.content))

    def delegated(self, tx: ReadTransaction) -> DelegatedKeys:
        """The delegation in force."""
        document = latest_document(tx, DELEGATION_FILE)
        if document is None:
            raise KezhengError("home_not_initialised", home=str(self.settings.home))
        return open_delegation(document.content, self.own_root(tx))

    def evidence(self, tx: ReadTransaction) -> Evidence:
        """What this home has published, checked from its own root."""
        return current_evidence(tx, self.own_root(tx))

    def publish_trust(self, tx: WriteTransaction, now: datetime) -> None:
        """Sign the trust list anew, in the transaction of the change that it shows."""
        publish_trust_list(tx, self.keyring.signer(KeyRole.LIST), self.delegated(tx), self.settings, now)

    def publish_status(self, tx: WriteTransaction, now: datetime) -> None:
        """Sign the status file anew, in the transaction of the change that it shows."""
        publish_status_list(tx, self.keyring.signer(KeyRole.STATUS), self.settings, now)

    def publish_if_needed(self, tx: WriteTransaction, now: datetime) -> None:
        """Sign anew what is missing, half-way to its end, or no longer says what it should."""
        if trust_list_needs_signing(tx, self.settings, now):
            self.publish_trust(tx, now)
        if status_list_needs_signing(tx, now):
            self.publish_status(tx, now)


@contextmanager
def open_home(settings: Settings, environ: Mapping[str, str]) -> Iterator[Home]:
    """The home of the settings. Raises KezhengError ``home_not_initialised`` or ``schema_out_of_date``."""
    if not settings.keys_folder.is_dir():
        raise KezhengError("home_not_initialised", home=str(settings.home))
    store = open_write_store(settings.database_url)
    try:
        yield Home(settings, store, environ)
    finally:
        store.close()


def read_pinned_root(path: Path) -> RootKey | None:
    """The anchor in a file, None when there is no file. Raises KezhengError ``root_file_invalid``."""
    if not path.exists():
        return None
    try:
        return root_from_jwk(orjson.loads(path.read_bytes()))
    except (orjson.JSONDecodeError, KezhengError) as error:
        raise KezhengError("root_file_invalid", path=path.name) from error
