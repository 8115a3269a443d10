"""What must hold when everything is over: nothing that was told to anybody is lost, doubled or unsaid.

Held against the database's own answers, asked with psql on each of its machines, the register's files on each
application machine, and what a stranger is told of every paper.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.count_leaves import bundles, certificate_leaves, entries_of
from bench.failover.checkpoints import Seen, differing
from bench.failover.journal import Told
from bench.phases import Phases
from bench.sample_home import now
from certs.qr import read_qr_text
from certs.verification import verify_qr_text
from deploy.ha.rehearsal.cluster import Cluster
from registry.checking import check_own_log
from registry.home import Home
from registry.log_monitor import Question, look
from registry.log_source import open_log_source
from registry.verifying import evidence_of_home

RELEASED, VOID = "released", "void"
CERTIFICATES = """
SELECT certificate.prefix, certificate.serial, certificate.state, certificate.number, encode(envelope_digest, 'hex')
FROM certificate LEFT JOIN certificate_sealed ON certificate_id = certificate.id ORDER BY certificate.id
"""
COUNTERS = "SELECT prefix, next_serial FROM serial_counter ORDER BY prefix"
ENTRIES = "SELECT count(*) FROM log_entry"
COUNTS = """
SELECT (SELECT count(*) FROM certificate), (SELECT count(*) FROM log_entry), (SELECT count(*) FROM status_event)
"""


class Row(NamedTuple):
    """A certificate as the database has it."""

    prefix: str
    serial: int
    state: str
    number: str
    digest: str


def rows_of(answer: str) -> list[Row]:
    """The rows of an unaligned answer of psql."""
    found = (line.split("|") for line in answer.splitlines())
    return [Row(prefix, int(serial), *rest) for prefix, serial, *rest in found]


def check_told(phases: Phases, told: Told, rows: Sequence[Row]) -> None:
    """Every acknowledged certificate is there once, released, with the very paper that was handed out."""
    times = Counter(certificate.number for certificate in told.certificates)
    phases.same("acknowledged twice", sum(count > 1 for count in times.values()), 0)
    phases.same("numbers in the database twice", len(rows) - len({row.number for row in rows}), 0)
    by_number = {row.number: row for row in rows}
    lost = [each for each in told.certificates if not _is_there(by_number.get(each.number), each.qr)]
    phases.same(f"lost of {len(told.certificates):,} acknowledged", len(lost), 0)


def _is_there(row: Row | None, qr: str) -> bool:
    return row is not None and row.state == RELEASED and row.digest == digest_of(qr)


def digest_of(qr: str) -> str:
    """SHA-256 of the envelope in a QR text."""
    return hashlib.sha256(read_qr_text(qr).envelope).hexdigest()


def check_serials(phases: Phases, rows: Sequence[Row], next_serials: Mapping[str, int]) -> None:
    """Of each prefix every number from 1 to the last one taken is issued or void."""
    for prefix, following in next_serials.items():
        own = [row for row in rows if row.prefix == prefix]
        phases.same(f"{prefix}: serials", serials_missing([row.serial for row in own], following), [])
        states = Counter(row.state for row in own)
        phases.same(f"{prefix}: neither issued nor void", len(own) - states[RELEASED] - states[VOID], 0)


def serials_missing(taken: Sequence[int], following: int) -> list[int]:
    """Serials from 1 up to the next one that are missing, taken twice or beyond it."""
    times = Counter(taken)
    wrong = [serial for serial in range(1, following) if times[serial] != 1]
    return [*wrong, *(serial for serial in times if not 1 <= serial < following)]


def check_register(phases: Phases, told: Told, rows: Sequence[Row], folder: Path, seen: Sequence[Seen]) -> None:
    """Every paper stands in the register once, and every checkpoint that anybody saw is of this one history."""
    leaves = Counter(leaf.digest.hex() for leaf in certificate_leaves(folder))
    phases.same("logged twice", sum(count > 1 for count in leaves.values()), 0)
    acknowledged = {digest_of(certificate.qr) for certificate in told.certificates}
    phases.same("acknowledged and not logged", len(acknowledged - leaves.keys()), 0)
    phases.same("logged and not in the database", len(leaves.keys() - {row.digest for row in rows}), 0)
    phases.same(f"of {len(seen)} checkpoints seen, from elsewhere", len(differing(seen, log_entries(folder))), 0)


def log_entries(folder: Path) -> list[bytes]:
    """All entries of a published log, read from its files."""
    return [entry for content in bundles(folder / "tile/entries") for entry in entries_of(content)]


def check_verdicts(phases: Phases, told: Told, home: Home) -> None:
    """What a stranger is told of every paper. Where a clerk died over a revocation, either answer is right."""
    evidence, at = evidence_of_home(home.settings), now()
    found: Counter[str] = Counter()
    unknown = told.being_revoked.keys() - told.revoked.keys()
    known = [certificate for certificate in told.certificates if certificate.number not in unknown]
    for certificate in known:
        said = verify_qr_text(certificate.qr, evidence, at).verdict
        found[f"{said}, {'revoked' if certificate.number in told.revoked else 'not revoked'}"] += 1
    revoked = len(told.revoked)
    expected = Counter({"valid, not revoked": len(known) - revoked, "not_in_force, revoked": revoked})
    phases.same("verdicts", dict(found), dict(+expected))


def check_monitor(phases: Phases, home: Home, address: str, seen: Sequence[Seen]) -> None:
    """A monitor that is given every checkpoint that anybody saw raises no alarm, nor does the register's own check."""
    with home.store.reading() as tx:
        root = home.own_root(tx)
    gossip = [(each.where, each.note) for each in seen]
    with open_log_source(address) as source:
        found = look(source, Question(root, gossip=gossip), None, now())
    phases.same("alarms of a monitor that knows them all", [alarm.code for alarm in found.alarms], [])
    checked = check_own_log(home, root, lambda _done, _total: None)
    phases.same("the register agrees with the database", checked.is_right, True)


def check_copies(phases: Phases, cluster: Cluster) -> None:
    """Every database machine holds the same."""
    counts = {machine: cluster.psql(COUNTS, machine) for machine in cluster.plan.databases}
    phases.same("certificates, entries and changes on each database machine", len(set(counts.values())), 1)


def next_serials(answer: str) -> dict[str, int]:
    """The counters out of psql's answer."""
    return {prefix: int(value) for prefix, value in (line.split("|") for line in answer.splitlines())}
