"""The claims of an approved row under a number: the one answer that both who prepares and who signs work out."""

from __future__ import annotations

from datetime import datetime

from certs.certificate import CertificateClaims
from registry.issuing.approved_rows import ApprovedRow


def claims_of_row(row: ApprovedRow, number: str, issued_at: datetime, status_index: int) -> CertificateClaims:
    """What a certificate says of an approved row: nothing of a person that was not approved."""
    subject = row.subject
    # By position: both make one for each of very many certificates.
    return CertificateClaims(
        number,
        issued_at,
        None,
        row.name,
        row.id_tail,
        subject.occupation_code,
        subject.direction,
        subject.grade,
        subject.assessed_on,
        status_index,
    )
