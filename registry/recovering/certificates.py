"""Certificates from the archive, put back where the register has them: each checked against its entry and its key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from certs.certificate import CertificateClaims, decode_claims
from certs.certificate_number import CertificateNumber, LayoutSet, number_prefix, parse_number
from certs.cose import Sign1, take_apart
from certs.errors import KezhengError
from certs.log_entry import LogEntry
from certs.signing_key import verify_signature
from certs.timestamps import shanghai_day
from certs.trust_list import TrustList
from registry.issuing.reserve import direction_key
from registry.store.certificate_states import (
    VOIDABLE,
    LoggedCertificate,
    PreparedCertificate,
    SignedCertificate,
    void_certificates,
)
from registry.store.certificate_store import NewCertificate, reserve_certificates
from registry.store.counter_store import take_ids
from registry.store.engine import WriteTransaction
from registry.store.recovery_reads import ArchivedCertificate
from registry.store.recovery_writes import (
    Standing,
    live_standing,
    make_room,
    remember_logged,
    rewrite_certificate,
    standing_by_number,
    standing_of_rows,
    successors,
)
from registry.store.reissue_store import Parked, park_certificates
from registry.store.roster_store import RosterRowRecord
from registry.store.states import CertificateState


class Paper(NamedTuple):
    """A certificate of the archive after all checks, with the entry that proves it and the row it was issued for."""

    archived: ArchivedCertificate
    entry: LogEntry
    parts: Sign1
    claims: CertificateClaims
    number: CertificateNumber
    row: RosterRowRecord

    @property
    def digest(self) -> bytes:
        """SHA-256 of the envelope."""
        return hashlib.sha256(self.archived.envelope).digest()


@dataclass(frozen=True, slots=True)
class PaperCheck:
    """What certificates of the archive are checked against; ``rows`` by batch and line of the sheet."""

    trust: TrustList
    layouts: LayoutSet
    rows: Mapping[tuple[str, int], RosterRowRecord]

    def paper(self, archived: ArchivedCertificate, entry: LogEntry) -> Paper | None:
        """The certificate of an entry; None when it is not the one that was entered, or its row is not there.

        The entry stands under a signed root: the digest alone proves the envelope. Key, number and name must fit too.
        """
        row = self.rows.get((archived.batch_id, archived.sheet_row))
        if row is None:
            return None
        try:
            parts = take_apart(archived.envelope)
            owner = self.trust.keys.get(parts.kid)
            if owner is None or not verify_signature(owner.key.public_key, parts.signature, parts.to_be_signed):
                return None
            claims = decode_claims(parts.payload)
            number = parse_number(claims.number, self.layouts)
        except KezhengError:
            return None
        found = Paper(archived, entry, parts, claims, number, row)
        is_entered = entry.body == parts.kid + found.digest
        is_same = claims.number == archived.number and claims.name == row.name
        return found if is_entered and is_same and number.institution_code == owner.institution.code else None


def restore_certificates(tx: WriteTransaction, papers: Sequence[Paper]) -> None:
    """Put papers back that stand in the register one after the other, with no change of status between them.

    Raises KezhengError ``recover_conflict`` where the database has something logged that cannot be beside them.
    """
    standing = standing_by_number(tx, [paper.claims.number for paper in papers])
    _park_former_papers(tx, papers, standing)
    _give_way(tx, papers)
    new = [paper for paper in papers if paper.claims.number not in standing]
    ids = {number: found.id for number, found in standing.items()}
    ids |= dict(zip((paper.claims.number for paper in new), take_ids(tx, "certificate", len(new)), strict=True))
    known = [paper for paper in papers if paper.claims.number in standing]
    make_room(tx, [ids[paper.claims.number] for paper in known])
    for paper in known:
        rewrite_certificate(tx, _certificate(paper, ids[paper.claims.number], standing[paper.claims.number].live))
    reserve_certificates(tx, [_certificate(paper, ids[paper.claims.number], live=False) for paper in new])
    _remember_papers(tx, papers, ids)


def _certificate(paper: Paper, certificate_id: int, live: bool) -> NewCertificate:
    number, claims, row = paper.number, paper.claims, paper.row
    layout, code = number.layout, number.institution_code
    first = paper.archived.first_issued_on
    return NewCertificate(
        id=certificate_id,
        number=claims.number,
        batch_id=row.batch_id,
        roster_row_id=row.id,
        institution_code=code,
        person_id=row.person_id,
        occupation_id=row.occupation_id,
        direction_key=direction_key(claims.direction),
        grade=claims.grade,
        kind=number.kind,
        prefix=number_prefix(layout, institution_code=code, issued_year=number.year, grade=number.grade),
        serial=number.serial,
        status_index=claims.status_index,
        assessed_on=claims.assessed_on,
        first_issued_on=None if first is None else date.fromisoformat(first),
        supersedes=paper.archived.supersedes,
        official_number=row.official_number,
        # A correction gets its person's place from what it replaces, when that is superseded.
        live=live if paper.archived.supersedes is not None else True,
        state=CertificateState.LOGGED,
    )


def _remember_papers(tx: WriteTransaction, papers: Sequence[Paper], ids: Mapping[str, int]) -> None:
    found = [(ids[paper.claims.number], paper) for paper in papers]
    remember_logged(
        tx,
        [PreparedCertificate(i, p.parts.to_be_signed, p.parts.kid, p.claims.issued_at) for i, p in found],
        [SignedCertificate(i, p.archived.envelope, p.digest) for i, p in found],
        [LoggedCertificate(i, p.archived.leaf_index, p.entry.logged_at) for i, p in found],
    )


def _park_former_papers(tx: WriteTransaction, papers: Sequence[Paper], standing: Mapping[str, Standing]) -> None:
    """What has a paper in the register already got a new one under the same number: the former one is kept."""
    for paper in papers:
        known = standing.get(paper.claims.number)
        if known is not None and known.state not in VOIDABLE and known.state is not CertificateState.VOID:
            first = paper.archived.first_issued_on
            day = shanghai_day(paper.claims.issued_at) if first is None else date.fromisoformat(first)
            park_certificates(
                tx, [Parked(known.id, known.number, paper.claims.status_index, day)], paper.entry.logged_at
            )


def _give_way(tx: WriteTransaction, papers: Sequence[Paper]) -> None:
    """What was reserved and never logged gives way: for the same row, place of a person, or predecessor."""
    numbers = {paper.claims.number for paper in papers}
    rows = standing_of_rows(tx, [paper.row.id for paper in papers])
    replaced = [paper.archived.supersedes for paper in papers if paper.archived.supersedes is not None]
    corrections = standing_by_number(tx, sorted(successors(tx, replaced).values())).values()
    places = {_place(paper) for paper in papers if paper.archived.supersedes is None}
    holders = [
        found
        for found in live_standing(tx, {paper.row.person_id for paper in papers})
        if (found.person_id, found.occupation_id, found.direction_key, found.grade, found.kind) in places
    ]
    for found in {other.id: other for other in (*rows, *holders, *corrections) if other.number not in numbers}.values():
        if found.state not in VOIDABLE:
            raise KezhengError("recover_conflict", number=found.number)
        void_certificates(tx, [found.id], found.state)


def _place(paper: Paper) -> tuple[object, ...]:
    key = direction_key(paper.claims.direction)
    return paper.row.person_id, paper.row.occupation_id, key, paper.claims.grade, paper.number.kind
