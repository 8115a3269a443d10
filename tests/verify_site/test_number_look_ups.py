"""Look-ups by number: what they show, what they refuse, and that nobody can enumerate with them."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from site_simulator import TestSite, number_of, payload_of

from certs.grades import Grade
from certs.qr import read_qr_text
from verify_site.rate_limits import BATCH_LOOK_UPS_PER_HOUR, LOOK_UPS_PER_HOUR, WRONG_NAMES_PER_DAY

pytestmark = pytest.mark.anyio
VERIFY, BATCH = "/api/v1/verify", "/api/v1/verify/batch"
NAME = "张小明"


async def ask(made: TestSite, address: str = "203.0.113.7", **fields: Any) -> httpx.Response:
    async with made.client(address) as client:
        return await client.post(VERIFY, json=fields)


@pytest.fixture
def number(made: TestSite, first: str) -> str:
    """The number of a released certificate."""
    return number_of(made.world, made.world.issue(first))


@pytest.fixture
def unknown(made: TestSite, first: str) -> str:
    """A number that is well formed and was never issued."""
    text = made.world.issue(first, grade=Grade.JUNIOR)
    number = number_of(made.world, text)
    del made.world.envelopes[number]
    return number


async def test_number_and_name_give_the_report_without_the_id(made: TestSite, number: str) -> None:
    report = (await ask(made, number=number, name=NAME)).json()
    assert report["verdict"] == "valid"
    assert report["certificate"]["name"] == NAME
    assert report["certificate"]["id_tail"] is None


@pytest.mark.parametrize("typed", ["P0001 15 000001 26 2 {rest}", "p000115000001262{rest}", "Ｐ000115000001262{rest}"])
async def test_a_number_may_be_typed_as_people_type(made: TestSite, number: str, typed: str) -> None:
    answer = await ask(made, number=typed.format(rest=number[16:]), name=" 张 小明 ")
    assert answer.json()["verdict"] == "valid"


async def test_dots_in_names_are_the_same_dot(made: TestSite, first: str) -> None:
    number = number_of(made.world, made.world.issue(first, name="古丽娜尔·买买提"))
    for dot in "·•・．":
        assert (await ask(made, number=number, name=f"古丽娜尔{dot}买买提")).status_code == 200


async def test_a_number_alone_shows_no_person(made: TestSite, number: str) -> None:
    answer = await ask(made, number=number)
    certificate = answer.json()["certificate"]
    shown = {name for name, value in certificate.items() if value is not None}
    assert shown == {"number", "kind", "title_zh", "occupation", "grade", "year"}
    assert certificate["year"] == 2026
    assert answer.json()["institution"]["name"] == "北疆数字技术评价中心"
    assert answer.json()["status"]["state"] == "valid"
    for secret in ("张", "小明", "123X", "2026-10-20"):
        assert secret not in answer.text.replace("2026-10-20T", "")


async def test_the_page_of_a_number_alone_shows_no_person(made: TestSite, number: str) -> None:
    async with made.client() as client:
        page = await client.post("/check", data={"number": number})
        english = await client.post("/check?lang=en", data={"number": number})
    for text in (page.text, english.text):
        assert "证书有效" in text or "Valid" in text
        for secret in ("张小明", "小明", "123X", "2026年10月20日", "智能装备与产线应用"):
            assert secret not in text


async def test_the_page_of_number_and_name_shows_no_id(made: TestSite, number: str) -> None:
    async with made.client() as client:
        page = await client.post("/check", data={"number": number, "name": NAME})
    assert NAME in page.text
    assert "123X" not in page.text


async def test_unknown_number_and_other_name_are_the_same_answer(made: TestSite, number: str, unknown: str) -> None:
    other_name = await ask(made, number=number, name="王小二")
    never_issued = await ask(made, number=unknown, name=NAME)
    assert other_name.status_code == never_issued.status_code == 404
    assert other_name.content == never_issued.content
    assert other_name.headers == never_issued.headers
    assert other_name.json()["code"] == "no_match"
    async with made.client() as client:
        pages = [
            await client.post("/check", data={"number": number, "name": "王小二"}),
            await client.post("/check", data={"number": unknown, "name": NAME}),
        ]
    assert pages[0].content == pages[1].content
    assert [page.status_code for page in pages] == [404, 404]


async def test_every_no_match_takes_its_time(made: TestSite, unknown: str) -> None:
    started = time.monotonic()
    await ask(made, number=unknown, name=NAME)
    assert time.monotonic() - started >= 0.05


async def test_an_unsigned_row_in_the_table_matches_no_name(made: TestSite, number: str) -> None:
    envelope = made.world.envelopes[number]
    made.world.envelopes[number] = envelope[:-1] + bytes([envelope[-1] ^ 1])
    assert (await ask(made, number=number, name=NAME)).json()["code"] == "no_match"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("P000115000001262000001A", "number_check_failed"),
        ("X000115000001262000001A", "number_layout_unknown"),
        ("'; DROP TABLE x; --", "number_layout_unknown"),
        ("", "number_layout_unknown"),
    ],
)
async def test_a_mistyped_number_is_a_problem(made: TestSite, typed: str, code: str) -> None:
    for name in (None, NAME):
        answer = await ask(made, **({"number": typed} | ({"name": name} if name else {})))
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert made.source.looked_up == []


async def test_a_number_alone_that_nobody_has_is_unknown(made: TestSite, unknown: str) -> None:
    answer = await ask(made, number=unknown)
    assert (answer.status_code, answer.json()["code"]) == (404, "certificate_unknown")


@pytest.mark.parametrize("is_known", [True, False])
async def test_the_eleventh_wrong_name_is_refused_from_any_client(
    made: TestSite, number: str, unknown: str, is_known: bool
) -> None:
    asked = number if is_known else unknown
    for guess in range(WRONG_NAMES_PER_DAY):
        assert (await ask(made, f"198.51.100.{guess}", number=asked, name=f"甲{guess}")).status_code == 404
    eleventh = await ask(made, "192.0.2.1", number=asked, name="乙")
    right = await ask(made, "192.0.2.2", number=asked, name=NAME)
    assert [answer.json()["code"] for answer in (eleventh, right)] == ["number_closed_today"] * 2
    assert eleventh.status_code == 429
    made.clock.forward(days=1)
    made.world.now = made.clock.now
    made.source.publish()
    assert (await ask(made, number=asked, name=NAME)).status_code == (200 if is_known else 404)


async def test_a_closed_number_still_answers_its_code(made: TestSite, first: str) -> None:
    text = made.world.issue(first)
    number = number_of(made.world, text)
    for guess in range(WRONG_NAMES_PER_DAY):
        await ask(made, number=number, name=f"甲{guess}")
    assert (await ask(made, qr=text)).json()["verdict"] == "valid"
    async with made.client() as client:
        assert (await client.get(f"/v/{payload_of(text)}")).status_code == 200


async def test_batches_count_wrong_names_too(made: TestSite, number: str) -> None:
    async with made.client() as client:
        await client.post(BATCH, json={"items": [{"number": number, "name": f"甲{n}"} for n in range(10)]})
    assert (await ask(made, "192.0.2.9", number=number, name=NAME)).json()["code"] == "number_closed_today"


async def test_a_batch_of_21_numbers_is_refused_before_any_look_up(made: TestSite, number: str) -> None:
    item = {"number": number, "name": NAME}
    async with made.client() as client:
        refused = await client.post(BATCH, json={"items": [item] * (BATCH_LOOK_UPS_PER_HOUR + 1)})
        assert made.source.looked_up == []
        granted = await client.post(BATCH, json={"items": [item] * BATCH_LOOK_UPS_PER_HOUR})
        more = await client.post(BATCH, json={"items": [item]})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert granted.json()["verdicts"] == {"valid": 20}
    assert int(more.headers["retry-after"]) == 3600
    made.clock.forward(hours=1)
    async with made.client() as client:
        assert (await client.post(BATCH, json={"items": [item]})).status_code == 200


async def test_a_batch_of_codes_has_no_such_limit_and_shows_no_id(made: TestSite, first: str) -> None:
    good = made.world.issue(first)
    items = [{"qr": good}, {"qr": good[:-4] + "AAAA"}, {"qr": "https://example.org/"}] * 20
    async with made.client() as client:
        answer = (await client.post(BATCH, json={"items": items})).json()
    assert answer["count"] == 60
    assert answer["verdicts"] == {"valid": 20, "not_genuine": 20, "not_a_certificate_code": 20}
    first_report = answer["results"][0]["report"]
    assert first_report["certificate"]["name"] == NAME
    assert first_report["certificate"]["id_tail"] is None
    assert first_report["equivalence"] == []
    assert answer["results"][2]["problem"]["code"] == "not_a_certificate_code"


async def test_a_number_in_a_batch_without_a_name_shows_no_person(made: TestSite, number: str) -> None:
    async with made.client() as client:
        answer = await client.post(BATCH, json={"items": [{"number": number}]})
    assert "张" not in answer.text
    assert answer.json()["results"][0]["report"]["certificate"]["grade"] == "intermediate"


async def test_single_look_ups_have_an_hourly_budget_per_client(made: TestSite, number: str) -> None:
    for _ in range(LOOK_UPS_PER_HOUR):
        assert (await ask(made, number=number)).status_code == 200
    assert (await ask(made, number=number)).status_code == 429
    assert (await ask(made, "203.0.113.8", number=number)).status_code == 200
    async with made.client() as client:
        page = await client.post("/check", data={"number": number})
    assert page.status_code == 429
    assert "retry-after" in page.headers


async def test_forwarded_addresses_count_only_from_a_configured_proxy(made: TestSite, number: str) -> None:
    item = {"items": [{"number": number}] * 20}
    for peer, codes in (("203.0.113.7", [200, 429]), ("10.1.2.3", [200, 200])):
        seen = []
        for place in (1, 2):
            async with made.client(peer) as client:
                headers = {"x-forwarded-for": f"spoofed, 198.51.100.{place}, 10.9.9.9"}
                seen.append((await client.post(BATCH, json=item, headers=headers)).status_code)
        assert seen == codes


async def test_a_database_that_is_away_is_no_answer_about_the_certificate(made: TestSite, number: str) -> None:
    made.source.is_down = True
    answer = await ask(made, number=number, name=NAME)
    assert (answer.status_code, answer.json()["code"]) == (503, "data_unavailable")
    made.source.is_down = False
    assert (await ask(made, number=number, name=NAME)).status_code == 200


async def test_without_a_fresh_trust_list_no_number_is_counted(made: TestSite, number: str) -> None:
    made.clock.forward(days=40)
    for name in ("王小二", NAME):
        assert (await ask(made, number=number, name=name)).json()["code"] == "data_unavailable"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"qr": 5},
        {"number": "P1", "qr": "x"},
        {"number": "P1", "extra": 1},
        {"name": NAME},
        {"number": "P" * 65},
        {"number": "P1", "name": "x" * 65},
        {"qr": "x" * 5000},
    ],
)
async def test_other_questions_are_malformed(made: TestSite, fields: dict[str, Any]) -> None:
    answer = await ask(made, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_malformed")


async def test_bodies_are_bounded(made: TestSite) -> None:
    async with made.client() as client:
        large = await client.post(VERIFY, content=b"{" + b" " * 20_000 + b"}")
        batch = await client.post(BATCH, content=b" " * (8 * 1024 * 1024 + 1))
        many = await client.post(BATCH, json={"items": [{"qr": "x"}] * 10_001})
        empty = await client.post(BATCH, json={"items": []})
        broken = await client.post(VERIFY, content=b"[" * 5000)
    assert [answer.status_code for answer in (large, batch, many, empty, broken)] == [413, 413, 400, 400, 400]
    assert many.json()["code"] == "too_many_items"


async def test_a_time_in_the_past_is_judged_and_one_in_the_future_refused(made: TestSite, first: str) -> None:
    text = made.world.issue(first, issued_at=made.world.now - timedelta(hours=2))
    made.source.publish()
    async with made.client() as client:
        before = await client.post(VERIFY, json={"qr": text, "at": "2026-11-20T11:00:00+08:00"})
        today = await client.post(VERIFY, json={"qr": text, "at": "2026-11-20"})
        later = await client.post(VERIFY, json={"qr": text, "at": "2026-11-20T14:00:01+08:00"})
        wrong = await client.post(VERIFY, json={"qr": text, "at": "soon"})
    assert before.json()["checks"][1]["code"] == "issued_in_future"
    assert today.json()["verdict"] == "valid"
    assert (later.json()["code"], wrong.json()["code"]) == ("time_in_future", "time_invalid")


async def test_pasted_codes_answer_like_scans(made: TestSite, first: str) -> None:
    text = made.world.issue(first)
    async with made.client() as client:
        page = await client.post("/check", data={"code": f" {text}\n"})
        foreign = await client.post("/check", data={"code": "hello"})
    assert "123X" in page.text
    assert f"/v/{payload_of(text)}" in page.text
    assert (foreign.status_code, "这不是本系统的证书二维码" in foreign.text) == (400, True)
    assert read_qr_text(text).origin == "https://verify.example.cn"
