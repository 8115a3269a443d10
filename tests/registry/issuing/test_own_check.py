"""Our own verifier in a process of its own: it reads what is published by itself, and its refusals come back."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from register_desk import Desk, people

from certs.errors import KezhengError
from registry.issuing.own_check import MANY, HereCheck, PoolCheck, own_check
from registry.store.issuing_store import Logged, logged_of_batch

ASSESSOR = "P000115000001"


@pytest.fixture
def logged(desk: Desk) -> list[Logged]:
    """Three certificates that were logged and not released, as a run leaves them that stops there."""
    batch = desk.approve(desk.bring(people(1, 2, 3), ASSESSOR))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("registry.issuing.issue._submit", stop)
        with pytest.raises(KeyboardInterrupt):
            desk.finish(batch)
    with desk.home.store.reading() as tx:
        return logged_of_batch(tx, batch.id)


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def altered(given: Logged) -> Logged:
    return given._replace(envelope=given.envelope[:-1] + bytes([given.envelope[-1] ^ 1]))


def refusal(made: Future[None]) -> tuple[str, object]:
    with pytest.raises(KezhengError) as refused:
        made.result(timeout=60)
    return refused.value.code, refused.value.params["reason"]


@pytest.mark.slow
def test_a_large_batch_is_verified_in_another_process(desk: Desk, logged: list[Logged]) -> None:
    with desk.home.store.reading() as tx:
        evidence = desk.home.evidence(tx)
    with own_check(desk.home, MANY, evidence) as check:
        assert isinstance(check, PoolCheck)
        assert check.submit(logged, desk.now).result(timeout=60) is None
        one = [*logged[:2], altered(logged[2])]
        assert refusal(check.submit(one, desk.now)) == ("own_verification_failed", "signature_mismatch")
        elsewhere = [logged[0]._replace(leaf_index=logged[1].leaf_index)]
        assert refusal(check.submit(elsewhere, desk.now)) == ("own_verification_failed", "log_unavailable")


def test_a_small_batch_is_verified_here(desk: Desk, logged: list[Logged]) -> None:
    with desk.home.store.reading() as tx:
        evidence = desk.home.evidence(tx)
    with own_check(desk.home, MANY - 1, evidence) as check:
        assert isinstance(check, HereCheck)
        assert check.submit(logged, desk.now).done()
        with pytest.raises(KezhengError, match="own_verification_failed"):
            check.submit([altered(logged[0])], desk.now)
