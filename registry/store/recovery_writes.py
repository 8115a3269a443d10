"""Bringing rows back: certificates where they stood, counters past everything that was given out, what is lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, delete, func, select

from registry.store.audit_store import AuditEvent
from registry.store.batch_store import BatchRecord
from registry.store.certificate_store import NewCertificate
from registry.store.certificate_tables import (
    CERTIFICATE,
    CERTIFICATE_LOGGED,
    CERTIFICATE_PREPARED,
    CERTIFICATE_SEALED,
    COUNTER,
    FORMER_ENVELOPE,
    IS_LIVE,
    NOT_VOID,
    SERIAL_COUNTER,
)
from registry.store.counter_store import STATUS_PLACES
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.log_tables import LOG_TREE
from registry.store.recovery_tables import LOST_CERTIFICATE, LOST_SERIALS, LOST_STATUS
from registry.store.register_tables import AUDIT_EVENT
from registry.store.roster_tables import BATCH
from registry.store.rows import insert_records, records, select_in_chunks, select_record
from registry.store.states import BatchState, CertificateState


class Standing(NamedTuple):
    """A certificate as it stands in the database while others are brought back."""

    id: int
    number: str
    batch_id: str
    roster_row_id: int
    person_id: int
    occupation_id: str
    direction_key: str
    grade: Any
    kind: Any
    status_index: int
    state: CertificateState
    supersedes: str | None
    live: bool


class LostCertificate(NamedTuple):
    """A certificate in the register of which the number is not known."""

    leaf_index: int
    envelope_digest: bytes
    kid: bytes
    recorded_at: datetime


class LostSerials(NamedTuple):
    """Serials that are void, from the first to the last."""

    prefix: str
    first_serial: int
    last_serial: int
    recorded_at: datetime


class LostStatus(NamedTuple):
    """What goes on being published of a status index; ``entry`` as in the status file."""

    status_index: int
    entry: dict[str, Any]
    recorded_at: datetime


_STANDING = select_record(CERTIFICATE, Standing)


def standing_by_number(tx: ReadTransaction, numbers: Sequence[str]) -> dict[str, Standing]:
    """Certificates by number; unknown ones are left out."""
    found = select_in_chunks(tx.connection, numbers, lambda chunk: _STANDING.where(CERTIFICATE.c.number.in_(chunk)))
    return {each.number: each for each in records(found, Standing)}


def standing_of_rows(tx: ReadTransaction, row_ids: Sequence[int]) -> list[Standing]:
    """Certificates of roster rows that are not void."""
    column = CERTIFICATE.c.roster_row_id
    found = select_in_chunks(tx.connection, row_ids, lambda chunk: _STANDING.where(column.in_(chunk), NOT_VOID))
    return records(found, Standing)


def standing_of_batch(tx: ReadTransaction, batch_id: str) -> list[Standing]:
    """Certificates of a batch that are not void, in order of id."""
    query = _STANDING.where(CERTIFICATE.c.batch_id == batch_id, NOT_VOID).order_by(CERTIFICATE.c.id)
    return records(tx.connection.execute(query), Standing)


def live_standing(tx: ReadTransaction, person_ids: Collection[int]) -> list[Standing]:
    """The certificates that hold the places of people."""
    query = _STANDING.where(IS_LIVE)
    found = select_in_chunks(
        tx.connection, sorted(person_ids), lambda chunk: query.where(CERTIFICATE.c.person_id.in_(chunk))
    )
    return records(found, Standing)


def make_room(tx: WriteTransaction, certificate_ids: Sequence[int]) -> None:
    """Remove what the database knows of the papers of certificates that were not logged."""
    for table in (CERTIFICATE_SEALED, CERTIFICATE_PREPARED):
        for certificate_id in certificate_ids:
            tx.connection.execute(delete(table).where(table.c.certificate_id == certificate_id))


def rewrite_certificate(tx: WriteTransaction, certificate: NewCertificate) -> None:
    """Make a certificate that has its number already what it was when it was logged."""
    values = certificate._asdict()
    update = CERTIFICATE.update().where(CERTIFICATE.c.id == values.pop("id"))
    tx.connection.execute(update.values(values))


def set_live(tx: WriteTransaction, number: str, *, live: bool, supersedes: str | None = None) -> bool:
    """Give a certificate its person's place, or take it; whether there is such a certificate that is not void."""
    values: dict[str, Any] = {"live": live} | ({} if supersedes is None else {"supersedes": supersedes})
    update = CERTIFICATE.update().where(CERTIFICATE.c.number == number, NOT_VOID)
    return tx.connection.execute(update.values(values)).rowcount == 1


def successors(tx: ReadTransaction, numbers: Sequence[str]) -> dict[str, str]:
    """Which certificate replaces which, by the number of the replaced one."""
    query = select(CERTIFICATE.c.supersedes, CERTIFICATE.c.number)
    found = select_in_chunks(tx.connection, numbers, lambda chunk: query.where(CERTIFICATE.c.supersedes.in_(chunk)))
    return {row.supersedes: row.number for row in found}


def release_all(tx: WriteTransaction, certificate_ids: Sequence[int]) -> None:
    """logged → released, for those that still are logged."""
    logged = CERTIFICATE.c.state == CertificateState.LOGGED
    update = CERTIFICATE.update().where(CERTIFICATE.c.id == bindparam("key"), logged)
    if certificate_ids:
        state = update.values(state=CertificateState.RELEASED)
        tx.connection.execute(state, [{"key": certificate_id} for certificate_id in certificate_ids])


def store_batch(tx: WriteTransaction, batch: BatchRecord) -> None:
    """Store a batch, or bring the one of this id to what it became."""
    values = batch._asdict()
    known = BATCH.update().where(BATCH.c.id == batch.id)
    if tx.connection.execute(known.values(values)).rowcount == 0:
        insert_records(tx.connection, BATCH, [batch])


def set_batch_state(tx: WriteTransaction, batch_id: str, state: BatchState, released_at: datetime | None) -> None:
    """Bring a batch to the state that its certificates are in."""
    values = {"state": state, "released_at": released_at}
    tx.connection.execute(BATCH.update().where(BATCH.c.id == batch_id).values(values))


def signed_tree(tx: WriteTransaction, size: int, note: bytes) -> None:
    """Say which tree was signed last."""
    tx.connection.execute(LOG_TREE.update().values(note_size=size, note=note))


def next_serials(tx: ReadTransaction) -> dict[str, int]:
    """The next serial of every prefix."""
    rows = tx.connection.execute(select(SERIAL_COUNTER.c.prefix, SERIAL_COUNTER.c.next_serial))
    return {row.prefix: row.next_serial for row in rows}


def serials_since(tx: ReadTransaction, prefix: str, first: int) -> set[int]:
    """The serials of a prefix from one on that certificates have, void ones among them."""
    query = select(CERTIFICATE.c.serial).where(CERTIFICATE.c.prefix == prefix, CERTIFICATE.c.serial >= first)
    return set(tx.connection.scalars(query))


def highest_status_index(tx: ReadTransaction) -> int:
    """The highest status index that a certificate or a former paper has or had; -1 for none."""
    columns = (CERTIFICATE.c.status_index, FORMER_ENVELOPE.c.status_index, LOST_STATUS.c.status_index)
    return max(-1 if (found := tx.connection.scalar(select(func.max(c)))) is None else found for c in columns)


def status_indices_between(tx: ReadTransaction, first: int, stop: int) -> list[int]:
    """The status indices in a range that are in use or were."""
    columns = (CERTIFICATE.c.status_index, FORMER_ENVELOPE.c.status_index, LOST_STATUS.c.status_index)
    return [index for c in columns for index in tx.connection.scalars(select(c).where(c >= first, c < stop))]


def move_serials(tx: WriteTransaction, prefix: str, next_serial: int) -> None:
    """Move a counter of serials forward; never back."""
    _move(tx, SERIAL_COUNTER, "prefix", prefix, "next_serial", next_serial)


def next_status_place(tx: ReadTransaction) -> int:
    """The next value of the counter of status places, from 0 on."""
    query = select(COUNTER.c.next_value).where(COUNTER.c.name == STATUS_PLACES)
    found: int | None = tx.connection.scalar(query)
    return 0 if found is None else found - 1


def move_status_places(tx: WriteTransaction, next_place: int) -> None:
    """Move the counter of status places forward; never back."""
    _move(tx, COUNTER, "name", STATUS_PLACES, "next_value", next_place + 1)


def known_status_indices(tx: ReadTransaction, indices: Sequence[int]) -> set[int]:
    """Those of some status indices that a certificate or a former paper has."""
    found: set[int] = set()
    for table in (CERTIFICATE, FORMER_ENVELOPE):
        found |= _in_use(tx, table, indices)
    return found


def _in_use(tx: ReadTransaction, table: Table, indices: Sequence[int]) -> set[int]:
    column = table.c.status_index
    rows = select_in_chunks(tx.connection, indices, lambda chunk: select(column).where(column.in_(chunk)))
    return {row.status_index for row in rows}


def add_lost_certificates(tx: WriteTransaction, lost: Sequence[LostCertificate]) -> None:
    """Remember certificates that cannot be brought back."""
    insert_records(tx.connection, LOST_CERTIFICATE, lost)


def add_lost_serials(tx: WriteTransaction, lost: Sequence[LostSerials]) -> None:
    """Remember serials that are void."""
    insert_records(tx.connection, LOST_SERIALS, lost)


def add_lost_statuses(tx: WriteTransaction, lost: Sequence[LostStatus]) -> None:
    """Remember what goes on being published; what is known of an index already gives way."""
    for each in lost:
        tx.connection.execute(delete(LOST_STATUS).where(LOST_STATUS.c.status_index == each.status_index))
    insert_records(tx.connection, LOST_STATUS, lost)


def remember_logged(
    tx: WriteTransaction, prepared: Sequence[NamedTuple], sealed: Sequence[NamedTuple], logged: Sequence[NamedTuple]
) -> None:
    """Store the papers of certificates that stand in the register."""
    for table, rows in ((CERTIFICATE_PREPARED, prepared), (CERTIFICATE_SEALED, sealed), (CERTIFICATE_LOGGED, logged)):
        insert_records(tx.connection, table, rows)


def add_acts(tx: WriteTransaction, acts: Sequence[AuditEvent]) -> None:
    """Store acts as they were recorded once, under new ids."""
    insert_records(tx.connection, AUDIT_EVENT, acts)


def _move(tx: WriteTransaction, table: Table, key: str, name: str, value: str, to: int) -> None:
    known = tx.connection.scalar(select(table.c[value]).where(table.c[key] == name))
    if known is None:
        tx.connection.execute(table.insert().values({key: name, value: to}))
    elif known < to:
        tx.connection.execute(table.update().where(table.c[key] == name).values({value: to}))
