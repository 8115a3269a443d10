"""Evidence: what a folder of published files is worth, and what one altered byte in any of them makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest
from simulator import NOW, Key, World

from certs.evidence import (
    CATALOGUE_FILE,
    LAYOUT_FOLDER,
    LOG_FOLDER,
    POLICY_FOLDER,
    STATUS_FILE,
    TRUST_LIST_FILE,
    DataFiles,
    Evidence,
    Seen,
    file_digests,
    gather_evidence,
    package_data_files,
)
from certs.finding import Verdict
from certs.status_list import StatusList
from certs.trust_list import TrustList
from certs.unavailable import Unavailable
from certs.verification import verify_qr_text

Files = dict[str, bytes]
WORLD = World()
TEXT = WORLD.issue(WORLD.institution())
FILES = WORLD.files()


def gathered(files: Mapping[str, bytes]) -> Evidence:
    return gather_evidence(files, WORLD.root_key())


def why(evidence: Evidence) -> tuple[str | None, ...]:
    """The reasons why trust, status and data are not there; None for what is."""
    parts = (evidence.trust, evidence.status, evidence.data)
    return tuple(part.code if isinstance(part, Unavailable) else None for part in parts)


def test_published_files_give_all_three() -> None:
    evidence = gathered(FILES)
    assert isinstance(evidence.trust, TrustList)
    assert isinstance(evidence.status, StatusList)
    assert isinstance(evidence.data, DataFiles)
    assert verify_qr_text(TEXT, evidence, NOW).verdict is Verdict.VALID


def altered(content: bytes) -> list[bytes]:
    """The content with one byte changed at its start, in its middle, at its end, one more and one less."""
    places = (0, len(content) // 2, len(content) - 1)
    changed = [content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :] for place in places]
    return [*changed, content + b"\n", content[:-1], b""]


LISTED = sorted(name for name in FILES if not name.startswith(LOG_FOLDER))


@pytest.mark.parametrize("name", LISTED)
def test_one_byte_of_any_published_file_is_never_used_silently(name: str) -> None:
    for content in altered(FILES[name]):
        if content == FILES[name]:
            continue
        evidence = gathered(FILES | {name: content})
        expected = {
            TRUST_LIST_FILE: ("trust_list_unsigned", "status_unavailable", "trust_list_unsigned"),
            STATUS_FILE: (None, "status_unavailable", None),
        }.get(name, (None, None, "data_file_unlisted"))
        assert why(evidence) == expected
        if name not in (TRUST_LIST_FILE, STATUS_FILE):
            assert evidence.data == Unavailable("data_file_unlisted", (("file", name),))
        found = verify_qr_text(TEXT, evidence, NOW)
        assert found.verdict is Verdict.UNDETERMINED
        assert (found.genuine is None) == (name != STATUS_FILE)


@pytest.mark.parametrize("name", LISTED)
def test_a_missing_file_is_never_replaced_by_another(name: str) -> None:
    files = {other: content for other, content in FILES.items() if other != name}
    expected = {
        TRUST_LIST_FILE: ("trust_list_unavailable", "status_unavailable", "trust_list_unavailable"),
        STATUS_FILE: (None, "status_unavailable", None),
    }.get(name, (None, None, "data_file_unlisted"))
    assert why(gathered(files)) == expected
    assert verify_qr_text(TEXT, gathered(files), NOW).verdict is Verdict.UNDETERMINED


def test_two_files_that_changed_places_are_both_unlisted() -> None:
    texts = sorted(name for name in FILES if name.startswith(POLICY_FOLDER + "texts/"))[:2]
    swapped = {texts[0]: FILES[texts[1]], texts[1]: FILES[texts[0]]}
    assert why(gathered(FILES | swapped)) == (None, None, "data_file_unlisted")


def test_a_file_that_the_list_does_not_name_is_not_looked_at() -> None:
    foreign = {LAYOUT_FOLDER + "other.toml": b"not a layout", POLICY_FOLDER + "x.toml": b"\xff", "virus.exe": b"MZ"}
    assert why(gathered(FILES | foreign)) == (None, None, None)
    assert verify_qr_text(TEXT, gathered(FILES | foreign), NOW).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (CATALOGUE_FILE, b"occupation = 1"),
        (CATALOGUE_FILE, b"\xff\xfe"),
        (CATALOGUE_FILE, b"occupation = [{}]"),
        (LAYOUT_FOLDER + "kz-1.toml", b"id = 'x'"),
        (LAYOUT_FOLDER + "kz-1.toml", b"\xff"),
        (LAYOUT_FOLDER + "kz-1.toml", b"]"),
        (POLICY_FOLDER + "strange.toml", b"documents = 5"),
    ],
)
def test_a_listed_file_of_another_shape_is_not_used(name: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest fits, the content does not: a newer register may publish what this program cannot read."""
    files = package_data_files() | {name: content}
    monkeypatch.setattr("simulator.package_data_files", lambda: files)
    evidence = gathered(files | WORLD.files())
    assert isinstance(evidence.trust, TrustList)
    assert isinstance(evidence.data, Unavailable)
    assert verify_qr_text(TEXT, evidence, NOW).verdict is Verdict.UNDETERMINED


def test_a_list_that_names_no_catalogue_gives_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.package_data_files", dict)
    assert why(gathered(WORLD.files())) == (None, None, "data_file_unlisted")


def test_an_anchor_that_is_not_pinned_says_so_before_anything_is_read() -> None:
    for files in (FILES, FILES | {TRUST_LIST_FILE: b"nonsense"}):
        assert why(gather_evidence(files, None)) == ("root_not_pinned", "status_unavailable", "root_not_pinned")


def test_another_root_makes_nothing_of_the_files() -> None:
    other = WORLD.root_key()._replace(public_key=Key("another root").public_key)
    evidence = gather_evidence(FILES, other)
    assert evidence.trust == Unavailable("trust_list_unsigned", (("cause", "jws_signature_wrong"),))


@pytest.mark.parametrize(
    ("seen", "refused"),
    [
        (None, False),
        ((1, 1), False),
        ((0, 2**53), False),
        ((1, 0), False),
        ((1, 2), True),
        ((2, 0), True),
        ((2**53, 2**53), True),
    ],
)
def test_a_list_lower_than_the_highest_seen_is_refused(seen: tuple[int, int] | None, refused: bool) -> None:
    met = None if seen is None else Seen(*seen, hashlib.sha256(FILES[TRUST_LIST_FILE]).hexdigest(), 0, 0)
    evidence = gather_evidence(FILES, WORLD.root_key(), met)
    assert why(evidence)[0] == ("trust_list_rolled_back" if refused else None)


@pytest.mark.parametrize("role", ["root", "list_key", "log_key"])
def test_a_status_file_of_another_key_is_not_used(role: str) -> None:
    world = World()
    world.institution()
    world.status_key = getattr(world, role)
    assert why(gathered(FILES | {STATUS_FILE: world.status_list()})) == (None, "status_unavailable", None)


def test_status_can_be_taken_away_when_it_is_no_longer_fresh() -> None:
    evidence = gathered(FILES).without_status()
    assert why(evidence) == (None, "status_unavailable", None)
    assert verify_qr_text(TEXT, evidence, NOW).verdict is Verdict.UNDETERMINED


def test_the_package_publishes_every_kind_of_data_file_with_its_digest() -> None:
    files = package_data_files()
    for start in (CATALOGUE_FILE, LAYOUT_FOLDER, POLICY_FOLDER, POLICY_FOLDER + "texts/"):
        assert any(name.startswith(start) for name in files)
    assert file_digests({"a": b"abc"}) == {"a": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
