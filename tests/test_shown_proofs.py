"""A certificate that brings its own proof: it is in the register exactly as far as the proof says so."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import NOW, World

from bench.shown_proofs import LogOfShownProofs
from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER, Evidence, gather_evidence
from certs.log_checkpoint import trusted_checkpoint
from certs.log_entry import EntryKind
from certs.log_evidence import LogReader
from certs.proven_log import open_proven_log
from certs.qr import read_qr_text
from certs.status import State
from certs.tlog.proof_file import TlogProof, format_tlog_proof, parse_tlog_proof
from certs.tlog.tile_reader import TileReader
from certs.trust_list import TrustList
from certs.verification import verify_qr_text

WORLD = World()
CODE = WORLD.institution()
ISSUED_AT = NOW - timedelta(days=2)
REAL, OTHER = (WORLD.issue(CODE, issued_at=ISSUED_AT, status_index=index) for index in (7, 8))
FORGED = WORLD.issue(CODE, issued_at=ISSUED_AT, logged_at=None)
FILES = WORLD.files()
CHECKPOINT = FILES[LOG_FOLDER + "checkpoint"]


WHOLE = gather_evidence(FILES, WORLD.root_key())


def log_file(path: str) -> bytes | None:
    return FILES.get(LOG_FOLDER + path)


def digest_of(text: str) -> bytes:
    return hashlib.sha256(read_qr_text(text).envelope).digest()


def tiles() -> TileReader:
    assert isinstance(WHOLE.trust, TrustList)
    checkpoint = trusted_checkpoint(CHECKPOINT, WHOLE.trust.delegation.log)
    return TileReader(checkpoint.size, checkpoint.root, log_file)


TILES = tiles()
ENTRIES = [TILES.entry(place) for place in range(TILES.size)]


def proof_of(text: str) -> bytes:
    """The proof file of a certificate's entry."""
    place = next(place for place, entry in enumerate(ENTRIES) if entry[0] == 1 and entry[-32:] == digest_of(text))
    return format_tlog_proof(TlogProof(place, tuple(TILES.inclusion_proof(place)), CHECKPOINT, ENTRIES[place])).encode()


GOOD = proof_of(REAL)


def places_of_others(subject: bytes) -> list[int]:
    """Where the register proves what concerns more than one certificate."""
    return [place for place, entry in enumerate(ENTRIES) if entry[0] != 1 and subject in entry]


def shown(*proofs: tuple[str, bytes]) -> Evidence:
    """Evidence to which these proofs were brought."""
    known = {digest_of(text): proof for text, proof in proofs}

    def opened(trust: TrustList) -> LogReader:
        register = open_proven_log(CHECKPOINT, log_file, places_of_others, trust)
        return LogOfShownProofs(register, CHECKPOINT, known.get)

    return gather_evidence(FILES, WORLD.root_key(), open_log=opened)


def said(text: str, evidence: Evidence) -> tuple[str, str]:
    found = verify_qr_text(text, evidence, NOW)
    return found.verdict.value, found.deciding.code


def test_with_its_proof_a_certificate_is_judged_as_with_the_whole_register() -> None:
    assert verify_qr_text(REAL, shown((REAL, GOOD)), NOW) == verify_qr_text(REAL, WHOLE, NOW)
    assert said(REAL, shown((REAL, GOOD))) == ("valid", "in_force")


def test_without_a_proof_it_is_unknown_and_never_missing() -> None:
    for text in (REAL, FORGED):
        assert said(text, shown()) == ("undetermined", "log_unavailable")
    log = shown().log
    assert isinstance(log, LogOfShownProofs)
    assert not log.covers(datetime(2000, 1, 1, tzinfo=UTC))
    assert log.entry(log.size) is None


PROOF = parse_tlog_proof(GOOD)
ALTERED: dict[str, TlogProof | bytes] = {
    "that of another certificate": proof_of(OTHER),
    "another index": PROOF._replace(leaf_index=PROOF.leaf_index ^ 1),
    "an index past the end": PROOF._replace(leaf_index=2**62),
    "no entry": PROOF._replace(extra=None),
    "the entry of another certificate": PROOF._replace(extra=parse_tlog_proof(proof_of(OTHER)).extra),
    "another time in the entry": PROOF._replace(extra=PROOF.extra and bytes([1]) + bytes(8) + PROOF.extra[9:]),
    "an entry that is none": PROOF._replace(extra=b"\x01"),
    "a hash less": PROOF._replace(hashes=PROOF.hashes[:-1]),
    "a hash more": PROOF._replace(hashes=(*PROOF.hashes, bytes(32))),
    "hashes in another order": PROOF._replace(hashes=PROOF.hashes[::-1]),
    "another checkpoint": PROOF._replace(checkpoint_note=CHECKPOINT + b"\n"),
    "no checkpoint": PROOF._replace(checkpoint_note=b""),
    "no proof": b"",
}


@pytest.mark.parametrize("name", ALTERED)
def test_another_proof_proves_nothing(name: str) -> None:
    altered = ALTERED[name]
    content = altered if isinstance(altered, bytes) else format_tlog_proof(altered).encode()
    assert content != GOOD
    assert said(REAL, shown((REAL, content))) == ("undetermined", "log_entries_differ")


LOG = shown().log


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_no_altered_byte_is_overlooked(place: int, change: int) -> None:
    altered = GOOD[:place] + bytes([GOOD[place] ^ change]) + GOOD[place + 1 :]
    assert isinstance(LOG, LogOfShownProofs)
    with pytest.raises(KezhengError, match=r"^log_entries_differ$"):
        LOG.proved(altered, digest_of(REAL))


def test_a_forged_certificate_gains_nothing_from_the_proof_of_a_real_one() -> None:
    assert said(FORGED, shown((FORGED, GOOD))) == ("undetermined", "log_entries_differ")


def test_an_entry_about_something_else_does_not_stand_for_a_certificate() -> None:
    place = next(place for place, entry in enumerate(ENTRIES) if entry[0] == EntryKind.TRUST_LIST)
    proof = TlogProof(place, tuple(TILES.inclusion_proof(place)), CHECKPOINT, ENTRIES[place])
    content = format_tlog_proof(proof).encode()
    assert said(REAL, shown((REAL, content))) == ("undetermined", "log_entries_differ")
    assert isinstance(LOG, LogOfShownProofs)
    assert LOG.proved(content, ENTRIES[place][-32:]) == (place, ENTRIES[place])


def test_a_later_change_of_status_is_known_from_the_status_list() -> None:
    world = World()
    world.status_event(7, State.REVOKED, reason_code="false_documents", void_from_start=True)
    status = gather_evidence(world.files(), world.root_key()).status
    assert said(REAL, replace(shown((REAL, GOOD)), status=status)) == ("not_in_force", "revoked")
