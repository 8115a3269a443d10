"""Evidence for a verification: signed files turned into checked records, once, before any certificate is judged.

The input is a folder's worth of bytes and an anchor; what cannot be used becomes a reason instead of an exception,
so that the answer is "could not check" with its cause.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from certs.certificate_number import LayoutSet, layout_set_from_files
from certs.cohort import Cohorts
from certs.equivalence import PolicySet, policies_from
from certs.errors import KezhengError
from certs.log_entry import EntryKind
from certs.log_evidence import LogReader, has_file
from certs.log_snapshot import open_published_log
from certs.occupations import Catalogue, catalogue_from_file
from certs.package_data import list_files, read_bytes
from certs.root_chain import RootKey, newest_root
from certs.status_list import StatusList, open_status_list
from certs.trust_list import TrustList, open_trust_list
from certs.unavailable import Unavailable
from certs.wording import all_codes

TRUST_LIST_FILE = "trust-list.jws"
STATUS_FILE = "status/events.jws"
ROOT_CHAIN_FILE = "root-chain.jws"
LOG_FOLDER = "log/"
CATALOGUE_FILE = "catalogue/occupations.toml"
LAYOUT_FOLDER = "catalogue/number_layouts/"
POLICY_FOLDER = "policies/"


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The published data that gives signed numbers their meaning."""

    layouts: LayoutSet
    catalogue: Catalogue
    policies: PolicySet


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a verification rests on; ``cohorts`` is what verifications found out of it, never that of another."""

    trust: TrustList | Unavailable
    status: StatusList | Unavailable
    data: DataFiles | Unavailable
    log: LogReader | Unavailable
    cohorts: Cohorts = field(default_factory=Cohorts, init=False, repr=False, compare=False)

    def without_status(self) -> Evidence:
        """The same evidence when the status can no longer be relied on."""
        return replace(self, status=Unavailable("status_unavailable"))


def package_data_files() -> dict[str, bytes]:
    """The package's own data files under the names in which they are published."""
    files = {CATALOGUE_FILE: read_bytes("occupations.toml")}
    for folder, suffix, published in (
        ("number_layouts", ".toml", LAYOUT_FOLDER),
        ("title_policies", ".toml", POLICY_FOLDER),
        ("title_policies/texts", ".txt", POLICY_FOLDER + "texts/"),
    ):
        for name in list_files(folder, suffix):
            files[published + name] = read_bytes(*folder.split("/"), name)
    return files


def file_digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 in hex of each file, as the trust list holds it."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


class Seen(NamedTuple):
    """The newest signed files that a reader has met: older ones, and others under the same numbers, are refused."""

    epoch: int
    version: int
    list_digest: str
    status_version: int
    tree_size: int

    def after(self, before: Seen | None) -> Seen:
        """What to keep when something was seen before: the newer list, and of status and register the newest."""
        if before is None:
            return self
        newer = max(before, self, key=lambda met: (met.epoch, met.version))
        return newer._replace(
            status_version=max(self.status_version, before.status_version),
            tree_size=max(self.tree_size, before.tree_size),
        )


OpenLog = Callable[[TrustList], LogReader]


def gather_evidence(
    files: Mapping[str, bytes],
    root: RootKey | None,
    seen: Seen | None = None,
    open_log: OpenLog | None = None,
) -> Evidence:
    """The evidence in published files under an anchor.

    ``root`` None means that none is pinned. ``open_log`` opens the public register under a trust list, raising
    KezhengError; without it the register is what lies below ``log/`` among the files.
    """
    trust = _trust(files, root, seen)
    if isinstance(trust, Unavailable):
        return Evidence(trust, Unavailable("status_unavailable"), trust, Unavailable("log_unavailable"))
    log = _log(trust, open_log or _log_of(files), seen)
    if not isinstance(log, Unavailable):
        trust = _trust_in_log(trust, files[TRUST_LIST_FILE], log)
        if isinstance(trust, Unavailable):
            return Evidence(trust, Unavailable("status_unavailable"), trust, log)
    return Evidence(trust, _status(files, trust, seen), _data(files, trust), log)


def what_was_seen(files: Mapping[str, bytes], evidence: Evidence) -> Seen | None:
    """What was met in evidence, to be kept with `Seen.after`; None when there is no trust list to remember."""
    if isinstance(evidence.trust, Unavailable):
        return None
    version = 0 if isinstance(evidence.status, Unavailable) else evidence.status.version
    size = 0 if isinstance(evidence.log, Unavailable) else evidence.log.size
    return Seen(*evidence.trust.order, hashlib.sha256(files[TRUST_LIST_FILE]).hexdigest(), version, size)


def _trust(files: Mapping[str, bytes], root: RootKey | None, seen: Seen | None) -> TrustList | Unavailable:
    token = files.get(TRUST_LIST_FILE)
    if token is None:
        return Unavailable("trust_list_unavailable")
    if root is None:
        return Unavailable("root_not_pinned", (("fingerprint", "–"),))
    try:
        trust = _opened_trust_list(token, newest_root(root, files.get(ROOT_CHAIN_FILE)))
    except KezhengError as error:
        return Unavailable("trust_list_unsigned", (("cause", error.code),))
    if seen is not None and trust.order < (seen.epoch, seen.version):
        return Unavailable("trust_list_rolled_back")
    is_same = seen is not None and trust.order == (seen.epoch, seen.version)
    if is_same and seen is not None and hashlib.sha256(token).hexdigest() != seen.list_digest:
        return Unavailable("trust_list_differs")
    return trust


def _log_of(files: Mapping[str, bytes]) -> OpenLog:
    return lambda trust: open_published_log(lambda path: files.get(LOG_FOLDER + path), trust)


def _log(trust: TrustList, open_log: OpenLog, seen: Seen | None) -> LogReader | Unavailable:
    try:
        log = open_log(trust)
    except KezhengError as error:
        # Bundles that cannot be taken apart are, for whoever asks, entries that do not fit.
        is_said = error.code in all_codes("reason")
        return Unavailable(error.code, tuple(error.params.items())) if is_said else Unavailable("log_entries_differ")
    if seen is not None and log.size < seen.tree_size:
        return Unavailable("log_rolled_back", (("size", log.size), ("known", seen.tree_size)))
    return log


def _trust_in_log(trust: TrustList, token: bytes, log: LogReader) -> TrustList | Unavailable:
    """The trust list when the register has it and its data files: one made for a single victim is in no register."""
    try:
        if not has_file(log, EntryKind.TRUST_LIST, hashlib.sha256(token).digest()):
            return Unavailable("trust_list_not_logged")
        for name, digest in trust.files.items():
            if not has_file(log, EntryKind.DATA_FILE, bytes.fromhex(digest)):
                return Unavailable("data_file_not_logged", (("file", name),))
    except KezhengError as error:
        return Unavailable(error.code, tuple(error.params.items()))
    return trust


def _status(files: Mapping[str, bytes], trust: TrustList, seen: Seen | None) -> StatusList | Unavailable:
    token = files.get(STATUS_FILE)
    if token is None:
        return Unavailable("status_unavailable")
    try:
        status = _opened_status_list(token, trust.delegation.status_key)
    except KezhengError:
        return Unavailable("status_unavailable")
    if seen is not None and status.version < seen.status_version:
        return Unavailable("status_rolled_back")
    return status


def _data(files: Mapping[str, bytes], trust: TrustList) -> DataFiles | Unavailable:
    """The data files, each equal to its digest in the trust list; one that differs is never used silently."""
    listed = {name: files.get(name) for name in trust.files}
    for name, content in listed.items():
        if content is None or hashlib.sha256(content).hexdigest() != trust.files[name]:
            return Unavailable("data_file_unlisted", (("file", name),))
    data = {name: content for name, content in listed.items() if content is not None}
    try:
        return _data_of(tuple(sorted(data.items())))
    except (KezhengError, KeyError, UnicodeDecodeError):
        return Unavailable("data_file_unlisted", (("file", CATALOGUE_FILE),))


# Whoever follows a register gathers evidence anew with each of its checkpoints, while the files are mostly the same:
# what was made of the last ones is kept, and also stays the same object, by which others keep what they make of it.


@lru_cache(maxsize=1)
def _opened_trust_list(token: bytes, root: RootKey) -> TrustList:
    return open_trust_list(token, root)


@lru_cache(maxsize=1)
def _opened_status_list(token: bytes, status_key: bytes) -> StatusList:
    return open_status_list(token, status_key)


@lru_cache(maxsize=1)
def _data_of(files: tuple[tuple[str, bytes], ...]) -> DataFiles:
    """What data files say. Raises KezhengError, KeyError or UnicodeDecodeError for faulty ones."""
    data = dict(files)
    return DataFiles(
        layouts=layout_set_from_files(_below(data, LAYOUT_FOLDER)),
        catalogue=catalogue_from_file(data[CATALOGUE_FILE]),
        policies=_policies(_below(data, POLICY_FOLDER)),
    )


def _policies(files: Mapping[str, bytes]) -> PolicySet:
    documents = {name: content for name, content in files.items() if name.endswith(".toml")}
    return policies_from(documents, lambda name: files[f"texts/{name}"].decode("utf-8"))


def _below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {name.removeprefix(folder): content for name, content in files.items() if name.startswith(folder)}
