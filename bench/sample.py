"""A registry in memory for benchmarks: an institution, keys, signed lists, and as many certificates as asked.

Keys come from fixed seeds. The time is the start of this day, since a server judges by its own clock and
signed lists grow stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certs.authority import AuthorityLimits
from certs.certificate import CertificateClaims
from certs.certificate_number import format_number, load_layouts, parse_number
from certs.evidence import (
    STATUS_FILE,
    TRUST_LIST_FILE,
    Evidence,
    file_digests,
    gather_evidence,
    package_data_files,
)
from certs.grades import CertificateKind, Grade
from certs.institution import DatedName, InstitutionRecord, Scope, SigningKey
from certs.issuance import IssueContext, IssueRequest
from certs.jws import DELEGATION_TYPE, STATUS_TYPE, TRUST_LIST_TYPE, assemble, signing_input
from certs.occupations import catalogue
from certs.root_chain import RootKey
from certs.signing_key import kid_of
from certs.status_list import status_payload
from certs.trust_list import DelegatedKeys, delegation_payload, trust_list_payload

NOW = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
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


def key(name: str) -> Ed25519PrivateKey:
    """A private key that everybody can compute: for benchmarks alone."""
    return Ed25519PrivateKey.from_private_bytes(name.encode("ascii").ljust(32, b"."))


def public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def sample_registry() -> SampleRegistry:
    """The registry as it is at the time of issue."""
    institution_key = key("institution")
    institution = sample_institution(public(institution_key))
    limits = AuthorityLimits()
    context = IssueContext(institution, limits, kid_of(public(institution_key)), run_off_confirmed=False)
    root = RootKey(public(key("root")), None)
    files = published_files(institution, limits)
    return SampleRegistry(institution, institution_key, context, root, files, gather_evidence(files, root))


def sample_institution(public_key: bytes) -> InstitutionRecord:
    listed_on = date(2024, 1, 1)
    granted_at = datetime(2024, 1, 1, tzinfo=UTC)
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


def published_files(institution: InstitutionRecord, limits: AuthorityLimits) -> dict[str, bytes]:
    """The signed lists and data files, exactly as a verifier gets them."""
    root, list_key, status_key, log_key = (key(name) for name in ("root", "list", "status", "log"))
    end = NOW + timedelta(days=300)
    delegated = DelegatedKeys(
        public(list_key), public(status_key), public(log_key), 1, NOW - timedelta(1), end
    )
    delegation = sign(root, DELEGATION_TYPE, delegation_payload(delegated))
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
    )
    status = status_payload(1, NOW, NOW + timedelta(hours=72), {})
    return data | {
        TRUST_LIST_FILE: sign(list_key, TRUST_LIST_TYPE, trust, delegation=delegation.decode("ascii")),
        STATUS_FILE: sign(status_key, STATUS_TYPE, status),
    }


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
