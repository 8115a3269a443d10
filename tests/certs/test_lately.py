"""What was asked for lately: bounded, and never another's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certs.lately import Lately


def test_what_came_last_is_known_and_what_came_long_ago_is_not() -> None:
    lately = Lately[str](10)
    for number in range(100):
        lately.keep(number, str(number))
        assert lately.get(number) == str(number)
    known = [number for number in range(100) if lately.get(number) is not None]
    assert known == list(range(95, 100)) or known == list(range(90, 100))
    assert lately.get(3) is None


def test_a_newer_value_takes_the_place_of_the_older() -> None:
    lately = Lately[str](4)
    for number, value in ((1, "first"), (2, "other"), (1, "second")):
        lately.keep(number, value)
    assert lately.get(1) == "second"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers()), max_size=60), st.integers(2, 12))
def test_it_is_bounded_and_gives_only_what_was_kept_last(kept: list[tuple[int, int]], most: int) -> None:
    lately, last = Lately[int](most), dict[int, int]()
    for number, value in kept:
        lately.keep(number, value)
        last[number] = value
        assert all(lately.get(known) in (None, last[known]) for known in last)
    assert sum(lately.get(number) is not None for number in last) <= most
