"""A batch that is taken up again too late: recorded anew under its numbers, logged once, the old bytes never.

The allowed delay is 24 hours, and half of it is kept in reserve: what states a time 12 hours ago is logged, what is a
second older is recorded anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
from log_files import certificate_leaves
from recording_signer import record_signatures
from register_crash import killed_at
from register_desk import NOW, Desk, people

from certs.certificate import decode_claims
from certs.cose import take_apart
from certs.envelope import prepared_from_record, seal
from certs.errors import KezhengError
from registry.home import open_home
from registry.issuing import issue, release_chunks
from registry.issuing.log_certificates import log_certificates, oldest_to_log
from registry.key_changes import rotate_key
from registry.settings import load_settings
from registry.store.batch_store import unfinished_batches
from registry.store.certificate_store import CertificateRecord
from registry.store.issuing_store import sealed_of_batch
from registry.store.states import BatchState, CertificateState

ASSESSOR = "P000115000001"
NEVER = 10**9
SECOND, RESERVE = timedelta(seconds=1), timedelta(hours=12)
MIDNIGHT = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
"""The turn of the year in China."""
STEPS = {CertificateState.PREPARED: "_sign", CertificateState.SIGNED: "log_certificates"}
"""What comes next: a process that dies there leaves certificates in this state."""


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@contextmanager
def desk_in(folder: Path, now: datetime) -> Iterator[Desk]:
    with open_home(load_settings(folder, {}), {}) as home:
        yield Desk(home, now)


def issue_until(folder: Path, step: str, now: datetime) -> None:
    """The whole command in a process that ends before a step. Only ever called in a child."""
    with desk_in(folder, now) as desk:
        setattr(release_chunks, step, die)
        desk.finish(desk.approve(desk.bring(people(1, 2, 3), ASSESSOR)))


def stopped_in(folder: Path, prepared_home: Path, state: CertificateState, now: datetime = NOW) -> Path:
    """A home in which three certificates were left in a state by a process that was killed."""
    shutil.copytree(prepared_home, folder)
    assert killed_at(NEVER, lambda: issue_until(folder, STEPS[state], now))
    return folder


@pytest.fixture(scope="module")
def stopped_homes(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[CertificateState, Path]:
    folder = tmp_path_factory.mktemp("stopped")
    return {state: stopped_in(folder / state.value, prepared_home, state) for state in STEPS}


@pytest.fixture(params=STEPS)
def stopped(
    request: pytest.FixtureRequest, stopped_homes: dict[CertificateState, Path], tmp_path: Path
) -> Path:
    """A home that stopped, once with certificates prepared and once with certificates signed."""
    return shutil.copytree(stopped_homes[request.param], tmp_path / "home")


class Left(NamedTuple):
    """What a killed process left: the certificates, and the digest of the envelope that each was to have."""

    batch_id: str
    certificates: list[CertificateRecord]
    digests: set[bytes]


def left_in(desk: Desk) -> Left:
    with desk.home.store.reading() as tx:
        [batch] = unfinished_batches(tx)
    certificates = desk.certificates(batch.id)
    digests = {_old_digest(desk, certificate.id) for certificate in certificates}
    assert {c.state for c in certificates} <= set(STEPS)
    assert (len(certificates), len(digests)) == (3, 3)
    return Left(batch.id, certificates, digests)


def _old_digest(desk: Desk, certificate_id: int) -> bytes:
    """A signature of the scheme is always the same: what the recorded bytes would have become is known."""
    query = "SELECT to_be_signed FROM certificate_prepared WHERE certificate_id = :id"
    prepared = prepared_from_record(desk.value(query, id=certificate_id))
    signature = desk.home.keyring.signer_by_kid(prepared.kid).sign(prepared.to_be_signed)
    return hashlib.sha256(seal(prepared, signature)).digest()


def resume(desk: Desk, left: Left) -> list[CertificateRecord]:
    """Issue the batch; every certificate in force is valid and has one leaf, and nothing else has one."""
    desk.finish(desk.batch(left.batch_id))
    assert desk.batch(left.batch_id).state is BatchState.RELEASED
    released = [c for c in desk.certificates(left.batch_id) if c.state is CertificateState.RELEASED]
    assert [report["verdict"] for report in desk.reports(c.number for c in released)] == ["valid"] * 3
    leaves = [digest for _, digest in certificate_leaves(desk.home.settings.log_folder)]
    envelopes = [c.envelope for c in released if c.envelope is not None]
    assert sorted(leaves) == sorted(hashlib.sha256(envelope).digest() for envelope in envelopes)
    assert len(set(leaves)) == 3
    return released


def numbers(certificates: list[CertificateRecord]) -> list[str]:
    return [certificate.number for certificate in certificates]


def issue_times(certificates: list[CertificateRecord]) -> set[datetime]:
    """What the signed claims themselves state."""
    envelopes = [certificate.envelope for certificate in certificates if certificate.envelope is not None]
    return {decode_claims(take_apart(envelope).payload).issued_at for envelope in envelopes}


def leaf_digests(desk: Desk) -> set[bytes]:
    return {digest for _, digest in certificate_leaves(desk.home.settings.log_folder)}


def test_three_days_later_the_numbers_get_new_bytes(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = NOW + timedelta(days=3)
    with desk_in(stopped, later) as desk:
        left = left_in(desk)
        signed = record_signatures(desk.home, monkeypatch)
        released = resume(desk, left)
        assert numbers(released) == numbers(left.certificates)
        assert [c.status_index for c in released] == [c.status_index for c in left.certificates]
        assert issue_times(released) == {later}
        assert not left.digests & leaf_digests(desk)
        assert len(signed.certificates()) == len(set(signed.certificates())) == 3
        assert desk.value("SELECT count(*) FROM certificate") == 3


@pytest.mark.parametrize(("late", "is_anew"), [(-SECOND, False), (0 * SECOND, False), (SECOND, True)])
def test_half_of_the_delay_is_the_limit(stopped: Path, late: timedelta, is_anew: bool) -> None:
    later = NOW + RESERVE + late
    with desk_in(stopped, later) as desk:
        left = left_in(desk)
        released = resume(desk, left)
        assert numbers(released) == numbers(left.certificates)
        assert issue_times(released) == {later if is_anew else NOW}
        assert leaf_digests(desk).isdisjoint(left.digests) is is_anew
        assert (leaf_digests(desk) == left.digests) is not is_anew


def test_too_late_twice(stopped: Path) -> None:
    """The resumed process is killed too, and comes back once more too late."""
    second, third = NOW + timedelta(days=3), NOW + timedelta(days=6)
    assert killed_at(NEVER, lambda: resume_until(stopped, "log_certificates", second))
    with desk_in(stopped, third) as desk:
        left = left_in(desk)
        assert {c.state for c in left.certificates} == {CertificateState.SIGNED}
        assert issue_times(left.certificates) == {second}
        released = resume(desk, left)
        assert numbers(released) == numbers(left.certificates)
        assert issue_times(released) == {third}


def resume_until(folder: Path, step: str, now: datetime) -> None:
    with desk_in(folder, now) as desk:
        setattr(release_chunks, step, die)
        desk.finish(desk.batch(left_in(desk).batch_id))


@pytest.mark.slow
def test_killed_at_every_write_while_recording_anew(
    stopped_homes: dict[CertificateState, Path], tmp_path: Path
) -> None:
    """Wherever the second process dies, the third one finishes with one leaf for each number."""
    later, seen = NOW + timedelta(days=3), set()
    for point in range(1, NEVER):
        folder = shutil.copytree(stopped_homes[CertificateState.SIGNED], tmp_path / str(point))
        if not killed_at(point, lambda folder=folder: resume_until(folder, "publish_facts", later)):
            break
        with desk_in(folder, later + SECOND) as desk:
            states = [(c.state, c.issued_at) for c in desk.certificates(_batch_id(desk))]
            if tuple(states) not in seen:
                seen.add(tuple(states))
                assert numbers(resume(desk, Left(_batch_id(desk), [], set()))) == desk_numbers(desk)
        shutil.rmtree(folder)
        if all(state is CertificateState.RELEASED for state, _ in states):
            break
    assert len(seen) > 3


def _batch_id(desk: Desk) -> str:
    found: str = desk.value("SELECT id FROM batch")
    return found


def desk_numbers(desk: Desk) -> list[str]:
    return numbers(desk.certificates(_batch_id(desk)))


# --- the clock goes on while a batch is worked on


def test_what_becomes_too_old_on_the_way_is_refused_and_recorded_anew_next_time(
    stopped_homes: dict[CertificateState, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(stopped_homes[CertificateState.SIGNED], tmp_path / "home")
    with desk_in(folder, NOW + RESERVE) as desk:
        left, renew = left_in(desk), issue.renew_stale

        def slow(work: issue.BatchWork, now: datetime) -> None:
            renew(work, now)
            desk.now += SECOND

        with monkeypatch.context() as patch, pytest.raises(KezhengError) as refusal:
            patch.setattr(issue, "renew_stale", slow)
            desk.finish(desk.batch(left.batch_id))
        assert refusal.value.code == "certificate_too_old_to_log"
        assert leaf_digests(desk) == set()
        assert issue_times(resume(desk, left)) == {NOW + RESERVE + SECOND}


@pytest.mark.parametrize(("late", "is_logged"), [(-SECOND, True), (0 * SECOND, True), (SECOND, False)])
def test_the_log_itself_refuses_what_is_too_old(
    stopped_homes: dict[CertificateState, Path], tmp_path: Path, late: timedelta, is_logged: bool
) -> None:
    folder = shutil.copytree(stopped_homes[CertificateState.SIGNED], tmp_path / "home")
    with desk_in(folder, NOW + RESERVE + late) as desk:
        left = left_in(desk)
        with desk.home.store.reading() as tx:
            sealed = sealed_of_batch(tx, left.batch_id)
        before = desk.row_counts()
        if is_logged:
            assert [made.number for made in log_certificates(desk.home, sealed, desk.now)] == numbers(left.certificates)
            desk.home.publish_log()
            assert leaf_digests(desk) == left.digests
            return
        with pytest.raises(KezhengError, match=r"^certificate_too_old_to_log"):
            log_certificates(desk.home, sealed, desk.now)
        assert (desk.row_counts(), leaf_digests(desk)) == (before, set())


def test_one_that_is_too_old_keeps_its_whole_chunk_out(
    stopped_homes: dict[CertificateState, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(stopped_homes[CertificateState.SIGNED], tmp_path / "home")
    with desk_in(folder, NOW + SECOND) as desk:
        left = left_in(desk)
        with desk.home.store.reading() as tx:
            first, second, third = sealed_of_batch(tx, left.batch_id)
        old = oldest_to_log(desk.home.settings.limits, desk.now) - SECOND
        with pytest.raises(KezhengError, match=r"^certificate_too_old_to_log"):
            log_certificates(desk.home, [first, second, third._replace(issued_at=old)], desk.now)
        assert leaf_digests(desk) == set()


@pytest.mark.parametrize(("behind", "waited"), [(200, [0.2]), (5_000, [5.0])])
def test_a_machine_whose_clock_is_behind_waits(
    stopped_homes: dict[CertificateState, Path], tmp_path: Path, behind: int, waited: list[float]
) -> None:
    folder = shutil.copytree(stopped_homes[CertificateState.PREPARED], tmp_path / "home")
    with desk_in(folder, NOW - timedelta(milliseconds=behind)) as desk:
        left, paused = left_in(desk), list[float]()
        desk.home.log_place.pause = paused.append
        assert issue_times(resume(desk, left)) == {NOW}
        assert paused[:1] == waited
        assert leaf_digests(desk) == left.digests


def test_a_machine_whose_clock_is_far_behind_is_refused(
    stopped_homes: dict[CertificateState, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(stopped_homes[CertificateState.SIGNED], tmp_path / "home")
    with desk_in(folder, NOW - timedelta(seconds=10)) as desk:
        left = left_in(desk)
        with pytest.raises(KezhengError, match=r"^log_clock_behind"):
            desk.finish(desk.batch(left.batch_id))
        assert leaf_digests(desk) == set()
        desk.now = NOW
        assert leaf_digests(desk) == set()
        resume(desk, left)


# --- the turn of the year, and another key


@pytest.mark.parametrize("state", STEPS)
def test_over_the_turn_of_the_year_numbers_of_the_past_year_are_void(
    prepared_home: Path, tmp_path: Path, state: CertificateState
) -> None:
    folder = stopped_in(tmp_path / "home", prepared_home, state, MIDNIGHT - SECOND)
    with desk_in(folder, MIDNIGHT + timedelta(days=3)) as desk:
        left = left_in(desk)
        released = resume(desk, left)
        assert {number[13:15] for number in numbers(left.certificates)} == {"26"}
        assert [number[13:22] for number in numbers(released)] == [f"27200000{serial}" for serial in (1, 2, 3)]
        assert not left.digests & leaf_digests(desk)
        assert [desk.certificate(number).state for number in numbers(left.certificates)] == [CertificateState.VOID] * 3
        assert {desk.certificate(number).live for number in numbers(left.certificates)} == {False}
        places = [c.status_index for c in (*left.certificates, *released)]
        assert len(set(places)) == 6
        assert [c.roster_row_id for c in released] == [c.roster_row_id for c in left.certificates]


@pytest.mark.parametrize(("late", "year"), [(-SECOND, "26"), (0 * SECOND, "26"), (SECOND, "27")])
def test_what_may_still_be_logged_keeps_the_number_of_its_year(
    prepared_home: Path, tmp_path: Path, late: timedelta, year: str
) -> None:
    stop = MIDNIGHT - SECOND
    folder = stopped_in(tmp_path / "home", prepared_home, CertificateState.SIGNED, stop)
    with desk_in(folder, stop + RESERVE + late) as desk:
        left = left_in(desk)
        assert {number[13:15] for number in numbers(resume(desk, left))} == {year}


def test_a_key_that_was_rotated_in_between(stopped: Path) -> None:
    """Within the allowed delay: the bytes name a key that is not in use any more."""
    later = NOW + timedelta(minutes=5)
    with desk_in(stopped, later) as desk:
        left = left_in(desk)
        change = rotate_key(desk.home, ASSESSOR, "登记丙", later - SECOND)
        assert change.added is not None
        released = resume(desk, left)
        assert numbers(released) == numbers(left.certificates)
        assert issue_times(released) == {later}
        assert {kid for kid, _ in certificate_leaves(desk.home.settings.log_folder)} == {change.added.kid}
        assert not left.digests & leaf_digests(desk)
        desk.now += timedelta(days=2)
        assert {desk.verdict(number) for number in numbers(released)} == {"valid"}
