"""`python -m bench.kills`: processes that issue are killed 200 times at random, on both engines; then all is counted.

Two clerks bring rosters and two workers issue them, through the job engine. Any of the four is killed with SIGKILL,
again and again. Then what was begun is finished without kills, and everything is counted from the database and from
the register's files: nothing lost, nothing twice, every serial accounted for, one history. Exits with 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import sleep

from bench.count_leaves import certificate_leaves
from bench.mortal import ROWS, Clerk, Mortals, bring_rosters, submitted, work
from bench.phases import Phases
from bench.sample import PUBLIC_URL
from bench.sample_home import make_home, now
from certs.qr import qr_text
from certs.verification import verify_qr_text
from registry.checking import check_own_log
from registry.home import Home, open_home, read_pinned_root
from registry.jobs.job_desk import open_job_desk
from registry.jobs.worker import run_worker
from registry.settings import load_settings
from registry.store.batch_store import BatchRecord, batches_of_institution
from registry.store.certificate_store import CertificateRecord, certificates_of_batch
from registry.store.states import BatchState, CertificateState
from registry.verifying import evidence_of_home
from tests.postgres_server import postgres_server

KILLS = 200
CLERKS, WORKERS = 2, 2
SHORTEST, LONGEST = 0.3, 2.5
"""Seconds between two kills."""
PEOPLE_OF_CLERK = 1_000_000
ENGINES = ("sqlite", "postgresql")
LOOK_SECONDS = 0.5


@contextmanager
def database(engine: str) -> Iterator[dict[str, str]]:
    """The environment of a home on one of the engines; PostgreSQL is as durable as it is by default."""
    if engine == "sqlite":
        yield {}
        return
    with postgres_server() as server:
        yield {"KEZHENG_DATABASE_URL": server.url("postgres")}


def play(engine: str, kills: int, folder: Path, phases: Phases) -> None:
    """One engine, from an empty home to the last count."""
    with database(engine) as environ:
        settings = load_settings(folder / engine, {"KEZHENG_PUBLIC_URL": PUBLIC_URL, **environ})
        codes = in_a_process(make_home, settings, CLERKS)
        clerks = [
            Clerk(settings, code, place * PEOPLE_OF_CLERK, folder / f"{engine}-{code}-accepted")
            for place, code in enumerate(codes)
        ]
        with phases.phase(f"{engine}: {kills} kills of {CLERKS} clerks and {WORKERS} workers at random"):
            ended_alone = kill_at_random(clerks, kills, phases)
        phases.same("processes that ended by themselves", ended_alone, 0)
        with open_home(settings, {}) as home:
            with phases.phase("finishing what was begun"):
                finish(home, codes)
            count(home, clerks, phases)


def in_a_process(work_of: object, *arguments: object) -> list[str]:
    """Call a function elsewhere, so that this process has opened nothing when it forks."""
    with get_context("spawn").Pool(1) as pool:
        made: list[str] = pool.apply(work_of, arguments)  # type: ignore[arg-type]
        return made


def kill_at_random(clerks: list[Clerk], kills: int, phases: Phases) -> int:
    """So many kills; how many processes had ended by themselves before they were killed."""
    settings = clerks[0].settings
    roles = [partial(bring_rosters, clerk) for clerk in clerks] + [partial(work, settings)] * WORKERS
    mortals = Mortals(roles, seed=kills)
    try:
        for done in range(1, kills + 1):
            mortals.pause(SHORTEST, LONGEST)
            mortals.kill_one()
            if done % 20 == 0:
                phases.progress("killed", done, kills)
    finally:
        mortals.kill_all()
    return mortals.ended_alone


def finish(home: Home, codes: list[str]) -> None:
    """Let a worker that lives do what is left."""
    stop = Event()
    worker = Thread(target=run_worker, args=(home.settings, {}, stop))
    worker.start()
    try:
        with open_job_desk(home.settings) as desk:
            while left := [batch for batch in batches(home, codes) if is_left(batch)]:
                for batch in left:
                    submitted(home, desk, batch.id)
                sleep(LOOK_SECONDS)
    finally:
        stop.set()
        worker.join()


def is_left(batch: BatchRecord) -> bool:
    """Approved and not yet released. What was only imported was promised to nobody."""
    return batch.state in (BatchState.APPROVED, BatchState.ISSUING)


def batches(home: Home, codes: list[str]) -> list[BatchRecord]:
    with home.store.reading() as tx:
        return [batch for code in codes for batch in batches_of_institution(tx, code)]


def count(home: Home, clerks: list[Clerk], phases: Phases) -> None:
    """Everything against everything."""
    codes = [clerk.code for clerk in clerks]
    accepted = {line for clerk in clerks for line in clerk.accepted.read_text("utf-8").split()}
    released = {batch.id for batch in batches(home, codes) if batch.state is BatchState.RELEASED}
    with home.store.reading() as tx:
        found = [each for batch in sorted(released) for each in certificates_of_batch(tx, batch)]
    issued = [each for each in found if each.state is CertificateState.RELEASED]
    print(f"  {len(accepted)} batches accepted, {len(issued):,} certificates", flush=True)
    phases.same("accepted batches that are not released", sorted(accepted - released), [])
    phases.same("batches with another number of certificates", other_sizes(issued), {})
    phases.same("rows with two certificates", repeated(each.roster_row_id for each in issued), [])
    phases.same("numbers given twice", repeated(each.number for each in found), [])
    phases.same("status indices given twice", repeated(each.status_index for each in found), [])
    phases.same("serials not accounted for", missing_serials(found), [])
    leaves = Counter(leaf.digest for leaf in certificate_leaves(home.settings.log_folder))
    phases.same("entries in the register are those, once each", leaves == Counter(map(digest_of, issued)), True)
    verify(home, issued, phases)


def other_sizes(issued: list[CertificateRecord]) -> dict[str, int]:
    return {batch: size for batch, size in Counter(each.batch_id for each in issued).items() if size != ROWS}


def repeated(values: Iterator[object]) -> list[object]:
    return [value for value, times in Counter(values).items() if times > 1]


def missing_serials(found: list[CertificateRecord]) -> list[tuple[str, int]]:
    """Serials below the highest of their prefix that no certificate has, issued or void."""
    taken: dict[str, set[int]] = {}
    for each in found:
        taken.setdefault(each.number[:-7], set()).add(each.serial)
    return [(prefix, serial) for prefix, own in taken.items() for serial in set(range(1, max(own) + 1)) - own]


def digest_of(certificate: CertificateRecord) -> bytes:
    assert certificate.envelope_digest is not None
    return certificate.envelope_digest


def verify(home: Home, issued: list[CertificateRecord], phases: Phases) -> None:
    """Every certificate is valid for a stranger, and the register is right as a whole."""
    evidence, at = evidence_of_home(home.settings), now()
    with phases.phase(f"verifying {len(issued):,} certificates", len(issued)):
        texts = [qr_text(PUBLIC_URL, each.envelope) for each in issued if each.envelope is not None]
        verdicts = Counter(verify_qr_text(text, evidence, at).verdict.value for text in texts)
    phases.same("verdicts", dict(verdicts), {"valid": len(issued)})
    root = read_pinned_root(home.settings.pinned_root_file)
    assert root is not None
    phases.same("the register is right", check_own_log(home, root, lambda _done, _total: None).is_right, True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--engine", choices=ENGINES, help="one of them alone")
    chosen = parser.parse_args()
    phases = Phases(lambda line: print(line, flush=True))
    with TemporaryDirectory() as folder:
        for engine in [chosen.engine] if chosen.engine else ENGINES:
            play(engine, chosen.kills, Path(folder), phases)
    return phases.close()


if __name__ == "__main__":
    sys.exit(main())
