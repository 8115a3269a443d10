"""Directory, title effects, published files and what operations ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_simulator import TestSite, make_site, sample_world

from certs.institution import EventKind
from verify_site.interface_page import describe

pytestmark = pytest.mark.anyio


async def test_the_directory_lists_as_of_a_day(made: TestSite) -> None:
    async with made.client() as client:
        now = (await client.get("/api/v1/institutions")).json()
        before = (await client.get("/api/v1/institutions?as_of=2026-05-31&kind=assessment")).json()
        earliest = (await client.get("/api/v1/institutions?as_of=2023-12-31")).json()
    listing = {entry["code"]: entry["listing"] for entry in now["institutions"]}
    assert listing == {"P000115000001": "listed", "T000315000003": "listed", "P000215000002": "removed"}
    assert {entry["listing"] for entry in before["institutions"]} == {"listed"}
    assert before["count"] == 2
    assert earliest["institutions"] == []


async def test_whoever_was_removed_stays_visible_with_both_dates_and_the_reason(made: TestSite) -> None:
    async with made.client() as client:
        entry = (await client.get("/api/v1/institutions/P000215000002")).json()
        page = (await client.get("/institutions/P000215000002")).text
    assert (entry["listed_from"], entry["ended_on"]) == ("2024-01-01", "2026-06-01")
    assert entry["reason"]["code"] == "rules_violated"
    assert [event["act"] for event in entry["history"]] == ["grant", "remove"]
    for text in ("2024-01-01", "2026-06-01", "违反评价管理规定", "移出目录"):
        assert text in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind=training", 1),
        ("province=15", 3),
        ("province=45", 0),
        ("occupation=2-02-38-05", 3),
        ("occupation=2-02-07-13", 3),
        ("occupation=人工智能", 0),
        ("kind=&province=&occupation=&as_of=", 3),
    ],
)
async def test_filters_of_the_directory(made: TestSite, query: str, count: int) -> None:
    async with made.client() as client:
        assert (await client.get(f"/api/v1/institutions?{query}")).json()["count"] == count
        assert (await client.get(f"/institutions?{query}")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/institutions?kind=other", 400, "kind_invalid"),
        ("/api/v1/institutions?province=99", 400, "jurisdiction_unknown"),
        ("/api/v1/institutions?occupation=baker", 400, "occupation_unknown"),
        ("/api/v1/institutions?as_of=2026-13-01", 400, "day_invalid"),
        ("/api/v1/institutions?as_of=2026-11-21", 400, "time_in_future"),
        ("/api/v1/institutions?kind=" + "x" * 65, 400, "request_malformed"),
        ("/api/v1/institutions/P999915000009", 404, "institution_not_listed"),
        ("/api/v1/institutions/%3Cb%3E", 404, "institution_not_listed"),
        ("/api/v1/equivalence?jurisdiction=45", 400, "request_malformed"),
        ("/api/v1/equivalence?jurisdiction=45&grade=expert", 400, "grade_invalid"),
        ("/api/v1/equivalence?jurisdiction=99&grade=junior", 400, "jurisdiction_unknown"),
        ("/api/v1/equivalence?jurisdiction=45&grade=junior&on=soon", 400, "day_invalid"),
    ],
)
async def test_wrong_parameters_have_their_codes(made: TestSite, path: str, status: int, code: str) -> None:
    async with made.client() as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "<b>" not in answer.text


async def test_title_effects_are_quoted_and_an_unknown_place_is_not_a_no(made: TestSite) -> None:
    async with made.client() as client:
        guangxi = (await client.get("/api/v1/equivalence?jurisdiction=45&grade=junior")).json()["effects"]
        city = (await client.get("/api/v1/equivalence?jurisdiction=4501&grade=junior")).json()["effects"]
        tibet = (await client.get("/api/v1/equivalence?jurisdiction=54&grade=junior")).json()["effects"]
        places = (await client.get("/api/v1/jurisdictions")).json()["jurisdictions"]
        page = (await client.get("/titles?jurisdiction=54")).text
    assert guangxi[0]["effect"] == "may_recognise"
    assert guangxi[0]["document_number"] == "桂人社发〔2022〕15号"
    assert guangxi[0]["quote_zh"].startswith("参加数字技术工程师培育项目")
    assert "answered_by_province" in [notice["code"] for notice in city[0]["notices"]]
    assert tibet[0]["effect"] == "no_rule_known"
    assert "本系统未收录该地规定" in page
    assert {place["code"] for place in places} >= {"00", "15", "45", "37", "66"}


async def test_the_sheet_holds_all_that_a_title_office_files(made: TestSite) -> None:
    query = "jurisdiction=45&occupation=2-02-38-05&grade=intermediate&on=2026-11-20&item=1"
    async with made.client() as client:
        sheet = (await client.get(f"/titles?{query}")).text
        beyond = await client.get(f"/titles?{query}9")
        page = (await client.get("/titles?jurisdiction=45&grade=intermediate")).text
    for text in (
        "广西壮族自治区专业技术人才知识更新工程实施方案",
        "桂人社发〔2022〕15号",
        "文本未载明",
        "四、组织实施（二）支持人才培训第二自然段",
        "可认定相应中级、初级职称。",
        "文本未规定的事项",
        "guangxi-2022-15.toml",
        "经办人签字",
        "复核人签字",
        "盖章处",
        "查验编号",
        "2026-11-20 14:00:00",
    ):
        assert text in sheet
    assert beyond.status_code == 400
    assert "依据《广西壮族自治区专业技术人才知识更新工程实施方案》（桂人社发〔2022〕15号）" in page


async def test_published_files_are_cacheable_and_known_by_name(made: TestSite) -> None:
    async with made.client() as client:
        first = await client.get("/published/trust-list.jws")
        again = await client.get("/published/trust-list.jws", headers={"if-none-match": first.headers["etag"]})
        policy = await client.get("/published/policies/guangxi-2022-15.toml")
        listing = await client.get("/published/")
        outside = await client.get("/published/%2e%2e/%2e%2e/etc/passwd")
        keys = await client.get("/.well-known/jwks.json")
    assert first.content == made.source.current.files["trust-list.jws"]
    assert first.headers["cache-control"] == "public, max-age=60"
    assert (again.status_code, again.content) == (304, b"")
    assert policy.headers["content-type"] == "text/plain; charset=utf-8"
    assert [listing.status_code, outside.status_code] == [404, 404]
    assert keys.json() == {"keys": []}


async def test_files_for_the_root_are_text_files_that_the_operator_laid_out(made: TestSite) -> None:
    folder: Path = made.site.well_known_folder
    (folder / "MP_verify_AbC123.txt").write_text("AbC123")
    (folder / "big.txt").write_text("x" * 5000)
    (folder / "kezheng.toml").write_text("secret")
    async with made.client() as client:
        found = await client.get("/MP_verify_AbC123.txt")
        others = [await client.get(path) for path in ("/big.txt", "/kezheng.toml", "/..%2fx.txt", "/none.txt")]
    assert (found.text, found.headers["content-type"]) == ("AbC123", "text/plain; charset=utf-8")
    assert {answer.status_code for answer in others} == {404}


async def test_operations_see_health_readiness_and_counters(made: TestSite) -> None:
    async with made.client() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        await client.get("/api/v1/jurisdictions")
        await client.get("/titles")
        metrics = (await client.get("/metrics")).text
    assert 'kezheng_requests_total{method="GET",route="/api/v1/jurisdictions",status="200"} 1' in metrics
    assert 'kezheng_requests_total{method="GET",route="/titles",status="200"} 1' in metrics
    assert "kezheng_snapshot_fresh 1.0" in metrics


async def test_the_interface_is_described_without_third_parties(made: TestSite) -> None:
    paths = describe(made.app)["paths"]
    async with made.client() as client:
        page = (await client.get("/docs")).text
        document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    for path in ("/v/{payload}", "/api/v1/verify", "/api/v1/institutions/{code}", "/api/v1/equivalence"):
        assert path in paths
        assert path in page


async def test_demonstration_data_say_so_on_every_page(tmp_path: Path) -> None:
    world, first = sample_world()
    world.environment = "demo"
    payload = world.issue(first).rsplit("/", 1)[1]
    made = make_site(world, tmp_path)
    async with made.client() as client:
        pages = [await client.get(path) for path in ("/", "/institutions", "/titles", f"/v/{payload}")]
    assert all("演示" in page.text for page in pages)


async def test_a_withdrawn_institution_changes_nothing_for_earlier_certificates(made: TestSite, first: str) -> None:
    text = made.world.issue(first)
    made.world.institution_event(first, EventKind.WITHDRAW, made.world.now.date(), "own_wish")
    made.source.publish()
    async with made.client() as client:
        page = (await client.get(f"/v/{text.rsplit('/', 1)[1]}")).text
    assert "证书有效" in page
    assert "不影响本证书" in page
