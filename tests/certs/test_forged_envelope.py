"""An envelope that a thief signed with a real institution's key: genuine in every check but the register's.

What a site says that has the register's own log, what a folder without the log says, what one with it says; and that
an index of the log, whatever stands in it, decides nothing.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from simulator import NOW, World

from certs.cose import take_apart
from certs.evidence import LOG_FOLDER, Evidence, gather_evidence
from certs.finding import Outcome
from certs.log_evidence import LogReader
from certs.log_follower import LogFollower
from certs.log_snapshot import open_published_log
from certs.proven_log import open_proven_log
from certs.qr import read_qr_text
from certs.status import State
from certs.trust_list import TrustList
from certs.verification import verify_qr_text

Files = dict[str, bytes]
DAY, MS = timedelta(days=1), timedelta(milliseconds=1)
INDEX = LOG_FOLDER + "index/0"


def world_with_both() -> tuple[World, str, str]:
    """A register, a certificate that it holds, and one that was signed with the same key and that it does not hold."""
    world = World()
    code = world.institution()
    issued_at = NOW - 2 * DAY
    real = world.issue(code, issued_at=issued_at, status_index=7)
    return world, real, world.issue(code, issued_at=issued_at, logged_at=None)


WORLD, REAL, FORGED = world_with_both()
FILES = WORLD.files()
CHECKPOINT = FILES[LOG_FOLDER + "checkpoint"]


def log_file(files: Files) -> Callable[[str], bytes | None]:
    return lambda path: files.get(LOG_FOLDER + path)


def said(text: str, evidence: Evidence, at: datetime = NOW) -> tuple[str, str]:
    found = verify_qr_text(text, evidence, at)
    return found.verdict.value, found.deciding.code


def of_folder(files: Files) -> Evidence:
    return gather_evidence(files, WORLD.root_key())


def of_site(files: Files, *, is_own: bool = True) -> Evidence:
    """What the site holds, which follows the register's folder."""
    return gather_evidence(files, WORLD.root_key(), open_log=LogFollower(log_file(files), is_own=is_own).open)


def digest_of(text: str) -> bytes:
    return hashlib.sha256(read_qr_text(text).envelope).digest()


def without(files: Files, *parts: str) -> Files:
    return {name: content for name, content in files.items() if not any(part in name for part in parts)}


# --- who has the log, and who has not


def test_the_site_with_its_own_log_says_that_it_is_not_genuine() -> None:
    assert said(FORGED, of_site(FILES)) == ("not_genuine", "not_logged")
    assert said(REAL, of_site(FILES)) == ("valid", "in_force")


def test_a_folder_without_the_log_cannot_tell() -> None:
    for files in (without(FILES, LOG_FOLDER), without(FILES, "tile/entries"), without(FILES, "checkpoint")):
        evidence = of_folder(files)
        assert said(FORGED, evidence) == ("undetermined", "log_unavailable")
        assert said(REAL, evidence) == ("undetermined", "log_unavailable")


def test_what_is_said_without_the_log_shows_the_signature_as_good_and_the_verdict_open() -> None:
    found = verify_qr_text(FORGED, of_folder(without(FILES, LOG_FOLDER)), NOW)
    outcomes = {check.name.value: check.outcome for check in found.checks}
    assert outcomes == {
        "form": Outcome.PASSED,
        "signature": Outcome.PASSED,
        "log": Outcome.INDETERMINATE,
        "authority": Outcome.PASSED,
        "status": Outcome.PASSED,
    }


def test_a_folder_with_the_entry_bundles_says_that_it_is_not_genuine() -> None:
    """Tiles are not needed: bundles that give the checkpoint's root are the whole log."""
    for files in (FILES, without(FILES, "log/tile/0", "log/tile/1")):
        assert said(FORGED, of_folder(files)) == ("not_genuine", "not_logged")
        assert said(REAL, of_folder(files)) == ("valid", "in_force")


@pytest.mark.parametrize(
    ("newest", "end"),
    [
        (-MS, ("undetermined", "log_unavailable")),
        (MS * 0, ("not_genuine", "not_logged")),
        (MS, ("not_genuine", "not_logged")),
    ],
)
def test_a_mirror_may_be_behind_and_the_register_s_own_log_is_not(newest: timedelta, end: tuple[str, str]) -> None:
    """Whatever the register hands out stands in its log before: so its site need not wait for the delay to pass."""
    world = World()
    issued_at = NOW - DAY
    forged = world.issue(world.institution(), issued_at=issued_at, logged_at=None)
    world.newest_entry_at = issued_at + timedelta(hours=24) + newest
    files = world.files()
    assert said(forged, of_site(files, is_own=False), world.now + MS) == end
    assert said(forged, of_folder(files), world.now + MS) == end
    assert said(forged, of_site(files), world.now + MS) == ("not_genuine", "not_logged")


def test_nothing_of_a_forged_one_is_shown() -> None:
    for evidence in (of_site(FILES), of_folder(FILES)):
        found = verify_qr_text(FORGED, evidence, NOW)
        assert found.genuine is None
        assert found.notices == ()


def test_an_entry_that_the_checkpoint_does_not_cover_is_not_believed() -> None:
    """A thief who may write to the folder adds his entry to the bundle: the checkpoint does not hold it."""
    [name] = [name for name in FILES if "tile/entries" in name]
    forged = read_qr_text(FORGED).envelope
    entry = struct.pack(">BQ", 1, int(NOW.timestamp() * 1000)) + take_apart(forged).kid + digest_of(FORGED)
    bundle = FILES[name] + struct.pack(">H", len(entry)) + entry
    grown = f"{name.rsplit('/', 1)[0]}/{int(name.rsplit('/', 1)[1]) + 1}"
    for files in (FILES | {name: bundle}, without(FILES, name) | {grown: bundle}):
        assert said(FORGED, of_folder(files))[0] == "undetermined"
        assert said(REAL, of_folder(files))[0] == "undetermined"


# --- an index of the log proves nothing


def record(prefix: bytes, place: int) -> bytes:
    """A record of an index block: 8 bytes of a digest, and a place."""
    return prefix[:8] + struct.pack(">Q", place)


SIZE = len(WORLD.log().entries) + 1
PREFIXES = st.sampled_from([digest_of(REAL), digest_of(FORGED), bytes(32), b"\xff" * 32])
PLACES = st.integers(0, SIZE + 3) | st.sampled_from([2**63, 2**64 - 1])
RECORDS = st.lists(st.builds(record, PREFIXES, PLACES), max_size=8).map(b"".join) | st.binary(max_size=64)


@given(RECORDS)
@settings(max_examples=30)
def test_wrong_records_in_the_published_index_change_no_verdict(index: bytes) -> None:
    files = FILES | {INDEX: index}
    for evidence in (of_folder(files), of_site(files)):
        assert said(FORGED, evidence) == ("not_genuine", "not_logged")
        assert said(REAL, evidence) == ("valid", "in_force")


def test_a_verdict_reads_no_index() -> None:
    read: list[str] = []

    def asked(path: str) -> bytes | None:
        read.append(path)
        return FILES.get(LOG_FOLDER + path)

    evidence = gather_evidence(FILES, WORLD.root_key(), open_log=lambda trust: open_published_log(asked, trust))
    for text in (FORGED, REAL):
        verify_qr_text(text, evidence, NOW)
    assert read
    assert not [path for path in read if path.startswith("index")]


def places_in(index: bytes) -> Callable[[bytes], Sequence[int]]:
    """Where an index says that entries about a digest stand."""
    records = [index[start : start + 16] for start in range(0, len(index) - 15, 16)]
    return lambda subject: [int.from_bytes(each[8:], "big") for each in records if each[:8] == subject[:8]]


def led_by(index: bytes) -> Evidence:
    """Evidence whose log is asked by way of an index, entry by entry, as for one look-up in a long log."""

    def opened(trust: TrustList) -> LogReader:
        return open_proven_log(CHECKPOINT, log_file(FILES), places_in(index), trust)

    evidence = of_folder(FILES)
    assert isinstance(evidence.trust, TrustList)
    return replace(evidence, log=opened(evidence.trust))


REAL_PLACE = next(
    place for place, entry in enumerate(WORLD.log().entries) if entry[0] == 1 and entry[-32:] == digest_of(REAL)
)


@given(RECORDS)
@example(record(digest_of(REAL), REAL_PLACE))
@example(record(digest_of(FORGED), REAL_PLACE))
@settings(max_examples=60)
def test_whoever_is_led_by_an_index_finds_the_entry_or_cannot_tell(index: bytes) -> None:
    evidence = led_by(index)
    assert said(FORGED, evidence) == ("undetermined", "log_unavailable")
    is_led = REAL_PLACE in places_in(index)(digest_of(REAL))
    assert said(REAL, evidence) == (("valid", "in_force") if is_led else ("undetermined", "log_unavailable"))


@pytest.mark.parametrize("index", [b"", record(digest_of(REAL), REAL_PLACE), record(digest_of(REAL), 0)])
def test_no_index_makes_a_revoked_one_valid(index: bytes) -> None:
    world, real, _ = world_with_both()
    world.status_event(7, State.REVOKED, reason_code="false_documents", void_from_start=True)
    files = world.files()
    evidence = gather_evidence(files | {INDEX: index}, world.root_key())
    assert said(real, evidence) == ("not_in_force", "revoked")
    assert isinstance(evidence.trust, TrustList)
    note = files[LOG_FOLDER + "checkpoint"]
    log = open_proven_log(note, log_file(files), places_in(index), evidence.trust)
    assert said(real, replace(evidence, log=log))[0] in ("not_in_force", "undetermined")
