"""Receipts: the answer of a check as a bundle that anyone re-verifies years later with the pinned root alone.

The bundle holds digests, proofs from the public register and a status token; of the certificate only what its
institution has signed and the register has taken in, and nothing that whoever asked has typed, named or sent. The
registry counter-signs it after its own check; a mirror issues it without that signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from certs.canonical import decode_json, encode_json
from certs.delegation import Delegation, open_delegation
from certs.errors import KezhengError
from certs.finding import Check, CheckName, Outcome, Verdict, form_verdict
from certs.jws import RECEIPT_TYPE, open_jws, unverified_header
from certs.log_checkpoint import trusted_checkpoint
from certs.log_entry import EntryKind, certificate_body, file_body, read_entry
from certs.root_chain import RootKey, chain_file, chain_links, newest_root
from certs.status import State
from certs.status_list_token import open_status_list_jwt
from certs.timestamps import instant_from_epoch
from certs.tlog.merkle import leaf_hash, verify_inclusion
from certs.tlog.proof_file import parse_tlog_proof
from certs.token_status_list import TokenState, list_and_place

FORMAT = 1
MAX_BYTES = 4 * 1024 * 1024


class Receipt(NamedTuple):
    """A receipt that holds: its bundle, the delegation of its time, whether the registry has counter-signed it."""

    bundle: Mapping[str, Any]
    delegation: Delegation
    counter_signed: bool

    @property
    def verdict(self) -> Verdict:
        """The verdict that it records."""
        return Verdict(self.bundle["verdict"])


def receipt_document(bundle: Mapping[str, Any], counter_signature: bytes | None, delegation: bytes) -> bytes:
    """``receipt.json``: the counter-signed bundle, or the bundle alone with the delegation of its time."""
    if counter_signature is not None:
        return encode_json({"format": FORMAT, "receipt": counter_signature.decode("ascii")})
    return encode_json({"format": FORMAT, "bundle": bundle, "delegation": delegation.decode("ascii")})


def check_receipt(document: bytes, root: RootKey, chain: bytes | None = None) -> Receipt:
    """The receipt in a document, all of it re-verified from an anchor, which may have been rotated since.

    ``chain`` is the chain of roots, where one is at hand. Raises KezhengError: ``receipt_malformed``,
    ``receipt_of_other_root`` (no root that the anchor leads to has delegated to whoever made it), and as
    `check_bundle`.
    """
    receipt = _open(document, root, chain)
    check_bundle(receipt.bundle, receipt.delegation)
    return receipt


def check_bundle(bundle: Mapping[str, Any], delegated: Delegation) -> None:
    """Re-verify what a bundle holds from the delegation of its time.

    Raises KezhengError: ``receipt_untrusted`` (made outside the delegation, or under other keys),
    ``receipt_proof_wrong`` (certificate or trust list not in the register), ``receipt_status_differs``,
    ``receipt_inconsistent`` (verdict and checks), ``receipt_malformed``.
    """
    try:
        _check_time(bundle, delegated)
        _check_log(bundle, delegated)
        _check_status(bundle, delegated)
        _check_verdict(bundle)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KezhengError("receipt_malformed") from error


def _open(document: bytes, root: RootKey, chain: bytes | None) -> Receipt:
    members = _members(document)
    signed = members.get("receipt")
    token = signed.encode("utf-8") if isinstance(signed, str) else None
    try:
        carried = unverified_header(token).get("delegation") if token else members.get("delegation")
    except KezhengError as error:
        raise KezhengError("receipt_malformed") from error
    if not isinstance(carried, str) or not (token or isinstance(members.get("bundle"), dict)):
        raise KezhengError("receipt_malformed")
    delegated = _delegation(carried.encode("utf-8"), root, chain)
    if token is None:
        return Receipt(members["bundle"], delegated, counter_signed=False)
    try:
        bundle = open_jws(token, RECEIPT_TYPE, delegated.receipt_key, members=("delegation",)).payload
    except KezhengError as error:
        raise KezhengError("receipt_untrusted") from error
    return Receipt(bundle, delegated, counter_signed=True)


def _members(document: bytes) -> dict[str, Any]:
    try:
        members = decode_json(document) if len(document) <= MAX_BYTES else None
    except KezhengError as error:
        raise KezhengError("receipt_malformed") from error
    if not isinstance(members, dict) or members.get("format") != FORMAT:
        raise KezhengError("receipt_malformed")
    return members


def _delegation(token: bytes, pinned: RootKey, chain: bytes | None) -> Delegation:
    """The delegation of the receipt's time, under the pinned root or any that came after it."""
    refused = KezhengError("receipt_of_other_root")
    for root in _roots_from(pinned, chain):
        try:
            return open_delegation(token, root)
        except KezhengError as error:
            refused.__cause__ = error
    raise refused


def _roots_from(pinned: RootKey, chain: bytes | None) -> list[RootKey]:
    """The pinned root and every later one to which the chain leads."""
    try:
        links = chain_links(chain) if chain is not None else []
        return [pinned, *(newest_root(pinned, chain_file(links[:count])) for count in range(1, len(links) + 1))]
    except KezhengError as error:
        raise KezhengError("receipt_of_other_root") from error


def _check_time(bundle: Mapping[str, Any], delegated: Delegation) -> None:
    """A receipt is made while its delegation runs, and of that time: its status token knows of no other."""
    if not delegated.issued_at <= instant_from_epoch(bundle["checked_at"]) <= delegated.expires_at:
        raise KezhengError("receipt_untrusted")
    if bundle["at"] != bundle["checked_at"]:
        raise KezhengError("receipt_inconsistent")


def _check_log(bundle: Mapping[str, Any], delegated: Delegation) -> None:
    log = bundle["log"]
    trust_list = file_body(EntryKind.TRUST_LIST, b"")._replace(body=bytes.fromhex(bundle["trust_list"]["digest"]))
    _check_proof(bundle["trust_list"], trust_list.kind, trust_list.body, delegated)
    if log is not None:
        body = certificate_body(bytes.fromhex(log["kid"]), bytes.fromhex(bundle["envelope_digest"]))
        index, logged_ms = _check_proof(log, body.kind, body.body, delegated)
        if (log["leaf_index"], log["logged_at_ms"]) != (index, logged_ms):
            raise KezhengError("receipt_proof_wrong")


def _check_proof(
    stated: Mapping[str, Any], kind: EntryKind, body: bytes, delegated: Delegation
) -> tuple[int, int]:
    """Place and time (ms) of the entry with this content, proved under a checkpoint of the delegated log."""
    entry = bytes.fromhex(stated["entry"])
    try:
        opened = read_entry(entry)
        if (opened.kind, opened.body) != (kind, body):
            raise KezhengError("log_proof_invalid")
        proof = parse_tlog_proof(stated["proof"].encode("utf-8"))
        checkpoint = trusted_checkpoint(proof.checkpoint_note, delegated.log)
        verify_inclusion(leaf_hash(entry), proof.leaf_index, checkpoint.size, proof.hashes, checkpoint.root)
    except KezhengError as error:
        is_proof = error.code in ("log_proof_invalid", "log_proof_malformed", "log_entry_malformed")
        raise KezhengError("receipt_proof_wrong" if is_proof else "receipt_untrusted") from error
    return proof.leaf_index, opened.logged_ms


def _check_status(bundle: Mapping[str, Any], delegated: Delegation) -> None:
    """The status token says of the certificate's place what the verdict says."""
    status = bundle["status"]
    if status is None:
        if bundle["verdict"] in (Verdict.VALID, Verdict.NOT_IN_FORCE):
            raise KezhengError("receipt_status_differs")
        return
    try:
        token = open_status_list_jwt(status["token"].encode("ascii"), delegated.status_key)
    except KezhengError as error:
        raise KezhengError("receipt_untrusted") from error
    number, place = list_and_place(status["index"])
    is_current = token.issued_at <= instant_from_epoch(bundle["at"]) <= token.expires_at
    state = token.state(place) if is_current and token.uri.endswith(f"/{number}.jwt") else None
    if bundle["verdict"] == Verdict.VALID and state is not TokenState.VALID:
        raise KezhengError("receipt_status_differs")
    is_ended = status["state"] == State.EXPIRED
    if bundle["verdict"] == Verdict.NOT_IN_FORCE and (state is None or (state is TokenState.VALID and not is_ended)):
        raise KezhengError("receipt_status_differs")


def _check_verdict(bundle: Mapping[str, Any]) -> None:
    """The verdict is that of the checks, and the register's check passes only for an entry that is proved."""
    checks = tuple(Check(CheckName(c["name"]), Outcome(c["outcome"]), str(c["code"])) for c in bundle["checks"])
    outcomes = {check.name: check.outcome for check in checks}
    is_proved = bundle["log"] is not None or outcomes[CheckName.LOG] is not Outcome.PASSED
    is_whole = len(checks) == len(CheckName) == len(outcomes)
    if not is_whole or not is_proved or form_verdict(checks) is not Verdict(bundle["verdict"]):
        raise KezhengError("receipt_inconsistent")
