"""Signed notes and verifier keys: the specification's own example, the limits, and every other form refused."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.tlog.cosignature import log_signature_message, verify_note_signature
from certs.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MAX_NOTE,
    MLDSA44_COSIGNATURE,
    Note,
    NoteKey,
    NoteSignature,
    decode_vkey,
    encode_vkey,
    format_note,
    parse_note,
    signature_line,
)

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
    "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
LINE = NoteSignature("a.example/b", b"\1\2\3\4", b"signature")
GOOD = signature_line(LINE)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1)
LINES = st.lists(
    st.builds(NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=99)),
    min_size=1,
    max_size=16,
)
CONTROLS = "".join(chr(code) for code in range(0x20) if chr(code) != "\n")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS)).map("{}\n".format)


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(KezhengError) as refused:
        act()
    return refused.value.code


def test_the_example_of_the_specification_verifies() -> None:
    key, note = decode_vkey(EXAMPLE_KEY), parse_note(EXAMPLE_NOTE)
    (line,) = note.signatures
    assert (key.name, key.kind, key.key_id.hex()) == ("example.com/foo", ED25519, "530d903a")
    assert (line.name, line.key_id) == (key.name, key.key_id)
    assert verify_note_signature(key, line.signature, log_signature_message(note.text))
    assert not verify_note_signature(key, line.signature, log_signature_message(note.text[:-1]))
    assert (encode_vkey(key), format_note(note)) == (EXAMPLE_KEY, EXAMPLE_NOTE)


@given(TEXTS, LINES)
def test_a_note_is_read_back(text: str, lines: list[NoteSignature]) -> None:
    note = Note(text, tuple(lines))
    assert parse_note(format_note(note)) == note


def test_the_text_ends_at_the_last_empty_line() -> None:
    assert parse_note(f"one\n\ntwo\n\n\n{GOOD}".encode()) == Note("one\n\ntwo\n\n", (LINE,))


def test_lines_end_at_newlines_alone() -> None:
    """Other characters that separate lines in Unicode are part of the text, and spaces of any kind end a name."""
    text = "one\u0085two\u2028three\n"
    assert parse_note(f"{text}\n{GOOD}".encode()) == Note(text, (LINE,))


def test_sixteen_lines_are_read_and_seventeen_are_not() -> None:
    assert len(parse_note(f"text\n\n{GOOD * 16}".encode()).signatures) == 16
    assert refusal(lambda: parse_note(f"text\n\n{GOOD * 17}".encode())) == "log_note_malformed"
    assert refusal(lambda: format_note(Note("text\n", (LINE,) * 17))) == "log_note_malformed"


@pytest.mark.parametrize(("length", "is_read"), [(MAX_NOTE - 1, True), (MAX_NOTE, True), (MAX_NOTE + 1, False)])
def test_a_note_has_at_most_64_kib(length: int, is_read: bool) -> None:
    end = f"\n\n{GOOD}".encode()
    data = b"x" * (length - len(end)) + end
    assert len(data) == length
    if is_read:
        assert parse_note(data).signatures == (LINE,)
    else:
        assert refusal(lambda: parse_note(data)) == "log_note_malformed"


def line_of(name: str, data: bytes) -> str:
    return f"— {name} {b64encode(data).decode()}\n"


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("empty", b""),
        ("no signature", b"text\n\n"),
        ("no empty line", f"text\n{GOOD}".encode()),
        ("no text", f"\n{GOOD}".encode()),
        ("no newline at the end", f"text\n\n{GOOD}"[:-1].encode()),
        ("an empty line at the end", f"text\n\n{GOOD}\n".encode()),
        ("text after the lines", f"text\n\n{GOOD}text\n".encode()),
        ("a hyphen", f"text\n\n{GOOD.replace('—', '-')}".encode()),
        ("an en dash", f"text\n\n{GOOD.replace('—', '–')}".encode()),
        ("two spaces after the dash", f"text\n\n{GOOD.replace('— ', '—  ')}".encode()),
        ("no name", f"text\n\n{line_of('', b'12345')}".encode()),
        ("a plus in the name", f"text\n\n{line_of('a+b', b'12345')}".encode()),
        ("an ideographic space in the name", ("text\n\n" + line_of("a\u3000b", b"12345")).encode()),
        ("a no-break space in the name", ("text\n\n" + line_of("a\u00a0b", b"12345")).encode()),
        ("a key id alone", f"text\n\n{line_of('a', b'1234')}".encode()),
        ("no signature bytes", "text\n\n— a \n".encode()),
        ("base64 without padding", f"text\n\n{line_of('a', b'12345').replace('=', '')}".encode()),
        ("base64 with loose bits", "text\n\n— a MTIzNDV=\n".encode()),
        ("base64url", f"text\n\n{line_of('a', bytes([255] * 6)).replace('/', '_')}".encode()),
        ("a space at the end", f"text\n\n{GOOD[:-1]} \n".encode()),
        ("a carriage return", f"text\r\n\n{GOOD}".encode()),
        ("a tab", f"te\txt\n\n{GOOD}".encode()),
        ("a zero byte", f"te\0xt\n\n{GOOD}".encode()),
        ("not UTF-8", b"te\xffxt\n\n" + GOOD.encode()),
        ("a surrogate", b"te\xed\xa0\x80xt\n\n" + GOOD.encode()),
    ],
)
def test_other_forms_are_malformed(name: str, note: bytes) -> None:
    assert refusal(lambda: parse_note(note)) == "log_note_malformed", name


@pytest.mark.parametrize(
    "note",
    [
        Note("text", (LINE,)),
        Note("text\n", ()),
        Note("te\txt\n", (LINE,)),
        Note("text\n", (LINE._replace(name="a b"),)),
        Note("text\n", (LINE._replace(name=""),)),
        Note("text\n", (LINE._replace(key_id=b"123"),)),
        Note("text\n", (LINE._replace(signature=b""),)),
        Note("text\n\n— a MTIzNDU=\n", ()),
    ],
)
def test_what_would_not_be_read_back_is_not_written(note: Note) -> None:
    assert refusal(lambda: format_note(note)) == "log_note_malformed"


@pytest.mark.parametrize(("kind", "length"), [(ED25519, 32), (ED25519_COSIGNATURE, 32), (MLDSA44_COSIGNATURE, 1312)])
def test_a_verifier_key_is_read_back(kind: int, length: int) -> None:
    key = NoteKey("register.example/2026", kind, bytes([255] * length))
    assert decode_vkey(encode_vkey(key)) == key
    for wrong in (length - 1, length + 1):
        vkey = encode_vkey(NoteKey(key.name, kind, bytes(wrong)))
        assert refusal(partial(decode_vkey, vkey)) == "log_key_malformed"


def test_kinds_of_key_have_ids_of_their_own() -> None:
    ids = {NoteKey("a", kind, bytes(32)).key_id for kind in (ED25519, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("name", "vkey"),
    [
        ("not a text", None),
        ("a number", 5),
        ("empty", ""),
        ("two parts", "example.com/foo+530d903a"),
        ("nothing in the key", "example.com/foo+530d903a+"),
        ("another id", EXAMPLE_KEY.replace("530d903a", "530d903b")),
        ("an id in capitals", EXAMPLE_KEY.replace("530d903a", "530D903A")),
        ("a short id", EXAMPLE_KEY.replace("530d903a", "30d903a")),
        ("another name", EXAMPLE_KEY.replace("foo", "bar")),
        ("no name", EXAMPLE_KEY.replace("example.com/foo", "")),
        ("a newline at the end", EXAMPLE_KEY + "\n"),
        ("a space in the name", encode_vkey(NoteKey("a b", ED25519, bytes(32)))),
        ("a control character in the name", encode_vkey(NoteKey("a\0b", ED25519, bytes(32)))),
        ("a kind that is not read", encode_vkey(NoteKey("a", 0x02, bytes(32)))),
        ("not base64", EXAMPLE_KEY[:-1] + "!"),
        ("not ASCII", EXAMPLE_KEY[:-1] + "é"),
    ],
)
def test_other_verifier_keys_are_malformed(name: str, vkey: object) -> None:
    assert refusal(lambda: decode_vkey(vkey)) == "log_key_malformed", name
