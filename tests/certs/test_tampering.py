"""Altered certificates and altered evidence: no change of any bit, character or file passes as valid."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import NOW, PUBLIC_URL, Key, World

from certs import canonical, verification
from certs.certificate import CertificateClaims
from certs.claims_reader import read_claims
from certs.cose import assemble, take_apart, to_be_signed
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.finding import CheckName, Outcome, Verdict, Verification
from certs.qr import MAX_TEXT, qr_text
from certs.verification import verify, verify_qr_text

BASE32 = string.ascii_uppercase + "234567"
OTHERS = "0189abcz./?#:-_=+%& $*\n\x00ſ\u212aı中"
PASSED = ("valid", None)


class Signed:
    """One honest certificate with the evidence for it, gathered once."""

    def __init__(self) -> None:
        self.world = World()
        self.code = self.world.institution()
        self.other = self.world.institution("外地数字技术评价中心")
        self.text = self.world.issue(self.code)
        [self.envelope] = self.world.envelopes.values()
        self.evidence: Evidence = self.world.evidence()

    def of_text(self, text: str) -> tuple[str, str | None]:
        """Verdict and deciding code of a text; a text that holds nothing of ours is its own kind of no."""
        try:
            found = verify_qr_text(text, self.evidence, NOW)
        except KezhengError as error:
            return "refused", error.code
        return self.ended(found)

    def of_envelope(self, envelope: bytes) -> tuple[str, str | None]:
        return self.ended(verify(envelope, self.evidence, NOW))

    @staticmethod
    def ended(found: Verification) -> tuple[str, str | None]:
        signature = next(check for check in found.checks if check.name is CheckName.SIGNATURE)
        assert found.genuine is None or signature.outcome is Outcome.PASSED
        return found.verdict.value, None if found.verdict is Verdict.VALID else found.deciding.code


@pytest.fixture(scope="module")
def signed() -> Signed:
    return Signed()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is read as claims, or given to the CBOR decoder by anybody else, while a test runs."""
    given: list[bytes] = []
    decode: Callable[..., Any] = cbor2.loads
    reading: list[bool] = []

    def spy_on_claims(payload: bytes) -> CertificateClaims:
        given.append(payload)
        reading.append(True)
        try:
            return read_claims(payload)
        finally:
            reading.clear()

    def spy_on_decoder(data: bytes, **options: Any) -> Any:
        if not reading:
            given.append(data)
        return decode(data, **options)

    monkeypatch.setattr(verification, "read_claims", spy_on_claims)
    monkeypatch.setattr(canonical.cbor2, "loads", spy_on_decoder)
    return given


def test_the_honest_certificate_passes_and_is_decoded_once(signed: Signed, decoded: list[bytes]) -> None:
    assert signed.of_text(signed.text) == signed.of_envelope(signed.envelope) == PASSED
    assert decoded == [take_apart(signed.envelope).payload] * 2


def test_no_single_bit_can_change(signed: Signed, decoded: list[bytes]) -> None:
    ends: Counter[tuple[str, str | None]] = Counter()
    for place in range(len(signed.envelope) * 8):
        altered = bytearray(signed.envelope)
        altered[place // 8] ^= 1 << place % 8
        ends[signed.of_envelope(bytes(altered))] += 1
    assert ends.keys() == {
        ("not_genuine", "payload_malformed"),
        ("not_genuine", "payload_truncated"),
        ("not_genuine", "payload_too_large"),
        ("not_genuine", "key_unknown"),
        ("not_genuine", "signature_mismatch"),
    }
    assert ends["not_genuine", "key_unknown"] == 8 * 8
    assert ends["not_genuine", "signature_mismatch"] == 8 * (64 + len(take_apart(signed.envelope).payload))
    assert decoded == []


def test_no_byte_can_go_or_come(signed: Signed, decoded: list[bytes]) -> None:
    envelope = signed.envelope
    for place in range(len(envelope) + 1):
        shorter, longer = envelope[:place] + envelope[place + 1 :], envelope[:place] + b"\x58" + envelope[place:]
        for altered in {shorter, longer} - {envelope}:
            assert signed.of_envelope(altered)[0] == "not_genuine", place
    assert decoded == []


def test_no_character_of_the_text_can_be_another(signed: Signed) -> None:
    text = signed.text
    for place, character in enumerate(text):
        for other in BASE32 + OTHERS:
            verdict, code = signed.of_text(text[:place] + other + text[place + 1 :])
            is_case_change = other.isascii() and other.upper() == character
            assert (verdict == "valid") == is_case_change, (place, other, code)


def test_no_character_of_the_text_can_go(signed: Signed) -> None:
    for place in range(len(signed.text)):
        verdict, code = signed.of_text(signed.text[:place] + signed.text[place + 1 :])
        assert verdict in ("not_genuine", "refused"), (place, code)


def test_no_character_can_come_but_one_that_scanners_add_at_the_end(signed: Signed) -> None:
    text = signed.text
    for place in range(len(text) + 1):
        for other in BASE32 + OTHERS:
            verdict, code = signed.of_text(text[:place] + other + text[place:])
            is_ignored = place == len(text) and other in "/?#"
            assert (verdict == "valid") == is_ignored, (place, other, code)


def test_what_follows_a_question_mark_or_a_hash_is_not_read(signed: Signed) -> None:
    for end in ("/?from=singlemessage", "?" + signed.text[-100:], "#/V/AAAA", "/#", "?/"):
        assert signed.of_text(signed.text + end) == PASSED
    for end in ("//", "/A", "/V/AAAA", "%3F", "&x"):
        assert signed.of_text(signed.text + end)[0] == "not_genuine", end


def test_swapped_and_spliced_parts_of_two_certificates_fail(signed: Signed, decoded: list[bytes]) -> None:
    second = signed.world.seal(signed.world.claims(signed.code, name="王莉"), signed.world.keys[signed.code])
    one, two = take_apart(signed.envelope), take_apart(second)
    foreign = signed.world.keys[signed.other].kid
    for spliced, code in (
        (assemble(one.kid, one.payload, two.signature), "signature_mismatch"),
        (assemble(one.kid, two.payload, one.signature), "signature_mismatch"),
        (assemble(foreign, one.payload, one.signature), "signature_mismatch"),
        (assemble(one.kid, one.payload, bytes(64)), "signature_mismatch"),
        (assemble(one.kid, one.payload, one.signature[32:] + one.signature[:32]), "signature_mismatch"),
        (assemble(bytes(8), one.payload, one.signature), "key_unknown"),
    ):
        assert signed.of_envelope(spliced) == ("not_genuine", code)
    assert decoded == []


def test_a_signature_is_not_malleable(signed: Signed) -> None:
    """S plus the group order is the other number that satisfies a careless verifier (RFC 8032 §5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    parts = take_apart(signed.envelope)
    s = int.from_bytes(parts.signature[32:], "little") + order
    other = assemble(parts.kid, parts.payload, parts.signature[:32] + s.to_bytes(32, "little"))
    assert signed.of_envelope(other) == ("not_genuine", "signature_mismatch")


def test_a_signature_over_other_bytes_than_the_structure_fails(signed: Signed) -> None:
    parts, key = take_apart(signed.envelope), signed.world.keys[signed.code]
    for signed_bytes in (parts.payload, signed.envelope, b"", to_be_signed(bytes(8), parts.payload)):
        forged = assemble(parts.kid, parts.payload, key.sign(signed_bytes))
        assert signed.of_envelope(forged) == ("not_genuine", "signature_mismatch")


@pytest.mark.parametrize("role", ["root", "list_key", "status_key", "log_key"])
def test_a_key_of_the_register_signs_no_certificate(signed: Signed, role: str) -> None:
    key: Key = getattr(signed.world, role)
    claims = signed.world.claims(signed.code)
    assert signed.of_envelope(signed.world.seal(claims, key)) == ("not_genuine", "key_unknown")
    kid = signed.world.keys[signed.code].kid
    assert signed.of_envelope(signed.world.seal(claims, key, kid)) == ("not_genuine", "signature_mismatch")


# --- the decoder never meets what is not signed


envelopes_of_strangers = st.one_of(
    st.binary(max_size=400),
    st.builds(
        assemble,
        st.binary(min_size=8, max_size=8),
        st.binary(max_size=200),
        st.binary(min_size=64, max_size=64),
    ),
)


@settings(max_examples=200)
@given(envelope=envelopes_of_strangers)
def test_no_decoder_meets_the_bytes_of_strangers(signed: Signed, envelope: bytes) -> None:
    fuzzed(signed, envelope)


@settings(max_examples=300)
@given(data=st.data())
def test_no_decoder_meets_a_mutated_certificate(signed: Signed, data: st.DataObject) -> None:
    envelope = bytearray(signed.envelope)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(envelope) - 1))
        envelope[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    if bytes(envelope) != signed.envelope:
        fuzzed(signed, bytes(envelope))


@settings(max_examples=150)
@given(payload=st.binary(max_size=300), has_our_kid=st.booleans())
def test_no_decoder_meets_a_payload_that_a_stranger_signed(signed: Signed, payload: bytes, has_our_kid: bool) -> None:
    kid = signed.world.keys[signed.code].kid if has_our_kid else None
    fuzzed(signed, signed.world.seal_payload(payload, Key("stranger"), kid))


def fuzzed(signed: Signed, envelope: bytes) -> None:
    """Verify under a spy of its own, since a fixture would live through all examples of a property."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical.cbor2, "loads", no_decoder)
        verdict, _ = signed.of_envelope(envelope)
        verdict_of_text, _ = signed.of_text(qr_text(PUBLIC_URL, envelope)[:MAX_TEXT])
    assert verdict in ("not_genuine", "undetermined")
    assert verdict_of_text in ("not_genuine", "undetermined", "refused")


def no_decoder(data: bytes, **_: Any) -> Any:
    raise AssertionError(f"the decoder was given {data!r}")


@settings(max_examples=200)
@given(text=st.one_of(st.text(max_size=200), st.text(BASE32, max_size=300).map(lambda rest: f"{PUBLIC_URL}/V/{rest}")))
def test_any_text_ends_in_a_verdict_or_a_refusal(signed: Signed, text: str) -> None:
    verdict, code = signed.of_text(text)
    assert verdict in ("not_genuine", "undetermined", "refused")
    assert code is not None
