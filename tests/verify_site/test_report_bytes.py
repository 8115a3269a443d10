"""The report put together from kept parts is the report, byte for byte, whatever was written before it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import NOW, World
from site_simulator import SAMPLES, payload_of, sample_world

from certs.evidence import Evidence
from certs.institution import DatedName
from certs.verification import verify_payload
from verify_site.answers import Answer, answer
from verify_site.kept_parts import MAX_PARTS, KeptParts
from verify_site.report_bytes import ReportWriter

DAY = timedelta(days=1)


def answered(payload: str, evidence: Evidence, at: datetime, checked_at: datetime | None = None) -> Answer:
    return answer(verify_payload(payload, evidence, at), evidence, checked_at or at)


def in_one_go(given: Answer) -> bytes:
    return orjson.dumps(given.report(given.effects_as_json))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_report_is_written_as_it_is(name: str) -> None:
    world, first = sample_world()
    payload = payload_of(SAMPLES[name](world, first))
    evidence, writer = world.evidence(), ReportWriter()
    for at in (NOW, NOW, NOW + DAY, NOW):
        made = answered(payload, evidence, at)
        assert b"".join(writer.scan_report(made, evidence)) == in_one_go(made)


def test_reports_of_different_institutions_grades_and_days_keep_apart() -> None:
    world = World()
    codes = [world.institution(name) for name in ("北疆数字技术评价中心", "南岭数字人才评价服务中心")]
    world.change_institution(
        codes[1], names=(DatedName("旧名称评价中心", date(2024, 1, 1)), DatedName("新名称评价中心", date(2026, 11, 20)))
    )
    payloads = [payload_of(world.issue(code, name=name)) for code in codes for name in ("张小明", "李大文")]
    evidence, writer = world.evidence(), ReportWriter()
    for _ in range(2):
        for payload in payloads:
            for at, checked_at in ((NOW, NOW), (NOW, NOW + DAY), (NOW + 2 * DAY, NOW + 2 * DAY)):
                made = answered(payload, evidence, at, checked_at)
                assert b"".join(writer.scan_report(made, evidence)) == in_one_go(made)


def test_what_rests_on_other_evidence_is_forgotten() -> None:
    world, first = sample_world()
    payload, writer = payload_of(world.issue(first)), ReportWriter()
    for name in ("北疆数字技术评价中心", "改了名的评价中心"):
        world.change_institution(first, names=(DatedName(name, date(2024, 1, 1)),))
        world.version += 1
        evidence = world.evidence()
        made = answered(payload, evidence, NOW)
        written = b"".join(writer.scan_report(made, evidence))
        assert written == in_one_go(made)
        assert name.encode() in written


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 40), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_the_order_of_questions_changes_no_answer(asked: list[tuple[int, int, bool]]) -> None:
    writer = ReportWriter()
    for place, days, is_later_checked in asked:
        at = NOW + days * DAY
        made = answered(PAYLOADS[place], EVIDENCE, at, at + DAY if is_later_checked else at)
        assert b"".join(writer.scan_report(made, EVIDENCE)) == in_one_go(made)


def test_kept_parts_are_bounded() -> None:
    kept, evidence = KeptParts(), World().evidence()
    for number in range(3 * MAX_PARTS):
        kept.begin(evidence)
        assert kept.part(number, lambda number=number: [number]) == [number]  # type: ignore[misc]
    assert len(kept._parts) <= MAX_PARTS + 1


WORLD, FIRST = sample_world()
PAYLOADS = [payload_of(WORLD.issue(FIRST, name=name)) for name in ("张小明", "李大文", "王“引号”\\", "赵\u2028行")]
EVIDENCE = WORLD.evidence()
