"""Public reasons: a short list for each change, with words, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from certs.errors import KezhengError
from certs.institution import EventKind
from certs.status import State
from certs.status_reasons import LISTING_REASONS, REASONS, check_reason
from certs.wording import all_codes

CHANGES: list[tuple[Mapping[Any, tuple[str, ...]], Any]] = [
    *((REASONS, state) for state in REASONS),
    *((LISTING_REASONS, kind) for kind in LISTING_REASONS),
]


def test_every_change_has_reasons_and_expiry_is_none() -> None:
    assert set(REASONS) == set(State) - {State.EXPIRED}
    assert set(LISTING_REASONS) == set(EventKind)
    assert all(reasons for table, change in CHANGES for reasons in [table[change]])


@pytest.mark.parametrize(("table", "change"), CHANGES, ids=lambda value: getattr(value, "value", ""))
def test_a_change_takes_its_own_reasons_and_no_other(table: Mapping[Any, tuple[str, ...]], change: Any) -> None:
    for reason in [*all_codes("status_reason"), "", "李明考试作弊", "UNDER_REVIEW"]:
        if reason in table[change]:
            assert check_reason(change.value, reason, table[change]) == reason
        else:
            with pytest.raises(KezhengError) as refused:
                check_reason(change.value, reason, table[change])
            assert refused.value.code == "status_reason_not_allowed"
            assert refused.value.params["known"] == ", ".join(table[change])


def test_a_holder_s_own_wish_never_reads_as_guilt() -> None:
    assert "holder_request" not in REASONS[State.REVOKED]
    assert set(REASONS[State.CANCELLED]).isdisjoint({"exam_misconduct", "false_documents"})


def test_a_death_can_be_recorded_without_a_word() -> None:
    assert "not_stated" in REASONS[State.CANCELLED]
