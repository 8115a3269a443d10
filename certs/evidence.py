"""Evidence for a verification: signed files turned into checked records, once, before any certificate is judged.

The input is a folder's worth of bytes and an anchor; what cannot be used becomes a reason instead of an exception,
so that the answer is "could not check" with its cause.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from certs.certificate_number import LayoutSet, layout_set_from_files
from certs.equivalence import PolicySet, policies_from
from certs.errors import KezhengError, Param
from certs.occupations import Catalogue, catalogue_from_file
from certs.package_data import list_files, read_bytes
from certs.status_list import StatusList, open_status_list
from certs.trust_list import RootKey, TrustList, open_trust_list

TRUST_LIST_FILE = "trust-list.jws"
STATUS_FILE = "status/events.jws"
CATALOGUE_FILE = "catalogue/occupations.toml"
LAYOUT_FOLDER = "catalogue/number_layouts/"
POLICY_FOLDER = "policies/"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a piece of evidence cannot be used: a reason code with its parameters."""

    code: str
    params: tuple[tuple[str, Param], ...] = ()


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The published data that gives signed numbers their meaning."""

    layouts: LayoutSet
    catalogue: Catalogue
    policies: PolicySet


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a verification rests on."""

    trust: TrustList | Unavailable
    status: StatusList | Unavailable
    data: DataFiles | Unavailable

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


def gather_evidence(files: Mapping[str, bytes], root: RootKey | None, seen: tuple[int, int] | None = None) -> Evidence:
    """The evidence in published files under an anchor.

    ``root`` None means that none is pinned. ``seen`` is the highest (epoch, version) that the reader has met;
    a lower trust list is refused.
    """
    trust = _trust(files, root, seen)
    if isinstance(trust, Unavailable):
        return Evidence(trust, Unavailable("status_unavailable"), trust)
    return Evidence(trust, _status(files, trust), _data(files, trust))


def _trust(files: Mapping[str, bytes], root: RootKey | None, seen: tuple[int, int] | None) -> TrustList | Unavailable:
    token = files.get(TRUST_LIST_FILE)
    if token is None:
        return Unavailable("trust_list_unavailable")
    if root is None:
        return Unavailable("root_not_pinned", (("fingerprint", "–"),))
    try:
        trust = open_trust_list(token, root)
    except KezhengError as error:
        return Unavailable("trust_list_unsigned", (("cause", error.code),))
    if seen is not None and trust.order < seen:
        return Unavailable("trust_list_rolled_back")
    return trust


def _status(files: Mapping[str, bytes], trust: TrustList) -> StatusList | Unavailable:
    token = files.get(STATUS_FILE)
    if token is None:
        return Unavailable("status_unavailable")
    try:
        return open_status_list(token, trust.status_key)
    except KezhengError:
        return Unavailable("status_unavailable")


def _data(files: Mapping[str, bytes], trust: TrustList) -> DataFiles | Unavailable:
    """The data files, each equal to its digest in the trust list; one that differs is never used silently."""
    listed = {name: files.get(name) for name in trust.files}
    for name, content in listed.items():
        if content is None or hashlib.sha256(content).hexdigest() != trust.files[name]:
            return Unavailable("data_file_unlisted", (("file", name),))
    data = {name: content for name, content in listed.items() if content is not None}
    try:
        return DataFiles(
            layouts=layout_set_from_files(_below(data, LAYOUT_FOLDER)),
            catalogue=catalogue_from_file(data[CATALOGUE_FILE]),
            policies=_policies(_below(data, POLICY_FOLDER)),
        )
    except (KezhengError, KeyError, UnicodeDecodeError):
        return Unavailable("data_file_unlisted", (("file", CATALOGUE_FILE),))


def _policies(files: Mapping[str, bytes]) -> PolicySet:
    documents = {name: content for name, content in files.items() if name.endswith(".toml")}
    return policies_from(documents, lambda name: files[f"texts/{name}"].decode("utf-8"))


def _below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {name.removeprefix(folder): content for name, content in files.items() if name.startswith(folder)}
