"""A registry in memory for benchmarks: an institution, keys, signed lists, a register, certificates as asked.

Keys come from fixed seeds. The time is the start of this day, since a server judges by its own clock and
signed lists grow stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.sample_log import ORIGIN, SIGNERS, EntryLog, key, new_log
from certs.authority import AuthorityLimits
from certs.certificate import CertificateClaims
from certs.certificate_number import format_number, load_layouts, parse_number
from certs.cose import take_apart
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
from certs.grades import CertificateKind, Grade
from certs.institution import DatedName, InstitutionRecord, Scope, SigningKey
from certs.institution_json import scope_content
from certs.issuance import IssueContext, IssueRequest
from certs.jws import DELEGATION_TYPE, STATUS_TYPE, TRUST_LIST_TYPE, assemble, signing_input
from certs.log_entry import EntryKind, KeyAct, certificate_body, file_body, grant_body, key_body
from certs.occupations import catalogue
from certs.root_chain import RootKey
from certs.signing_key import kid_of
from certs.status_list import status_payload
from certs.trust_list import trust_list_payload

NOW = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
LISTED_AT = datetime(2024, 1, 1, tzinfo=UTC)
ASSESSED_ON = NOW.date() - timedelta(days=16)
PUBLIC_URL = "https://verify.example.cn"
INSTITUTION_CODE = "P000115000001"
OCCUPATION = "2-02-38-05"
GIVEN_NAMES = "明德文博思远若水清和嘉言子墨"


@dataclass(frozen=True, slots=True)
class SampleRegistry:
    """What issuing and verifying need, and the one private key that signs certificates."""

    institution: InstitutionRecord
    institution_key: Ed25519PrivateKey
    context: IssueContext
    root: RootKey
    files: dict[str, bytes]
    evidence: Evidence


def public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def sample_registry(envelopes: Sequence[bytes] = ()) -> SampleRegistry:
    """The registry at the time of issue; the register holds these envelopes."""
    limits = AuthorityLimits()
    institution_key, root = key("institution"), RootKey(public(key("root")), None)
    with new_log() as log:
        institution = logged_institution(log, sample_institution(public(institution_key)))
        files = published_files(log, institution, limits, envelopes)
    context = IssueContext(institution, limits, kid_of(public(institution_key)), run_off_confirmed=False, now=NOW)
    return SampleRegistry(institution, institution_key, context, root, files, gather_evidence(files, root))


def sample_institution(public_key: bytes) -> InstitutionRecord:
    listed_on, granted_at = date(2024, 1, 1), LISTED_AT
    scope = Scope(
        OCCUPATION, None, frozenset(Grade), None, listed_on, NOW.date() + timedelta(days=365), granted_at
    )
    return InstitutionRecord(
        code=INSTITUTION_CODE,
        kind=CertificateKind.ASSESSMENT,
        credit_code="12150000MB0012343X",
        province="15",
        names=(DatedName("北疆数字技术评价中心", listed_on),),
        scopes=(scope,),
        sites=(),
        events=(),
        keys=(SigningKey(kid_of(public_key), public_key, granted_at),),
    )


def logged_institution(log: EntryLog, record: InstitutionRecord) -> InstitutionRecord:
    """The institution after the register took in the data files, its scope and its key."""
    [scope], [own] = record.scopes, record.keys
    data = [file_body(EntryKind.DATA_FILE, content) for content in package_data_files().values()]
    log.append(data, LISTED_AT)
    entries = [
        grant_body(record.code, scope_content(scope)),
        key_body(KeyAct.ADDED, own.public_key, own.not_before),
    ]
    first = log.append(entries, LISTED_AT).first_index
    return replace(record, scopes=(replace(scope, log_index=first),), keys=(replace(own, log_index=first + 1),))


def published_files(
    log: EntryLog, institution: InstitutionRecord, limits: AuthorityLimits, envelopes: Sequence[bytes]
) -> dict[str, bytes]:
    """The signed lists, the data files and the register, exactly as a verifier gets them."""
    list_key, status_key = key("list"), key("status")
    log.append([certificate_body(take_apart(e).kid, hashlib.sha256(e).digest()) for e in envelopes], NOW)
    data = package_data_files()
    trust = trust_list_payload(
        1,
        "production",
        NOW,
        NOW + timedelta(days=30),
        limits,
        {PUBLIC_URL},
        file_digests(data),
        [institution],
        log.tree(),
    )
    trust_list = sign(list_key, TRUST_LIST_TYPE, trust, delegation=sample_delegation().decode("ascii"))
    log.append([file_body(EntryKind.TRUST_LIST, trust_list)], NOW)
    log.publish()
    status = status_payload(1, NOW, NOW + timedelta(hours=72), {})
    register = {LOG_FOLDER + path: content for path, content in log.files().items()}
    signed = {TRUST_LIST_FILE: trust_list, STATUS_FILE: sign(status_key, STATUS_TYPE, status)}
    return data | signed | register


def sample_delegation() -> bytes:
    """What the root signs."""
    own = [public(key(name)) for name in ("list", "status", "receipt")]
    log = DelegatedLog(ORIGIN, (LogKey(SIGNERS.log_key),), SIGNERS.cosigner_key)
    issued_at, end = NOW - timedelta(days=1), NOW + timedelta(days=300)
    delegated = Delegation(own[0], own[1], own[2], log, "00" * 32, 1, issued_at, end)
    return sign(key("root"), DELEGATION_TYPE, delegation_payload(delegated))


def sign(private: Ed25519PrivateKey, typ: str, payload: object, **members: str) -> bytes:
    signed = signing_input(typ, public(private), payload, **members)
    return assemble(signed, private.sign(signed))


def sample_requests(count: int) -> list[IssueRequest]:
    """Certificates of invented people, to be issued now."""
    return [sample_request(serial) for serial in range(1, count + 1)]


def sample_request(serial: int) -> IssueRequest:
    layouts = load_layouts()
    occupation = catalogue().by_id(OCCUPATION)
    direction = occupation.directions[0]
    number = parse_number(
        format_number(
            layouts.by_id("kz-1"),
            institution_code=INSTITUTION_CODE,
            issued_year=NOW.year,
            grade=Grade.INTERMEDIATE,
            serial=serial,
        ),
        layouts,
    )
    claims = CertificateClaims(
        number=number.text,
        issued_at=NOW,
        expires_at=None,
        name="苏" + GIVEN_NAMES[serial % 13 : serial % 13 + 2],
        id_tail=f"{serial % 10_000:04}",
        occupation_code=occupation.code_on(ASSESSED_ON).code,
        direction=direction.number,
        grade=Grade.INTERMEDIATE,
        assessed_on=ASSESSED_ON,
        status_index=serial,
    )
    return IssueRequest(claims, number, occupation, direction.name_zh, "150100")
