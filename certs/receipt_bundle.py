"""Making a receipt's bundle out of a check just made, and the report that a bundle tells.

A bundle is the report of the check without title effects and without ID characters, and what proves it: the entries
of certificate and trust list with their proofs, the status token, the digests of the title policies. What somebody
submitted is in it as the SHA-256 of the envelope alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from certs.cose import take_apart
from certs.errors import KezhengError
from certs.evidence import POLICY_FOLDER, TRUST_LIST_FILE, Evidence
from certs.finding import Verification
from certs.jws import unverified_header
from certs.log_checkpoint import trusted_checkpoint
from certs.log_entry import EntryKind, certificate_body, read_entry
from certs.log_evidence import LogReader
from certs.log_paths import CHECKPOINT_FILE
from certs.receipt import check_bundle
from certs.report import ReportContext, report_json
from certs.status_list_token import jwt_file
from certs.timestamps import epoch_seconds, format_instant, instant_from_epoch, instant_from_ms
from certs.tlog.proof_file import TlogProof, format_tlog_proof, parse_tlog_proof
from certs.tlog.tile_reader import ReadFile, TileReader
from certs.token_status_list import list_and_place
from certs.trust_list import TrustList
from certs.unavailable import Unavailable

_SAID = ("verdict", "tone", "headline", "summary", "check_id", "checks", "notices", "institution")
"""Members that a bundle has from the report as they are."""
_NOT_IN_RECEIPTS = ("id_tail", "id_type")
_EVIDENCE = ("index", "token")


class CheckMade(NamedTuple):
    """A verification with what it rested on. ``envelope`` is None where the code held none.

    ``checked_at`` has whole seconds and is the time that was asked about.
    """

    envelope: bytes | None
    verification: Verification
    evidence: Evidence
    check_id: str
    checked_at: datetime


class Published(NamedTuple):
    """The published files from which the evidence came, and the files of the register by path."""

    files: Mapping[str, bytes]
    read_log: ReadFile

    @property
    def delegation(self) -> str:
        """The delegation that the trust list carries."""
        return str(unverified_header(self.files[TRUST_LIST_FILE])["delegation"])


def receipt_bundle(made: CheckMade, published: Published) -> dict[str, Any]:
    """The bundle of a check, which re-verifies.

    Raises KezhengError ``receipt_unavailable`` when trust list, register or status token are not at hand, or do not
    agree at this moment: whoever asks again a little later gets one.
    """
    trust, log = made.evidence.trust, made.evidence.log
    if isinstance(trust, Unavailable) or isinstance(log, Unavailable):
        raise KezhengError("receipt_unavailable")
    try:
        bundle = _bundle(made, published, trust, log)
        check_bundle(bundle, trust.delegation)
    except KezhengError as error:
        raise KezhengError("receipt_unavailable") from error
    return bundle


def report_of_bundle(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """The report that a bundle tells, in the shape of `certs.report.report_json`.

    Title effects are no part of a receipt, and ID characters are never in one.
    """
    certificate, status, log = bundle["certificate"], bundle["status"], bundle["log"]
    stated = None if status is None else {name: value for name, value in status.items() if name not in _EVIDENCE}
    checked_at = format_instant(instant_from_epoch(bundle["checked_at"]))
    return {name: bundle[name] for name in _SAID} | {
        "next_step": {"zh": "", "en": ""},
        "checked_at": checked_at,
        "as_of": format_instant(instant_from_epoch(bundle["at"])),
        "certificate": None if certificate is None else certificate | dict.fromkeys(_NOT_IN_RECEIPTS),
        "status": stated,
        "equivalence": [],
        "log": None if log is None else _log_of_report(log),
    }


def _bundle(made: CheckMade, published: Published, trust: TrustList, log: LogReader) -> dict[str, Any]:
    report = report_json(made.verification, ReportContext(made.check_id, made.checked_at))
    proofs = _Proofs(published.read_log, trust, log)
    at = epoch_seconds(made.checked_at)
    return {name: report[name] for name in _SAID} | {
        "checked_at": at,
        "at": at,
        "certificate": _without_id(report["certificate"]),
        "envelope_digest": None if made.envelope is None else hashlib.sha256(made.envelope).hexdigest(),
        "log": proofs.of_certificate(made.envelope),
        "trust_list": _trust_list(published, trust, proofs),
        "status": _status(made, report["status"], published.files),
        "policies": {name: digest for name, digest in trust.files.items() if name.startswith(POLICY_FOLDER)},
    }


def _without_id(certificate: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if certificate is None:
        return None
    return {name: value for name, value in certificate.items() if name not in _NOT_IN_RECEIPTS}


def _trust_list(published: Published, trust: TrustList, proofs: _Proofs) -> dict[str, Any]:
    digest = hashlib.sha256(published.files[TRUST_LIST_FILE]).digest()
    proved = proofs.of(digest, EntryKind.TRUST_LIST, digest)
    if proved is None:
        raise KezhengError("log_proof_invalid")
    named = {"digest": digest.hex(), "epoch": trust.epoch, "version": trust.version}
    return named | {"entry": proved.entry.hex(), "proof": proved.proof}


def _status(
    made: CheckMade, report: Mapping[str, Any] | None, files: Mapping[str, bytes]
) -> dict[str, Any] | None:
    """What the report says of the state, with the place and the token that show it."""
    genuine = made.verification.genuine
    if genuine is None or report is None:
        return None
    index = genuine.claims.status_index
    token = files.get(jwt_file(list_and_place(index)[0]))
    return None if token is None else {**report, "index": index, "token": token.decode("ascii")}


class _Proved(NamedTuple):
    entry: bytes
    leaf_index: int
    proof: str


class _Proofs:
    """Proofs under the newest checkpoint, which covers whatever the evidence has seen."""

    def __init__(self, read: ReadFile, trust: TrustList, log: LogReader) -> None:
        self._note = read(CHECKPOINT_FILE) or b""
        checkpoint = trusted_checkpoint(self._note, trust.delegation.log)
        self._tiles = TileReader(checkpoint.size, checkpoint.root, read)
        self._log = log

    def of(self, subject: bytes, kind: EntryKind, body: bytes) -> _Proved | None:
        """The first entry about a subject with this content."""
        for index, entry in self._log.entries_about(subject):
            opened = read_entry(entry)
            if (opened.kind, opened.body) == (kind, body) and index < self._tiles.size:
                proof = TlogProof(index, tuple(self._tiles.inclusion_proof(index)), self._note)
                return _Proved(entry, index, format_tlog_proof(proof))
        return None

    def of_certificate(self, envelope: bytes | None) -> dict[str, Any] | None:
        """A certificate's entry under the key that its envelope names, None where there is none."""
        try:
            kid = take_apart(envelope or b"").kid
        except KezhengError:
            return None
        body = certificate_body(kid, hashlib.sha256(envelope or b"").digest())
        found = self.of(body.subject, body.kind, body.body)
        if found is None:
            return None
        logged_ms = read_entry(found.entry).logged_ms
        stated = {"kid": kid.hex(), "leaf_index": found.leaf_index, "logged_at_ms": logged_ms}
        return stated | {"entry": found.entry.hex(), "proof": found.proof}


def _log_of_report(log: Mapping[str, Any]) -> dict[str, Any]:
    note = parse_tlog_proof(log["proof"].encode("utf-8")).checkpoint_note
    return {
        "tree_size": int(note.split(b"\n", 2)[1]),
        "leaf_index": log["leaf_index"],
        "logged_at": format_instant(instant_from_ms(log["logged_at_ms"])),
    }
