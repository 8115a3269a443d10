"""The status indexes that signed certificates carry: the first one of each stretch."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from registry.store.states import CertificateState
from registry.store.status_store import first_issued_indices

SIGNED = {CertificateState.SIGNED, CertificateState.LOGGED, CertificateState.RELEASED}
STRETCH = 100


def place(register: Any, index: int, certificate: Any, state: CertificateState) -> None:
    with register.store.transaction() as tx:
        statement = text("UPDATE certificate SET status_index = :index, state = :state WHERE id = :id")
        tx.connection.execute(statement, {"index": index, "state": state.value, "id": certificate.id})


def found(register: Any) -> list[int]:
    with register.store.reading() as tx:
        return first_issued_indices(tx, STRETCH)


def test_an_empty_register_has_none(register: Any) -> None:
    assert found(register) == []


@pytest.mark.parametrize(
    ("issued", "firsts"),
    [
        ((0,), [0]),
        ((99, 100), [99, 100]),
        ((50, 7, 99), [7]),
        ((5_000_000_000, 299, 201), [201, 5_000_000_000]),
        ((199, 0, 200, 100), [0, 100, 200]),
    ],
)
def test_the_first_of_each_stretch_that_has_one(register: Any, issued: tuple[int, ...], firsts: list[int]) -> None:
    for index, certificate in zip(issued, register.reserve(len(issued)), strict=True):
        # Out of the way of the others, whose places it may be given.
        place(register, 10**12 + index, certificate, CertificateState.RESERVED)
        place(register, index, certificate, CertificateState.RELEASED)
    assert found(register) == firsts


@pytest.mark.parametrize("state", list(CertificateState))
def test_only_what_was_signed_counts(register: Any, state: CertificateState) -> None:
    [certificate] = register.reserve(1)
    place(register, 7, certificate, state)
    assert found(register) == ([7] if state in SIGNED else [])
