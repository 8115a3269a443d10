"""What was seen once is never followed by less: lists, status and register, and what is kept of them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator import NOW, World

from certs.evidence import (
    LOG_FOLDER,
    STATUS_FILE,
    TRUST_LIST_FILE,
    Evidence,
    Seen,
    gather_evidence,
    what_was_seen,
)
from certs.unavailable import Unavailable
from certs.verification import verify_qr_text

WORLD = World(epoch=3, version=5, status_version=8)
TEXT = WORLD.issue(WORLD.institution())
FILES = WORLD.files()
DIGEST = hashlib.sha256(FILES[TRUST_LIST_FILE]).hexdigest()
OTHER_DIGEST = "ab" * 32
SIZE = len(WORLD.log().entries) + 1
SEEN = Seen(3, 5, DIGEST, 8, SIZE)


def gathered(seen: Seen | None, files: dict[str, bytes] = FILES) -> Evidence:
    return gather_evidence(files, WORLD.root_key(), seen)


def why(part: object) -> str | None:
    return part.code if isinstance(part, Unavailable) else None


def whys(evidence: Evidence) -> tuple[str | None, str | None, str | None]:
    """The reasons why list, status and register cannot be used."""
    return why(evidence.trust), why(evidence.status), why(evidence.log)


USABLE = (None, None, None)
BACK = ("trust_list_rolled_back", "status_unavailable", "log_unavailable")
OTHER = ("trust_list_differs", "status_unavailable", "log_unavailable")


@pytest.mark.parametrize(
    ("epoch", "version", "digest", "found"),
    [
        (3, 4, OTHER_DIGEST, USABLE),
        (3, 5, DIGEST, USABLE),
        (3, 5, OTHER_DIGEST, OTHER),
        (3, 5, DIGEST.upper(), OTHER),
        (3, 5, "", OTHER),
        (3, 6, DIGEST, BACK),
        (2, 2**53, OTHER_DIGEST, USABLE),
        (2, 5, OTHER_DIGEST, USABLE),
        (4, 0, DIGEST, BACK),
        (4, 5, DIGEST, BACK),
    ],
)
def test_lists_go_by_epoch_and_version_and_one_number_is_one_list(
    epoch: int, version: int, digest: str, found: tuple[str | None, ...]
) -> None:
    assert whys(gathered(Seen(epoch, version, digest, 0, 0))) == found


@pytest.mark.parametrize(("seen", "code"), [(0, None), (7, None), (8, None), (9, "status_rolled_back")])
def test_status_goes_by_its_version(seen: int, code: str | None) -> None:
    evidence = gathered(SEEN._replace(status_version=seen))
    assert whys(evidence) == (None, code, None)
    found = verify_qr_text(TEXT, evidence, NOW)
    assert (found.verdict.value, found.deciding.code) == (("undetermined", code) if code else ("valid", "in_force"))


@pytest.mark.parametrize(
    ("seen", "code"), [(0, None), (SIZE - 1, None), (SIZE, None), (SIZE + 1, "log_rolled_back")]
)
def test_a_register_goes_by_its_size(seen: int, code: str | None) -> None:
    evidence = gathered(SEEN._replace(tree_size=seen))
    assert whys(evidence) == (None, None, code)
    if code:
        assert evidence.log == Unavailable(code, (("size", SIZE), ("known", SIZE + 1)))
    found = verify_qr_text(TEXT, evidence, NOW)
    assert (found.verdict.value, found.deciding.code) == (("undetermined", code) if code else ("valid", "in_force"))


# --- what is kept


def without(*names: str) -> dict[str, bytes]:
    return {name: content for name, content in FILES.items() if not name.startswith(names)}


def test_what_was_seen_is_what_was_used() -> None:
    assert what_was_seen(FILES, gathered(None)) == SEEN
    assert what_was_seen(FILES, gathered(SEEN)) == SEEN


def test_what_was_not_at_hand_was_not_seen() -> None:
    for files, seen in (
        (without(STATUS_FILE), SEEN._replace(status_version=0)),
        (without(LOG_FOLDER), SEEN._replace(tree_size=0)),
        (without(LOG_FOLDER, STATUS_FILE), SEEN._replace(status_version=0, tree_size=0)),
    ):
        assert what_was_seen(files, gathered(None, files)) == seen


@pytest.mark.parametrize("seen", [SEEN._replace(version=6), SEEN._replace(list_digest=OTHER_DIGEST)])
def test_of_a_refused_list_nothing_is_kept(seen: Seen) -> None:
    assert what_was_seen(FILES, gathered(seen)) is None
    assert what_was_seen(without(TRUST_LIST_FILE), gathered(None, without(TRUST_LIST_FILE))) is None


def test_of_a_list_that_nobody_else_has_seen_nothing_is_kept() -> None:
    """A thief of the list key makes version 9 for one victim: honest lists after it are not refused for that."""
    world = World(epoch=3, version=9)
    world.institution()
    files = FILES | {TRUST_LIST_FILE: world.trust_list(WORLD.log())}
    evidence = gathered(SEEN, files)
    assert why(evidence.trust) == "trust_list_not_logged"
    assert what_was_seen(files, evidence) is None


MET = st.builds(
    Seen,
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([DIGEST, OTHER_DIGEST]),
    st.integers(0, 3),
    st.integers(0, 3),
)


@given(MET, MET)
def test_what_is_kept_never_goes_back(before: Seen, met: Seen) -> None:
    kept = met.after(before)
    assert (kept.epoch, kept.version) == max((before.epoch, before.version), (met.epoch, met.version))
    assert kept.status_version == max(before.status_version, met.status_version)
    assert kept.tree_size == max(before.tree_size, met.tree_size)
    newer = met if (met.epoch, met.version) > (before.epoch, before.version) else before
    assert kept.list_digest == newer.list_digest
    assert kept.after(kept) == kept == met.after(kept)
    assert met.after(None) == met


@pytest.mark.parametrize(
    ("away", "seen", "code"),
    [
        (STATUS_FILE, SEEN._replace(status_version=9), (None, "status_rolled_back", None)),
        (LOG_FOLDER, SEEN._replace(tree_size=SIZE + 1), (None, None, "log_rolled_back")),
    ],
)
def test_what_was_away_once_does_not_come_back_older(away: str, seen: Seen, code: tuple[str | None, ...]) -> None:
    """Who can make a file disappear for a moment would else make an old one good again."""
    met = what_was_seen(without(away), gathered(seen, without(away)))
    assert met is not None
    assert whys(gathered(met.after(seen))) == code
    assert whys(gathered(met)) == USABLE  # what `after` is for
