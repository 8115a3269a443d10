"""The claims of an approved row under a number: the one answer that both who prepares and who signs work out."""

from __future__ import annotations

from datetime import datetime

from certs.certificate import CertificateClaims
from registry.issuing.approved_rows import ApprovedRow


def claims_of_row(row: ApprovedRow, number: str, issued_at: datetime, status_index: int) -> CertificateClaims:
    """What a certificate says of an approved row: nothing of a person that was not approved."""
    subject = row.subject
    return CertificateClaims(
        number=number,
        issued_at=issued_at,
        expires_at=None,
        name=row.name,
        id_tail=row.id_tail,
        occupation_code=subject.occupation_code,
        direction=subject.direction,
        grade=subject.grade,
        assessed_on=subject.assessed_on,
        status_index=status_index,
    )
