"""Proof files: what is written is read back, and no other form is read."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.tlog.proof_file import MAX_HASHES, MAX_PROOF, TlogProof, format_tlog_proof, parse_tlog_proof

NOTE = "register.example/2026\n600\nAAAA\n\n— a.example AQIDBAU=\n"
PROOF = TlogProof(73_894, (bytes(32), bytes([7] * 32)), NOTE.encode(), b"extra data")
GOOD = format_tlog_proof(PROOF)
EXTRA = "extra ZXh0cmEgZGF0YQ=="
HASH = b64encode(bytes(32)).decode()


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_HASHES),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.binary(min_size=1),
)
def test_a_proof_is_read_back(index: int, hashes: list[bytes], note: str, extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(hashes), note.encode(), extra)
    assert parse_tlog_proof(format_tlog_proof(proof).encode()) == proof


def test_its_lines_are_those_of_the_specification() -> None:
    lines = [
        "c2sp.org/tlog-proof@v1",
        "extra ZXh0cmEgZGF0YQ==",
        "index 73894",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "",
    ]
    assert "\n".join(lines) + "\n" + NOTE == GOOD


def test_the_only_entry_of_a_log_needs_no_hash() -> None:
    assert format_tlog_proof(TlogProof(0, (), NOTE.encode())) == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{NOTE}"


def test_no_extra_data_is_no_line() -> None:
    assert format_tlog_proof(PROOF._replace(extra=b"")) == format_tlog_proof(PROOF._replace(extra=None))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty", ""),
        ("the header alone", "c2sp.org/tlog-proof@v1\n"),
        ("another version", GOOD.replace("@v1", "@v2")),
        ("something before the header", "\n" + GOOD),
        ("no index", GOOD.replace("index 73894\n", "")),
        ("an index without its word", GOOD.replace("index 73894", "73894")),
        ("a leading zero", GOOD.replace("73894", "073894")),
        ("a negative index", GOOD.replace("73894", "-1")),
        ("a sign", GOOD.replace("73894", "+73894")),
        ("an underscore", GOOD.replace("73894", "73_894")),
        ("other digits", GOOD.replace("73894", "７３８９４")),
        ("an index of 2^63", GOOD.replace("73894", str(2**63))),
        ("a very long index", GOOD.replace("73894", "9" * 5000)),
        ("two spaces", GOOD.replace("index 7", "index  7")),
        ("index before extra", GOOD.replace(f"{EXTRA}\nindex 73894", f"index 73894\n{EXTRA}")),
        ("extra twice", GOOD.replace("index", f"{EXTRA}\nindex")),
        ("empty extra", GOOD.replace(EXTRA, "extra ")),
        ("extra without padding", GOOD.replace("YQ==", "YQ")),
        ("loose bits in extra", GOOD.replace("YQ==", "YR==")),
        ("a hash of 31 bytes", GOOD.replace(HASH, b64encode(bytes(31)).decode())),
        ("a hash of 33 bytes", GOOD.replace(HASH, b64encode(bytes(33)).decode())),
        ("a hash with a space", GOOD.replace(HASH, HASH + " ")),
        ("64 hashes", GOOD.replace(HASH, "\n".join([HASH] * 64))),
        ("carriage returns", GOOD.replace("\n", "\r\n")),
        ("no empty line", GOOD.replace("\n\n", "\n")),
    ],
)
def test_other_forms_are_malformed(name: str, text: str) -> None:
    assert text != GOOD
    assert refusal(text.encode()) == "log_proof_malformed", name


def test_bytes_that_are_no_text_are_malformed() -> None:
    assert refusal(GOOD.encode() + b"\xff") == "log_proof_malformed"


def test_63_hashes_are_read() -> None:
    assert len(parse_tlog_proof(GOOD.replace(HASH, "\n".join([HASH] * 62)).encode()).hashes) == MAX_HASHES


@pytest.mark.parametrize(("length", "is_read"), [(MAX_PROOF, True), (MAX_PROOF + 1, False)])
def test_a_proof_file_has_at_most_256_kib(length: int, is_read: bool) -> None:
    content = GOOD.encode() + b"x" * (length - len(GOOD.encode()))
    if is_read:
        assert parse_tlog_proof(content).checkpoint_note.endswith(b"x")
    else:
        assert refusal(content) == "log_proof_malformed"


def refusal(content: bytes) -> str:
    with pytest.raises(KezhengError) as refused:
        parse_tlog_proof(content)
    return refused.value.code
