"""From a stored certificate to what its paper shows: signed claims, approved row, and the register's dated facts."""

from __future__ import annotations

from datetime import datetime

from certs.candidate import Candidate
from certs.certificate import decode_claims
from certs.certificate_number import grouped, parse_number
from certs.cose import take_apart
from certs.institution import InstitutionRecord
from certs.qr import qr_text
from certs.timestamps import shanghai_day
from registry.home import Home
from registry.rendering.certificate_face import CertificateFace, reprint_remark
from registry.store.certificate_store import CertificateRecord

HUNDREDTHS = 100


def certificate_face(
    home: Home, certificate: CertificateRecord, candidate: Candidate, institution: InstitutionRecord, now: datetime
) -> CertificateFace:
    """The face of a released certificate; a print after the first carries its remark."""
    envelope = certificate.envelope or b""
    claims = decode_claims(take_apart(envelope).payload)
    occupation = home.catalogue.by_id(candidate.occupation_id)
    issued_on = shanghai_day(claims.issued_at)
    site = institution.site(candidate.site_code or None, claims.assessed_on)
    hours = candidate.details.hours
    return CertificateFace(
        kind=certificate.kind,
        number=claims.number,
        number_groups=tuple(grouped(parse_number(claims.number, home.layouts)).split(" ")),
        holder_name=claims.name,
        id_type_zh=candidate.id_document.type_zh,
        id_masked=candidate.id_document.masked,
        occupation_zh=occupation.name_zh,
        occupation_en=occupation.name_en,
        occupation_code=claims.occupation_code,
        direction=occupation.direction_name(claims.direction),
        grade=claims.grade,
        assessed_on=claims.assessed_on,
        issued_on=issued_on,
        signed_at=claims.issued_at,
        institution_name=institution.name_on(issued_on),
        institution_code=institution.code,
        site=institution.name_on(issued_on) if site is None else site.name,
        qr_text=qr_text(home.settings.public_url, envelope),
        envelope=envelope,
        public_domain=home.settings.public_url.split("://", 1)[1],
        valid_until=None if claims.expires_at is None else shanghai_day(claims.expires_at),
        first_issued_on=certificate.first_issued_on if certificate.supersedes else None,
        original_number=certificate.supersedes,
        official_number=certificate.official_number,
        hours=None if hours is None else hours // HUNDREDTHS,
        reprint=reprint_remark(certificate.prints + 1, shanghai_day(now)) if certificate.prints else None,
        root_fingerprint=home.root_fingerprint,
        environment=home.settings.environment,
    )
