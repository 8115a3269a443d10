"""Candidates as rows of the register: sealed before the register is held for writing, stored all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from certs.candidate import Candidate
from registry.home import Home
from registry.issuing.roster_people import PERSON, RosterPeople, add_people, look_up_people
from registry.issuing.stored_rows import TABLE, Replacement, row_records
from registry.store.counter_store import take_ids
from registry.store.engine import WriteTransaction
from registry.store.roster_store import RosterRowRecord, add_roster_rows


class TakenIds(NamedTuple):
    """Ids for the rows of a roster and for the people who are new: the sealed parts of a row are bound to its id."""

    rows: range
    persons: range


class SealedRoster(NamedTuple):
    """What is to be stored: the rows, and the new people by their blind index, with their ids."""

    rows: list[RosterRowRecord]
    new: Mapping[bytes, Candidate]
    person_ids: range


def take_roster_ids(tx: WriteTransaction, rows: int, persons: int) -> TakenIds:
    """Ids for so many rows and new people."""
    return TakenIds(take_ids(tx, TABLE, rows), take_ids(tx, PERSON, persons))


def seal_roster(
    home: Home,
    batch_id: str,
    candidates: Sequence[Candidate],
    people: RosterPeople,
    ids: TakenIds,
    replaces: Replacement | None = None,
) -> SealedRoster:
    """The rows of candidates. ``replaces`` is given with a single correction."""
    new = people.new(candidates)
    persons = {**people.known, **dict(zip(new, ids.persons, strict=True))}
    of_rows = [persons[index] for index in people.blind]
    rows = row_records(candidates, ids.rows, batch_id, of_rows, home.keyring.cipher, replaces)
    return SealedRoster(rows, new, ids.persons)


def store_roster(home: Home, tx: WriteTransaction, sealed: SealedRoster) -> None:
    """Store rows, and people where they are new. ``store_conflict`` when one of the new people is known by now."""
    if sealed.new:
        add_people(home, tx, sealed.new, sealed.person_ids)
    add_roster_rows(tx, sealed.rows)


def store_candidates(
    home: Home,
    tx: WriteTransaction,
    batch_id: str,
    candidates: Sequence[Candidate],
    replaces: Replacement | None = None,
) -> None:
    """Seal and store candidates in one transaction."""
    people = look_up_people(home, tx, candidates)
    ids = take_roster_ids(tx, len(candidates), len(people.new(candidates)))
    store_roster(home, tx, seal_roster(home, batch_id, candidates, people, ids, replaces))
