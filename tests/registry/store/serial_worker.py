"""Takes serials and inserts their certificates until it is done or dies by its own hand in a transaction.

Run as: serial_worker.py URL SEED BATCH; used by test_counters.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from datetime import date

from certs.grades import CertificateKind, Grade
from registry.store.certificate_store import NewCertificate, reserve_certificates
from registry.store.counter_store import take_ids, take_serials, take_status_places
from registry.store.engine import WriteTransaction, open_write_store
from registry.store.person_store import PersonDocumentRecord, add_persons
from registry.store.roster_store import RosterRowRecord, add_roster_rows

PREFIX = "P000115000001262"
DAY = date(2026, 5, 18)


def main(url: str, seed: int, batch_id: str) -> None:
    chance = random.Random(seed)
    store = open_write_store(url)
    for _ in range(12):
        with store.transaction() as tx:
            issue(tx, batch_id, chance.randint(1, 9), chance)
            die_sometimes(chance)
        die_sometimes(chance)


def die_sometimes(chance: random.Random) -> None:
    if chance.random() < 0.03:
        os.kill(os.getpid(), signal.SIGKILL)


def issue(tx: WriteTransaction, batch_id: str, count: int, chance: random.Random) -> None:
    serials = take_serials(tx, PREFIX, count)
    die_sometimes(chance)
    places = take_status_places(tx, count)
    people, documents, rows, ids = (
        take_ids(tx, table, count) for table in ("person", "person_document", "roster_row", "certificate")
    )
    add_persons(
        tx,
        [PersonDocumentRecord(documents[i], people[i], "t", people[i].to_bytes(32), b"c", b"k") for i in range(count)],
    )
    fixed = ("name", "t", b"c", None, b"k", "o", "2-02-38-05", None, None, Grade.JUNIOR, None, None, DAY)
    add_roster_rows(
        tx,
        [
            RosterRowRecord(rows[i], batch_id, rows[i], people[i], *fixed, None, None, None, None, "pass")
            for i in range(count)
        ],
    )
    kind = CertificateKind.ASSESSMENT
    reserve_certificates(
        tx,
        [
            NewCertificate(
                *(
                    ids[i],
                    f"{PREFIX}{serials[i]:06d}M",
                    batch_id,
                    rows[i],
                    "P000115000001",
                    people[i],
                    "o",
                    "",
                ),
                *(Grade.JUNIOR, kind, PREFIX, serials[i], places[i], DAY),
            )
            for i in range(count)
        ],
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
