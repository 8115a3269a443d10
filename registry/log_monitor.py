"""Watching a register from outside: does it continue what was seen, and what has been entered since?

A look reads the signed head, proves from tiles that the tree continues the remembered one and every checkpoint of
others, and reads the new entries, not the old ones again. Nothing is remembered of a look that raised an alarm.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from certs.errors import KezhengError
from certs.log_entry import EntryKind, read_entry
from certs.proven_log import require_continued
from certs.root_chain import RootKey
from certs.tlog.frontier import Frontier
from certs.tlog.merkle import leaf_hash
from certs.tlog.tile_reader import TileReader
from certs.trust_list import TrustList
from registry.log_entries import EntryTally, bundles_between, right_edge
from registry.log_finding import Finding, finding_of
from registry.log_publication import (
    Publication,
    earlier_trees,
    open_any_checkpoint,
    read_publication,
    tiles_of,
)
from registry.log_source import LogSource
from registry.monitor_memory import Memory

STALE_AFTER = timedelta(hours=2)
"""A clock entry is added every hour, so a living register is never silent for so long."""
FUTURE_TOLERANCE = timedelta(minutes=5)
"""How far the register's clock may be ahead of the monitor's."""
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


STALE_CODES = frozenset({"log_stale", "trust_list_stale"})
"""Alarms that say nothing against the history itself: it is remembered, and a witness may sign it."""
UNAVAILABLE_CODES = frozenset({"log_unavailable", "trust_list_unavailable"})
"""Alarms that only say that the register could not be looked at."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a register found. Without a publication nothing else is known."""

    at: datetime
    publication: Publication | None
    tally: EntryTally | None
    alarms: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    known: Memory | None
    memory: Memory | None

    @property
    def is_continued(self) -> bool:
        """Whether the register is consistent with everything that was ever seen of it."""
        return self.memory is not None


class Question(NamedTuple):
    """What is asked of a register: under which anchor, whose certificates, how old it may be."""

    root: RootKey
    institutions: Collection[str] = ()
    gossip: Sequence[tuple[str, bytes]] = ()
    stale_after: timedelta = STALE_AFTER


def look(source: LogSource, asked: Question, known: Memory | None, now: datetime) -> Look:
    """Look at a register once.

    Raises KezhengError ``log_source_unreachable``, ``monitor_memory_of_another_log``, ``institution_unknown``; whatever
    is wrong with the register itself becomes an alarm.
    """
    try:
        publication = read_publication(source, asked.root)
    except KezhengError as error:
        return Look(now, None, None, (finding_of(error),), (), known, None)
    watched = _keys_of(publication.trust, asked.institutions)
    if known is not None and known.origin != publication.trust.delegation.log.origin:
        raise KezhengError("monitor_memory_of_another_log", origin=known.origin)
    tiles = tiles_of(publication.checkpoint, source.log_file)
    gossip = _gossip(publication, tiles, asked, known)
    alarms = [*_list_alarms(publication, known), *_history_alarms(publication, tiles, known), *gossip.alarms]
    tally = None
    if not alarms:
        tally, alarms = _read_on(source, publication, known, watched)
    if tally is not None:
        alarms += [*_entry_alarms(publication, tally), *_age_alarms(publication, tally, asked.stale_after, now)]
    notices = [*gossip.notices, *(_unknown_keys(publication.trust, tally) if tally is not None else ())]
    memory = None
    if tally is not None and not [alarm for alarm in alarms if alarm.code not in STALE_CODES]:
        memory = _memory(publication, tally, gossip.ahead)
    return Look(now, publication, tally, _each_once(alarms), _each_once(notices), known, memory)


class _Gossip(NamedTuple):
    """What checkpoints of others led to, and those that are ahead of what is shown here."""

    alarms: list[Finding]
    notices: list[Finding]
    ahead: tuple[bytes, ...]


def _gossip(publication: Publication, tiles: TileReader, asked: Question, known: Memory | None) -> _Gossip:
    """Hold other people's checkpoints against the tree that is shown here."""
    found, ahead = _Gossip([], [], ()), dict[bytes, None]()
    remembered = [("–", note) for note in (known.gossip if known is not None else ())]
    for name, note in [*remembered, *asked.gossip]:
        try:
            theirs = open_any_checkpoint(note, publication.trust)
        except KezhengError:
            found.notices.append(Finding("gossip_untrusted", {"file": name}))
            continue
        if theirs.size > tiles.size:
            ahead[note] = None
            found.notices.append(Finding("gossip_ahead", {"size": theirs.size, "known": tiles.size}))
            continue
        found.alarms.extend(_continuation(tiles, theirs.size, theirs.root, (note, publication.note)))
    return found._replace(ahead=tuple(ahead))


def _each_once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The first finding of its kind: several earlier trees may all find the same tile wrong."""
    first = {(found.code, *found.params.items()): found for found in reversed(findings)}
    return tuple(found for found in findings if first[found.code, *found.params.items()] is found)


def _list_alarms(publication: Publication, known: Memory | None) -> list[Finding]:
    """A trust list never goes back, and one version has one content."""
    if known is None or publication.trust.order > known.list_order:
        return []
    if publication.trust.order < known.list_order:
        return [Finding("trust_list_rolled_back", {})]
    return [] if publication.list_digest == known.list_digest else [Finding("trust_list_differs", {})]


def _history_alarms(publication: Publication, tiles: TileReader, known: Memory | None) -> list[Finding]:
    """The tree continues the remembered one, and those that the trust list pins."""
    alarms = []
    if known is not None:
        notes = (known.note, publication.note)
        if tiles.size < known.size:
            return [Finding("log_rolled_back", {"size": tiles.size, "known": known.size}, notes)]
        alarms += _continuation(tiles, known.size, known.root, notes)
    for size, root in earlier_trees(publication.trust):
        if size > tiles.size:
            alarms.append(Finding("log_behind_list", {}))
        else:
            alarms += _continuation(tiles, size, root, (publication.note,))
    return alarms


def _continuation(tiles: TileReader, size: int, root: bytes, notes: tuple[bytes, ...]) -> list[Finding]:
    try:
        require_continued(tiles, size, root)
    except KezhengError as error:
        return [Finding(error.code, error.params, notes if error.code == "log_forked" else ())]
    return []


def _read_on(
    source: LogSource, publication: Publication, known: Memory | None, watched: frozenset[bytes]
) -> tuple[EntryTally | None, list[Finding]]:
    """Count the new entries, which must lead from the remembered tree to the one of the checkpoint."""
    checkpoint = publication.checkpoint
    tally = EntryTally(watched) if known is None else known.tally(watched)
    try:
        edge = Frontier()
        if known is not None:
            edge = right_edge(source.log_file, known.size, known.root, checkpoint.size)
        for start, entries in bundles_between(source.log_file, edge.size, checkpoint.size):
            edge.append_hashes([leaf_hash(entry) for entry in entries])
            tally.take(start, entries)
    except KezhengError as error:
        return None, [finding_of(error)]
    if edge.root() != checkpoint.root or not tally.newest:
        return None, [Finding("log_entries_differ", {})]
    return tally, []


def _entry_alarms(publication: Publication, tally: EntryTally) -> list[Finding]:
    """A trust list or data file that is in no register may have been made for one victim."""
    alarms = []
    if (EntryKind.TRUST_LIST, bytes.fromhex(publication.list_digest)) not in tally.files:
        alarms.append(Finding("trust_list_not_logged", {}))
    alarms += [
        Finding("data_file_not_logged", {"file": name})
        for name, digest in publication.trust.files.items()
        if (EntryKind.DATA_FILE, bytes.fromhex(digest)) not in tally.files
    ]
    return alarms


def _age_alarms(publication: Publication, tally: EntryTally, stale_after: timedelta, now: datetime) -> list[Finding]:
    alarms = []
    age = now - read_entry(tally.newest).logged_at
    if age > stale_after:
        alarms.append(Finding("log_stale", {"hours": age // _HOUR}))
    if age < -FUTURE_TOLERANCE:
        alarms.append(Finding("log_time_ahead", {"minutes": -(age // timedelta(minutes=1))}))
    if now >= publication.trust.expires_at:
        alarms.append(Finding("trust_list_stale", {"days": (now - publication.trust.issued_at) // _DAY}))
    return alarms


def _unknown_keys(trust: TrustList, tally: EntryTally) -> list[Finding]:
    """Certificates under keys that no institution has: nobody can verify them, but they were entered."""
    return [
        Finding("leaf_key_unknown", {"kid": kid.hex(), "count": count})
        for kid, count in sorted(tally.per_key.items())
        if kid not in trust.keys
    ]


def _keys_of(trust: TrustList, institutions: Collection[str]) -> frozenset[bytes]:
    for code in institutions:
        if code not in trust.institutions:
            raise KezhengError("institution_unknown", institution=code)
    return frozenset(key.kid for code in institutions for key in trust.institutions[code].keys)


def _memory(publication: Publication, tally: EntryTally, ahead: tuple[bytes, ...]) -> Memory:
    checkpoint = publication.checkpoint
    return Memory(
        origin=publication.trust.delegation.log.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        note=publication.note,
        newest=tally.newest,
        list_order=publication.trust.order,
        list_digest=publication.list_digest,
        kinds=tally.kinds,
        per_key=tally.per_key,
        files=frozenset(tally.files),
        gossip=ahead,
    )
