"""``kezheng log check``: which register is checked, under which keys, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER
from certs.log_entry import EntryKind, read_entry
from certs.log_paths import CHECKPOINT_FILE
from certs.root_chain import RootKey
from certs.timestamps import format_instant, instant_from_epoch
from certs.tlog.checkpoint import OpenCheckpoint, open_checkpoint
from certs.tlog.note import ED25519, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE
from certs.trust_list import TrustList
from registry.home import Home
from registry.log_audit import LogAudit, audit_log
from registry.log_database import compare_with_database, database_findings
from registry.log_finding import Faults, Finding, finding_of
from registry.log_publication import Publication, earlier_trees, read_publication
from registry.log_source import LogSource, open_log_source
from registry.monitor_report import kinds_document
from registry.publishing.documents import published_files
from registry.publishing.log_folder import read_log_file
from registry.store.engine import ReadTransaction

_KINDS = {ED25519: "Ed25519", ED25519_COSIGNATURE: "Ed25519 cosignature", MLDSA44_COSIGNATURE: "ML-DSA-44 cosignature"}

Advance = Callable[[int, int], None]
"""Told how many entries have been read, of how many."""


class Checked(NamedTuple):
    """A register that was read completely, and what was wrong with it."""

    publication: Publication | None
    opened: OpenCheckpoint | None
    audit: LogAudit | None
    faults: Faults

    @property
    def is_right(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults.counts


def check_own_log(home: Home, root: RootKey, advance: Advance) -> Checked:
    """This home's register: its files, its database, and each against the other."""
    with home.store.reading() as tx:
        source = _own_source(tx, home.settings.log_folder, str(home.settings.home))
        return check_source(source, root, advance, tx)


@contextmanager
def copied_source(home: Home, folder: Path) -> Iterator[LogSource]:
    """A copy of this home's register alone, to be checked under the home's own trust list."""
    with home.store.reading() as tx:
        yield _own_source(tx, folder, str(folder))


def is_bare_log(folder: Path) -> bool:
    """Whether a folder holds a register without the trust list beside it."""
    return (folder / CHECKPOINT_FILE).is_file()


def check_publication(where: str, root: RootKey, advance: Advance) -> Checked:
    """A published folder or address. Raises KezhengError ``log_source_unreachable``."""
    with open_log_source(where) as source:
        return check_source(source, root, advance)


def check_source(source: LogSource, root: RootKey, advance: Advance, tx: ReadTransaction | None = None) -> Checked:
    """Read a register completely; with a transaction, hold it against the database too."""
    faults = Faults()
    try:
        publication = read_publication(source, root)
    except KezhengError as error:
        faults.add(finding_of(error))
        return Checked(None, None, None, faults)
    trust, checkpoint = publication.trust, publication.checkpoint
    earlier = earlier_trees(trust)
    compare = None if tx is None else compare_with_database(tx)
    fitting = [tree for tree in earlier if 0 < tree[0] <= checkpoint.size]
    audit = audit_log(source.log_file, checkpoint, fitting, compare, lambda done: advance(done, checkpoint.size))
    opened = _signatures(publication, audit.faults)
    for finding in _more_findings(publication, audit, tx):
        audit.faults.add(finding)
    return Checked(publication, opened, audit, audit.faults)


def checked_document(checked: Checked, now: datetime) -> dict[str, Any]:
    """The result for ``--json``."""
    document: dict[str, Any] = {"checked_at": format_instant(now), "is_right": checked.is_right}
    document["faults"] = checked.faults.documents()
    if checked.publication is None or checked.audit is None:
        return document | {"tree": None, "signatures": [], "kinds": None}
    checkpoint, tally = checked.publication.checkpoint, checked.audit.tally
    log = checked.publication.trust.delegation.log
    tree = {"origin": log.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    tree["newest_at"] = format_instant(read_entry(tally.newest).logged_at) if tally.newest else None
    return document | {
        "tree": tree,
        "signatures": _signature_documents(checked.opened, checked.publication.trust),
        "kinds": kinds_document(tally),
    }


def _own_source(tx: ReadTransaction, log_folder: Path, where: str) -> LogSource:
    files = published_files(tx)

    def read(name: str) -> bytes | None:
        if name.startswith(LOG_FOLDER):
            return read_log_file(log_folder, name.removeprefix(LOG_FOLDER))
        return files.get(name)

    return LogSource(where, read)


def _signatures(publication: Publication, faults: Faults) -> OpenCheckpoint | None:
    """Every line of a known key; the delegated cosigner's must be there."""
    log = publication.trust.delegation.log
    try:
        keys = [key.key for key in log.keys]
        opened = open_checkpoint(publication.note, log.origin, keys, cosigners=(log.cosigner, *log.witnesses))
    except KezhengError as error:
        faults.add(finding_of(error))
        return None
    if log.cosigner.name not in {line.name for line in opened.cosigned}:
        faults.add(Finding("cosignature_missing", {"name": log.cosigner.name}))
    return opened


def _more_findings(publication: Publication, audit: LogAudit, tx: ReadTransaction | None) -> Iterator[Finding]:
    trust, files = publication.trust, audit.tally.files
    if any(size > publication.checkpoint.size for size, _ in earlier_trees(trust)):
        yield Finding("log_behind_list", {})
    if (EntryKind.TRUST_LIST, bytes.fromhex(publication.list_digest)) not in files:
        yield Finding("trust_list_not_logged", {})
    for name, digest in trust.files.items():
        if (EntryKind.DATA_FILE, bytes.fromhex(digest)) not in files:
            yield Finding("data_file_not_logged", {"file": name})
    if tx is not None:
        yield from database_findings(tx, publication.checkpoint, audit.tile_roots)


def _signature_documents(opened: OpenCheckpoint | None, trust: TrustList) -> list[dict[str, Any]]:
    if opened is None:
        return []
    log = trust.delegation.log
    kinds = {key.name: key.kind for key in (log.cosigner, *log.witnesses)}
    own = {"name": log.origin, "kind": _KINDS[ED25519], "at": None}
    return [own] + [
        {"name": line.name, "kind": _KINDS[kinds[line.name]], "at": format_instant(instant_from_epoch(line.at_seconds))}
        for line in opened.cosigned
    ]
