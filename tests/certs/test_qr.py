"""The QR text: what is written, what is read, and what is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from certs.qr import base32, check_public_url, from_base32, qr_text, read_payload, read_qr_text

URL = "https://verify.example.cn"
DATA = bytes(range(1, 167))
TEXT = qr_text(URL, DATA)


def code_of(text: str) -> str:
    with pytest.raises(KezhengError) as refused:
        read_qr_text(text)
    return refused.value.code


@given(st.binary(min_size=1, max_size=300))
def test_base32_is_that_of_the_standard_library(data: bytes) -> None:
    assert base32(data) == base64.b32encode(data).decode().rstrip("=")
    assert from_base32(base32(data)) == data == from_base32(base32(data).lower())


@given(st.text(alphabet="ABCXYZ234567abc", min_size=1, max_size=40))
def test_what_base32_accepts_is_the_encoding_of_its_own_bytes(text: str) -> None:
    try:
        data = from_base32(text)
    except KezhengError:
        padded = text.upper() + "=" * (-len(text) % 8)
        assert len(text) % 8 in (1, 3, 6) or base32(base64.b32decode(padded)) != text.upper()
    else:
        assert base32(data) == text.upper()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.lower(),
        TEXT + "/",
        TEXT + "?from=singlemessage",
        TEXT + "#top",
        TEXT + "/?a=/V/B#c",
        TEXT.replace("HTTPS", "hTTpS"),
        TEXT.replace("/V/", "/v/"),
    ],
)
def test_forms_that_scanners_and_messengers_make_are_read(text: str) -> None:
    content = read_qr_text(text)
    assert content.envelope == DATA
    assert content.origin == URL


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "https://a.cn:8443", "HTTPS://A.CN/"])
def test_public_urls_that_fit(url: str) -> None:
    assert read_qr_text(qr_text(check_public_url(url), DATA)).origin == url.lower().rstrip("/")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://verify.example.cn", "public_url_not_https"),
        ("http://127.0.0.1.example.cn", "public_url_not_https"),
        ("https://a.cn/path", "public_url_invalid"),
        ("https://user@a.cn", "public_url_invalid"),
        ("https://a.cn?x", "public_url_invalid"),
        ("https://a_b.cn", "public_url_invalid"),
        ("https://证书.cn", "public_url_invalid"),
        ("https://a.cn:99999", "public_url_invalid"),
        ("ftp://a.cn", "public_url_invalid"),
        ("", "public_url_invalid"),
    ],
)
def test_public_urls_that_do_not_fit(url: str, code: str) -> None:
    with pytest.raises(KezhengError) as refused:
        check_public_url(url)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "KZ",
        "https://verify.example.cn",
        "https://verify.example.cn/V/",
        "https://verify.example.cn/V/?x",
        "https://verify.example.cn/x/V/AAAA",
        "https://u:p@verify.example.cn/V/AAAA",
        "ftp://verify.example.cn/V/AAAA",
        "javascript:alert(1)",
        "https://verify.example.cn/W/AAAA",
        "httpſ://verify.example.cn/V/AAAA",
        "https://verify.example.cn/V/AAAA中",
        " " + TEXT,
        "\n" + TEXT,
        "https://证.cn/V/AAAA",
        "https:///V/AAAA",
    ],
)
def test_texts_without_a_payload_of_ours(text: str) -> None:
    assert code_of(text) == "not_a_certificate_code"


@pytest.mark.parametrize(
    "payload",
    [
        *("AAAA/V/AAAA", "A", "AAA", "AAAAAA", "0OOO", "AAAA AAAA", "AAAA\n"),
        *("AA==", "AA_A", "-AAA", "+AAA", "0XAA", "AAAA//"),
    ],
)
def test_payloads_that_are_not_the_base32_of_their_own_bytes(payload: str) -> None:
    assert code_of(f"{URL}/V/{payload}") == "payload_malformed"


def test_aliases_with_spare_bits_set_are_refused() -> None:
    payload = base32(b"\x00" * 208)
    assert len(payload) == 333
    assert code_of(f"{URL}/V/{payload[:-1]}B") == "payload_malformed"


def test_a_text_over_the_bound_is_too_large() -> None:
    fits = f"{URL}/V/" + "A" * (2048 - len(URL) - 3)
    assert read_qr_text(fits).envelope == bytes(len(read_qr_text(fits).envelope))
    assert code_of(fits + "A") == "payload_too_large"


def test_the_payload_of_a_path_is_read_alone() -> None:
    assert read_payload(base32(DATA)) == DATA
    with pytest.raises(KezhengError, match="payload_too_large"):
        read_payload("A" * 3000)


@given(st.text(max_size=200))
def test_arbitrary_text_ends_in_a_code(text: str) -> None:
    assert code_of(text) in {"not_a_certificate_code", "payload_malformed"}
