"""A register in memory with verbs: it signs on demand and hands out the files a verifier would fetch.

Nothing here writes or reads anything; keys come from a seed, so that every run signs the same bytes. Tests say what
happened (`issue`, `revoke`, `suspend_institution` …) and ask `evidence()` or `files()` for what is then published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simulated_log import (
    CosignatureKey,
    Happened,
    SimulatedLog,
    cosignature_key,
    listing_events,
    with_places,
)

from certs.authority import AuthorityLimits
from certs.certificate import CertificateClaims, encode_claims
from certs.certificate_number import format_number, load_layouts
from certs.cose import assemble as assemble_envelope
from certs.cose import take_apart, to_be_signed
from certs.delegation import DelegatedLog, Delegation, LogKey, delegation_payload
from certs.evidence import (
    LOG_FOLDER,
    STATUS_FILE,
    TRUST_LIST_FILE,
    Evidence,
    file_digests,
    gather_evidence,
    package_data_files,
)
from certs.finding import Verification
from certs.grades import CertificateKind, Grade
from certs.institution import DatedName, EventKind, InstitutionEvent, InstitutionRecord, Scope, SigningKey, Site
from certs.jws import DELEGATION_TYPE, STATUS_TYPE, TRUST_LIST_TYPE, assemble, signing_input
from certs.log_entry import EntryKind, certificate_body, clock_body, file_body
from certs.qr import qr_text
from certs.root_chain import RootKey
from certs.signing_key import base64url, kid_of, thumbprint
from certs.status import State, StatusEvent
from certs.status_list import NO_FACTS, CertificateFacts, StatusEntry, status_payload
from certs.timestamps import shanghai_day
from certs.tlog.note import ED25519, NoteKey
from certs.trust_list import PinnedTree, trust_list_payload
from certs.verification import verify_qr_text

NOW = datetime(2026, 11, 20, 6, 0, 0, tzinfo=UTC)
ASSESSED = date(2026, 10, 20)
PUBLIC_URL = "https://verify.example.cn"
OCCUPATION = "2-02-38-05"
DIRECTION = "智能装备与产线应用"


class Key:
    """A key pair from a seed; fits the Signer interface."""

    def __init__(self, seed: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        self.public_key = self._private.public_key().public_bytes_raw()
        self.kid = kid_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Ed25519 over the message."""
        return self._private.sign(message)


@dataclass
class World:
    """One register. Every field may be changed by a test before it asks for files."""

    now: datetime = NOW
    root: Key = field(default_factory=lambda: Key("root"))
    list_key: Key = field(default_factory=lambda: Key("list"))
    status_key: Key = field(default_factory=lambda: Key("status"))
    log_key: Key = field(default_factory=lambda: Key("log"))
    environment: str = "production"
    epoch: int = 1
    version: int = 1
    limits: AuthorityLimits = field(default_factory=AuthorityLimits)
    public_urls: set[str] = field(default_factory=lambda: {PUBLIC_URL})
    institutions: dict[str, InstitutionRecord] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    entries: dict[int, StatusEntry] = field(default_factory=dict)
    envelopes: dict[str, bytes] = field(default_factory=dict)
    trust_list_issued_at: datetime | None = None
    status_issued_at: datetime | None = None
    status_version: int = 1
    receipt_key: Key = field(default_factory=lambda: Key("receipt"))
    log_origin: str = "verify.example.cn/2026"
    newest_entry_at: datetime | None = None
    logged: list[Happened] = field(default_factory=list)
    log_keys: tuple[LogKey, ...] = ()
    witnesses: tuple[NoteKey, ...] = ()
    quorum: int = 0
    next_root: Key | None = None
    pinned: PinnedTree | None = None
    unlogged_files: bool = False
    claimed: Callable[[InstitutionRecord], InstitutionRecord] = lambda record: record
    delegation_issued_at: datetime | None = None

    # --- institutions

    def institution(
        self,
        name: str = "北疆数字技术评价中心",
        kind: CertificateKind = CertificateKind.ASSESSMENT,
        **changes: Any,
    ) -> str:
        """List an institution with one scope for everything in one occupation; its code."""
        place = len(self.institutions) + 1
        code = f"{kind.letter}{place:04}15{place:06}"
        key = Key(code)
        record = InstitutionRecord(
            code=code,
            kind=kind,
            credit_code="12150000MB0012343X",
            province="15",
            names=(DatedName(name, date(2024, 1, 1)),),
            scopes=(self.scope(),),
            sites=(Site("MAIN", "主考点", "150100", date(2024, 1, 1)),),
            events=(),
            keys=(SigningKey(key.kid, key.public_key, datetime(2024, 1, 1, tzinfo=UTC)),),
        )
        self.institutions[code] = replace(record, **changes)
        self.keys[code] = key
        return code

    @staticmethod
    def scope(**changes: Any) -> Scope:
        """A scope that covers what `issue` issues unless a test says otherwise."""
        values: dict[str, Any] = {
            "occupation": OCCUPATION,
            "directions": None,
            "grades": frozenset(Grade),
            "regions": None,
            "valid_from": date(2024, 1, 1),
            "valid_to": date(2027, 12, 31),
            "granted_at": datetime(2024, 1, 1, tzinfo=UTC),
        }
        return Scope(**(values | changes))

    def change_institution(self, code: str, **changes: Any) -> None:
        """Replace parts of an institution's record."""
        self.institutions[code] = replace(self.institutions[code], **changes)

    def institution_event(self, code: str, kind: EventKind, on: date, reason: str = "rules_violated") -> None:
        """Suspend, reinstate, withdraw or remove an institution."""
        event = InstitutionEvent(kind, on, reason, self.now)
        self.change_institution(code, events=(*self.institutions[code].events, event))

    # --- certificates

    def claims(self, code: str, **changes: Any) -> CertificateClaims:
        """Claims of an ordinary certificate of an institution; changes replace members."""
        issued_at = changes.get("issued_at", self.now - timedelta(days=1))
        grade = changes.get("grade", Grade.INTERMEDIATE)
        serial = len(self.envelopes) + 1
        values: dict[str, Any] = {
            "number": format_number(
                load_layouts().by_id("kz-1"),
                institution_code=code,
                issued_year=shanghai_day(issued_at).year,
                grade=grade,
                serial=serial,
            ),
            "issued_at": issued_at,
            "expires_at": None,
            "name": "张小明",
            "id_tail": "123X",
            "occupation_code": OCCUPATION,
            "direction": 2,
            "grade": grade,
            "assessed_on": ASSESSED,
            "status_index": serial * 7919 % 131072,
        }
        return CertificateClaims(**(values | changes))

    def seal(self, claims: CertificateClaims, key: Key, kid: bytes | None = None) -> bytes:
        """Sign claims with any key, under any kid, without any rule."""
        return self.seal_payload(encode_claims(claims), key, kid)

    @staticmethod
    def seal_payload(payload: bytes, key: Key, kid: bytes | None = None) -> bytes:
        """Sign any payload."""
        used = key.kid if kid is None else kid
        return assemble_envelope(used, payload, key.sign(to_be_signed(used, payload)))

    def issue(self, code: str, **changes: Any) -> str:
        """Issue a certificate without asking any rule; its QR text.

        It is logged at the time of its issue, at another time for ``logged_at``, not at all for None.
        """
        logged_at = changes.pop("logged_at", changes.get("issued_at", self.now - timedelta(days=1)))
        claims = self.claims(code, **changes)
        envelope = self.seal(claims, self.keys[code])
        self.envelopes[claims.number] = envelope
        if logged_at is not None:
            self.log_envelope(envelope, logged_at)
        return qr_text(PUBLIC_URL, envelope)

    def log_envelope(self, envelope: bytes, at: datetime) -> None:
        """Enter an envelope into the register under the key that it names."""
        body = certificate_body(take_apart(envelope).kid, hashlib.sha256(envelope).digest())
        self.logged.append(Happened(at, body))

    # --- status

    def status_event(self, status_index: int, state: State, **changes: Any) -> None:
        """Record a status event for an index."""
        values: dict[str, Any] = {
            "state": state,
            "effective_from": self.now - timedelta(hours=1),
            "until": None,
            "reason_code": "under_review",
            "void_from_start": False,
            "successor": None,
            "recorded_at": self.now - timedelta(hours=1),
        }
        entry = self.entries.get(status_index, StatusEntry((), NO_FACTS))
        event = StatusEvent(**(values | changes))
        self.entries[status_index] = entry._replace(events=(*entry.events, event))

    def facts(self, status_index: int, **facts: Any) -> None:
        """Record facts for an index."""
        entry = self.entries.get(status_index, StatusEntry((), NO_FACTS))
        self.entries[status_index] = entry._replace(facts=CertificateFacts(**facts))

    # --- what is published

    def root_key(self) -> RootKey:
        """The anchor that a verifier pins."""
        return RootKey(self.root.public_key, None if self.next_root is None else base64url(self._next_thumbprint()))

    def _next_thumbprint(self) -> bytes:
        assert self.next_root is not None
        return thumbprint(self.next_root.public_key)

    def delegation(self) -> bytes:
        """The delegation that the root signs."""
        issued_at = self.delegation_issued_at or self.now - timedelta(days=100)
        delegated = Delegation(
            self.list_key.public_key,
            self.status_key.public_key,
            self.receipt_key.public_key,
            self.delegated_log(),
            "00" * 32,
            self.epoch,
            issued_at,
            issued_at + timedelta(days=365),
        )
        return self.jws(DELEGATION_TYPE, self.root, delegation_payload(delegated))

    def delegated_log(self) -> DelegatedLog:
        """The register as the root names it."""
        own = LogKey(NoteKey(self.log_origin, ED25519, self.log_key.public_key))
        return DelegatedLog(
            self.log_origin, self.log_keys or (own,), self.cosigner().key, self.witnesses, self.quorum
        )

    def cosigner(self) -> CosignatureKey:
        """What signs the second line of a checkpoint."""
        return cosignature_key(self.log_origin + "/cosigner")

    def newest_at(self) -> datetime:
        """The time of the newest entry of the register."""
        return self.newest_entry_at or self.now - timedelta(minutes=10)

    def log(self) -> SimulatedLog:
        """The register without the trust list that is going to be signed."""
        genesis = datetime(2023, 1, 1, tzinfo=UTC)
        files = [Happened(genesis, file_body(EntryKind.DATA_FILE, c)) for c in package_data_files().values()]
        files = [] if self.unlogged_files else files
        listed = listing_events(self.institutions.values(), self.newest_at())
        return SimulatedLog([Happened(genesis, clock_body()), *files, *listed, *self.logged])

    def trust_list(self, log: SimulatedLog | None = None) -> bytes:
        """The trust list that the list key signs."""
        log = log or self.log()
        issued_at = self.trust_list_issued_at or self.now - timedelta(minutes=10)
        payload = trust_list_payload(
            self.version,
            self.environment,
            issued_at,
            issued_at + timedelta(days=30),
            self.limits,
            self.public_urls,
            file_digests(package_data_files()),
            [self.claimed(with_places(record, log)) for record in self.institutions.values()],
            self.pinned or PinnedTree(len(log.entries), log.root()),
        )
        return self.jws(TRUST_LIST_TYPE, self.list_key, payload, delegation=self.delegation().decode())

    def status_list(self) -> bytes:
        """The status file that the status key signs."""
        issued_at = self.status_issued_at or self.now - timedelta(minutes=10)
        payload = status_payload(self.status_version, issued_at, issued_at + timedelta(hours=72), self.entries)
        return self.jws(STATUS_TYPE, self.status_key, payload)

    @staticmethod
    def jws(typ: str, key: Key, payload: Any, **members: str) -> bytes:
        """A signed file of any type."""
        signed = signing_input(typ, key.public_key, payload, **members)
        return assemble(signed, key.sign(signed))

    def files(self) -> dict[str, bytes]:
        """Everything a verifier needs, by published name."""
        log = self.log()
        trust_list = self.trust_list(log)
        log.append(Happened(self.newest_at(), file_body(EntryKind.TRUST_LIST, trust_list)))
        logged = log.files(self.log_origin, self.log_key, self.cosigner())
        return (
            package_data_files()
            | {TRUST_LIST_FILE: trust_list, STATUS_FILE: self.status_list()}
            | {LOG_FOLDER + path: content for path, content in logged.items()}
        )

    def evidence(self) -> Evidence:
        """The evidence in those files under the pinned root."""
        return gather_evidence(self.files(), self.root_key())

    def verify(self, text: str, at: datetime | None = None) -> Verification:
        """Verify a QR text against what is published now."""
        return verify_qr_text(text, self.evidence(), at or self.now)
