"""Facts that a certificate carries beside its signed claims, for the published status file."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import select, union

from registry.store.certificate_tables import CERTIFICATE, HAS_FACT, NOT_VOID
from registry.store.engine import ReadTransaction
from registry.store.roster_tables import HAS_SITE, ROSTER_ROW
from registry.store.states import CertificateState


class PublicFacts(NamedTuple):
    """The facts of one released certificate. ``site_code`` is None for the institution's main site."""

    status_index: int
    institution_code: str
    supersedes: str | None
    first_issued_on: date | None
    official_number: str | None
    site_code: str | None


_SHOWN = CERTIFICATE.c.state.in_((CertificateState.SIGNED, CertificateState.LOGGED, CertificateState.RELEASED))
_COLUMNS = select(
    CERTIFICATE.c.status_index,
    CERTIFICATE.c.institution_code,
    CERTIFICATE.c.supersedes,
    CERTIFICATE.c.first_issued_on,
    CERTIFICATE.c.official_number,
    ROSTER_ROW.c.site_code,
).join(ROSTER_ROW, ROSTER_ROW.c.id == CERTIFICATE.c.roster_row_id)
# Two questions and not one with OR: each goes through the partial index of the table that has the fact, and by its key
# to the other table. As inner queries, because a join may be begun at the table that is as long as the register.
_WITH_FACT = select(CERTIFICATE.c.id).where(HAS_FACT).correlate(None)
_WITH_SITE = select(ROSTER_ROW.c.id).where(HAS_SITE).correlate(None)
PUBLIC_FACTS = union(
    _COLUMNS.where(CERTIFICATE.c.id.in_(_WITH_FACT), _SHOWN),
    _COLUMNS.where(CERTIFICATE.c.roster_row_id.in_(_WITH_SITE), NOT_VOID, _SHOWN),
).order_by("status_index")
"""The query of `public_facts`; a test looks at what it reads."""


def public_facts(tx: ReadTransaction) -> list[PublicFacts]:
    """Every certificate that has a fact, signed or released: corrections, numbers of others, sites beside the main one.

    Facts of signed ones are in it because our own verifier reads them before the release.
    """
    return [PublicFacts._make(row) for row in tx.connection.execute(PUBLIC_FACTS)]
