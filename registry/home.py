"""An open home: settings, database and keystore together, for one command or one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import orjson

from certs.certificate_number import Layout, LayoutSet, load_layouts
from certs.delegation import Delegation, open_delegation
from certs.errors import KezhengError
from certs.evidence import Evidence, gather_evidence
from certs.log_entry import LogBody, clock_body
from certs.log_paths import CHECKPOINT_FILE
from certs.occupations import Catalogue, catalogue
from certs.proven_log import ProvenLog, open_proven_log
from certs.root_chain import RootKey, root_from_jwk
from certs.trust_list import TrustList
from keys.hsm_pin import read_hsm_pin
from keys.keystore import open_keystore
from keys.keystores import AnyKeystore, Keystores
from keys.passphrase import read_passphrase
from keys.pkcs11_keys import open_hsm
from registry.keyring import Keyring
from registry.publishing.archive import Archive
from registry.publishing.documents import DELEGATION_FILE, ROOT_FILE, published_files
from registry.publishing.log_folder import read_log_file
from registry.publishing.log_place import LogPlace
from registry.publishing.publish_status import publish_status_list, status_list_needs_signing
from registry.publishing.publish_trust import publish_trust_list, trust_list_needs_signing
from registry.publishing.sequence_log import (
    Appended,
    LogSigners,
    append_entries,
    clock_entry_is_due,
    publish_log,
)
from registry.settings import Settings
from registry.store.document_store import has_hidden_documents, latest_document, show_documents
from registry.store.engine import ReadTransaction, WriteStore, WriteTransaction, open_write_store
from registry.store.log_store import leaf_indices, read_tree

LAYOUT_ID = "kz-1"
COSIGNER = "/cosigner"
"""What the name of the key of a checkpoint's second line has after the origin."""


@dataclass(frozen=True)
class Home:
    """What the commands that write work on. Private keys are opened when first needed."""

    settings: Settings
    store: WriteStore
    environ: Mapping[str, str]

    @cached_property
    def keystore(self) -> AnyKeystore:
        """The opened keystore: one key derivation, however many keys; with a hardware module where one is set."""
        files = open_keystore(self.settings.keys_folder, read_passphrase(self.settings.home, self.environ))
        if self.settings.hsm_module is None:
            return files
        pin = read_hsm_pin(self.settings.home, self.environ)
        return Keystores(files, open_hsm(self.settings.hsm_module, self.settings.hsm_token, pin))

    @cached_property
    def keyring(self) -> Keyring:
        """The keys of this home by what they are for, each opened once."""
        return Keyring(self.keystore)

    @cached_property
    def log_place(self) -> LogPlace:
        """Where the register is published, with what this process remembers of its tree."""
        return LogPlace(
            self.settings.log_folder, self.settings.log_witness, archive=self.settings.archive_folder
        )

    @cached_property
    def archive(self) -> Archive:
        """Where everything that enters the register is archived before it is public."""
        return Archive(self.settings.archive_folder, lambda: self.keyring.cipher)

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

    def delegated(self, tx: ReadTransaction) -> Delegation:
        """The delegation in force."""
        document = latest_document(tx, DELEGATION_FILE)
        if document is None:
            raise KezhengError("home_not_initialised", home=str(self.settings.home))
        return open_delegation(document.content, self.own_root(tx))

    def evidence(self, tx: ReadTransaction) -> Evidence:
        """What this home has published, checked from its own root; the register's entries are proved one by one."""
        note = self.checkpoint()

        def open_log(trust: TrustList) -> ProvenLog:
            return open_proven_log(note, self.log_file, lambda subject: leaf_indices(tx, subject), trust)

        return gather_evidence(published_files(tx), self.own_root(tx), open_log=open_log)

    def log_file(self, path: str) -> bytes | None:
        """A file of the published register, None when there is none."""
        return read_log_file(self.settings.log_folder, path)

    def checkpoint(self) -> bytes:
        """The checkpoint that this machine published last. Raises KezhengError ``log_unavailable``.

        Another machine may have published a later one: the files that it covers do not lie here yet.
        """
        note = self.log_file(CHECKPOINT_FILE)
        if note is None:
            raise KezhengError("log_unavailable")
        return note

    @contextmanager
    def recording(self) -> Iterator[WriteTransaction]:
        """A transaction whose entries are published with the register once it has committed."""
        with self.appending() as tx:
            yield tx
        self.publish_log()

    @contextmanager
    def appending(self) -> Iterator[WriteTransaction]:
        """The same for who does several before `publish_log`; what dies in between is published by the next."""
        with self.store.transaction() as tx:
            # A database that was restored must not commit what could then not be published.
            self.log_place.check_here(tx, read_tree(tx))
            yield tx

    def log(
        self, tx: WriteTransaction, bodies: Sequence[LogBody], now: datetime, not_before: datetime | None = None
    ) -> Appended:
        """Append entries to the register in the transaction of what they record; see `append_entries` for errors."""
        return append_entries(tx, bodies, now, not_before=not_before, place=self.log_place)

    def publish_log(self) -> None:
        """Sign and publish what has been committed to the register; nothing happens when all of it is public."""
        with self.store.reading() as tx:
            log = self.delegated(tx).log
        [own] = [key.key.public_key for key in log.keys if key.final_root is None]
        cosigner = self.keyring.cosigner(log.cosigner.name, log.cosigner.public_key)
        signers = LogSigners(log.origin, self.keyring.signer_of(own), cosigner)
        publish_log(self.store, self.log_place, signers, self.archive)
        self._show_logged_documents()

    def _show_logged_documents(self) -> None:
        """Trust lists become public with the checkpoint that covers their digest."""
        with self.store.reading() as tx:
            waits = has_hidden_documents(tx)
        if not waits:
            return
        with self.store.transaction() as writing:
            tree = read_tree(writing)
            if tree.note_size == tree.size:
                show_documents(writing)

    def publish_trust(self, tx: WriteTransaction, now: datetime) -> None:
        """Sign the trust list anew, in the transaction of the change that it shows."""
        delegated = self.delegated(tx)
        signer = self.keyring.signer_of(delegated.list_key)
        publish_trust_list(tx, signer, delegated, self.settings, now, lambda b: self.log(tx, b, now))

    def publish_status(self, tx: WriteTransaction, now: datetime) -> None:
        """Sign the status file anew, in the transaction of the change that it shows."""
        publish_status_list(tx, self.keyring.signer_of(self.delegated(tx).status_key), self.settings, now)

    def publish_if_needed(self, tx: WriteTransaction, now: datetime) -> None:
        """Sign anew what is missing, half-way to its end, or no longer says what it should."""
        if clock_entry_is_due(tx, now):
            self.log(tx, [clock_body()], now)
        if trust_list_needs_signing(tx, self.settings, now):
            self.publish_trust(tx, now)
        if status_list_needs_signing(tx, now, self.settings.public_url):
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
