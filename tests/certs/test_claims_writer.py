"""Claims written piece by piece are those that the library writes whole."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from certs.certificate import CertificateClaims, decode_claims, encode_claims
from certs.claims_writer import write_claims
from certs.grades import Grade

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2105, 12, 31), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=0)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
CLAIMS = st.builds(
    CertificateClaims,
    number=st.text("0123456789ABCDEFGHPT", max_size=70),
    issued_at=INSTANTS,
    expires_at=st.none() | INSTANTS,
    name=TEXTS | st.integers(20, 300).map("王".__mul__) | st.just("x" * 70_000),
    id_tail=TEXTS,
    occupation_code=TEXTS,
    direction=st.none() | st.integers(0, 2**16) | TEXTS,
    grade=st.sampled_from(Grade),
    assessed_on=st.dates(date(1970, 1, 1), date(2105, 12, 31)),
    status_index=st.integers(0, 2**40),
)


@given(CLAIMS)
def test_the_bytes_are_the_same(claims: CertificateClaims) -> None:
    assert write_claims(claims) == encode_claims(claims)


@given(CLAIMS, CLAIMS)
def test_nothing_of_one_certificate_comes_into_another(one: CertificateClaims, other: CertificateClaims) -> None:
    write_claims(one)
    mixed = other._replace(issued_at=one.issued_at, occupation_code=one.occupation_code, direction=one.direction)
    assert write_claims(mixed) == encode_claims(mixed)
    assert write_claims(one) == encode_claims(one)


def test_a_number_is_not_taken_for_a_truth_value() -> None:
    """1 equals True, and what is kept for the one must not be given for the other."""
    claims = CertificateClaims(
        *("P000115000001262000001B", datetime(2026, 11, 20, tzinfo=UTC), None, "测试安", "0033", "2-02-38-05", 1),
        *(Grade.JUNIOR, date(2026, 11, 2), 7),
    )
    assert write_claims(claims) == encode_claims(claims)
    assert decode_claims(write_claims(claims)) == claims
    spoilt = claims._replace(direction=True)
    assert write_claims(spoilt) == encode_claims(spoilt) != write_claims(claims)
