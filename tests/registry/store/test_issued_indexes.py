"""The status indexes that signed certificates carry, found one after the other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from registry.store.states import CertificateState
from registry.store.status_store import next_issued_index

SIGNED = {CertificateState.SIGNED, CertificateState.LOGGED, CertificateState.RELEASED}


def place(register: Any, index: int, certificate: Any, state: CertificateState) -> None:
    with register.store.transaction() as tx:
        statement = text("UPDATE certificate SET status_index = :index, state = :state WHERE id = :id")
        tx.connection.execute(statement, {"index": index, "state": state.value, "id": certificate.id})


def found(register: Any, at_least: int) -> int | None:
    with register.store.reading() as tx:
        return next_issued_index(tx, at_least)


def test_an_empty_register_has_none(register: Any) -> None:
    assert found(register, 0) is None


def test_the_next_is_at_or_above_the_bound(register: Any) -> None:
    for index, certificate in zip((1_000, 2_000, 5_000_000), register.reserve(3), strict=True):
        place(register, index, certificate, CertificateState.RELEASED)
    bounds = (0, 1_000, 1_001, 2_000, 2_001, 5_000_000, 5_000_001)
    assert [found(register, bound) for bound in bounds] == [1_000, 1_000, 2_000, 2_000, 5_000_000, 5_000_000, None]


@pytest.mark.parametrize("state", list(CertificateState))
def test_only_what_was_signed_counts(register: Any, state: CertificateState) -> None:
    [certificate] = register.reserve(1)
    place(register, 7, certificate, state)
    assert found(register, 0) == (7 if state in SIGNED else None)
