"""Facts that a certificate carries beside its signed claims, for the published status file."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import or_, select, union

from registry.store.certificate_tables import CERTIFICATE
from registry.store.engine import ReadTransaction
from registry.store.roster_tables import ROSTER_ROW
from registry.store.states import CertificateState


class PublicFacts(NamedTuple):
    """The facts of one released certificate. ``site_code`` is None for the institution's main site."""

    status_index: int
    institution_code: str
    supersedes: str | None
    first_issued_on: date | None
    official_number: str | None
    site_code: str | None


def public_facts(tx: ReadTransaction) -> list[PublicFacts]:
    """Every certificate that has a fact, signed or released: corrections, numbers of others, sites beside the main one.

    Facts of signed ones are in it because our own verifier reads them before the release.
    """
    columns = select(
        CERTIFICATE.c.status_index,
        CERTIFICATE.c.institution_code,
        CERTIFICATE.c.supersedes,
        CERTIFICATE.c.first_issued_on,
        CERTIFICATE.c.official_number,
        ROSTER_ROW.c.site_code,
    ).join(ROSTER_ROW, ROSTER_ROW.c.id == CERTIFICATE.c.roster_row_id)
    # Two questions and not one with OR: each goes through the table that has the fact, which is short.
    own = or_(
        CERTIFICATE.c.supersedes.is_not(None),
        CERTIFICATE.c.official_number.is_not(None),
        CERTIFICATE.c.first_issued_on.is_not(None),
    )
    not_open = CERTIFICATE.c.state.in_(
        (CertificateState.SIGNED, CertificateState.LOGGED, CertificateState.RELEASED)
    )
    query = union(columns.where(own, not_open), columns.where(ROSTER_ROW.c.site_code.is_not(None), not_open))
    return [PublicFacts._make(row) for row in tx.connection.execute(query.order_by("status_index"))]
