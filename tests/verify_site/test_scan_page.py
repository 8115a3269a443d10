"""What a scanned code opens: the page and the report, and what neither ever shows."""

from __future__ import annotations

import logging
import unicodedata
from datetime import date
from pathlib import Path

import httpx
import orjson
import pytest
from simulator import Key
from site_simulator import SAMPLES, TestSite, make_site, payload_of, sample_world

from certs.institution import DatedName
from certs.qr import base32, read_qr_text
from certs.status import State
from certs.wording import words

pytestmark = pytest.mark.anyio
JSON = {"accept": "application/json"}
VERDICTS = {
    "valid": ("valid", "ok", "证书有效", "Valid"),
    "suspended": ("not_in_force", "stop", "证书暂停使用", "Suspended"),
    "revoked": ("not_in_force", "stop", "证书已撤销", "Revoked"),
    "superseded": ("not_in_force", "notice", "证书已换发", "Replaced"),
    "forged": ("not_genuine", "stop", "查验不通过", "Verification failed"),
    "unauthorised": ("not_genuine", "stop", "查验不通过", "Verification failed"),
    "undetermined": ("undetermined", "unknown", "暂无法判定", "Could not be determined"),
}


def scanned(name: str, home: Path) -> tuple[TestSite, str]:
    """A site and the payload of a certificate to which something happened."""
    world, first = sample_world()
    text = SAMPLES[name](world, first)
    return make_site(world, home), payload_of(text)


def log_lines(made: TestSite, caplog: pytest.LogCaptureFixture) -> str:
    """What the site itself logged; the test's own client logs its addresses."""
    told = [record.getMessage() for record in caplog.records if record.name.startswith("kezheng")]
    return "".join(told) + made.logged()


@pytest.mark.parametrize("name", VERDICTS)
async def test_each_state_has_its_report_and_its_page_in_both_languages(name: str, tmp_path: Path) -> None:
    made, payload = scanned(name, tmp_path)
    verdict, tone, zh, en = VERDICTS[name]
    async with made.client() as client:
        report = (await client.get(f"/v/{payload}", headers=JSON)).json()
        page = await client.get(f"/V/{payload}")
        english = await client.get(f"/V/{payload}?lang=en")
    assert (report["verdict"], report["tone"], report["headline"]["zh"]) == (verdict, tone, zh)
    assert page.status_code == english.status_code == 200
    assert f"<h1>{zh}</h1>" in page.text
    assert f"tone-{tone}" in page.text
    assert '<html lang="zh-CN">' in page.text
    assert en in english.text
    assert '<html lang="en">' in english.text
    assert (report["certificate"] is None) == (name in ("forged", "undetermined"))


async def test_the_report_of_a_scan_holds_the_whole_certificate(made: TestSite, first: str) -> None:
    text = made.world.issue(first)
    async with made.client() as client:
        by_path = (await client.get(f"/v/{payload_of(text)}", headers=JSON)).json()
        by_post = (await client.post("/api/v1/verify", json={"qr": text})).json()
    assert by_path["certificate"]["name"] == "张小明"
    assert by_path["certificate"]["id_tail"] == "123X"
    assert {"15", "45", "37"} <= {effect["jurisdiction"] for effect in by_path["equivalence"]}
    for changing in ("check_id",):
        by_path.pop(changing), by_post.pop(changing)
    assert by_path == by_post


async def test_what_is_there_but_improper_is_a_completed_verification(made: TestSite) -> None:
    async with made.client() as client:
        for payload in ("AAAA", "2KCE2", "0189", "%E8%AF%81", "a/b", "A" * 5000, "2KCE2===="):
            answer = await client.get(f"/v/{payload}", headers=JSON)
            assert answer.status_code == 200
            assert answer.json()["verdict"] == "not_genuine"
            assert answer.json()["checks"][0]["outcome"] == "failed"
        empty = await client.get("/v/", headers=JSON)
    assert empty.status_code == 400
    assert empty.json()["code"] == "not_a_certificate_code"


async def test_the_scan_ignores_what_messengers_append_and_takes_either_case(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    made.source.publish()
    async with made.client() as client:
        for address in (f"/v/{payload.lower()}/", f"/V/{payload}?from=singlemessage&isappinstalled=0"):
            assert (await client.get(address, headers=JSON)).json()["verdict"] == "valid"


HOSTILE = [
    "<script>alert(1)</script>",
    "请致电 138 0013 8000 核实",
    "\u202egnp.exe\u2066",
    "{{ 7 * 7 }}",
    "';--<img src=x onerror=y>",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_nothing_of_an_unverified_payload_is_shown_logged_or_counted(
    made: TestSite, first: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kezheng")
    claims = made.world.claims(first, name=unicodedata.normalize("NFC", name), id_tail="7788")
    envelope = made.world.seal(claims, Key("a thief"), made.world.keys[first].kid)
    payload = base32(envelope)
    async with made.client() as client:
        answers = [
            await client.get(f"/v/{payload}"),
            await client.get(f"/v/{payload}?view=print"),
            await client.get(f"/v/{payload}?view=titles"),
            await client.get(f"/v/{payload}", headers=JSON),
            await client.post("/api/v1/verify", json={"qr": f"https://verify.example.cn/v/{payload}"}),
            await client.post("/check", data={"code": f"https://verify.example.cn/v/{payload}"}),
            await client.get("/metrics"),
        ]
    shown = "".join(answer.text for answer in answers) + log_lines(made, caplog)
    for secret in (name, "7788", payload, claims.number, "&lt;script"):
        assert secret not in shown
    assert all(answer.json()["certificate"] is None for answer in answers[3:5])


async def test_what_is_genuine_is_escaped(made: TestSite, first: str) -> None:
    made.world.change_institution(first, names=(DatedName("北疆<b>评价</b>&中心", date(2024, 1, 1)),))
    payload = payload_of(made.world.issue(first))
    made.source.publish()
    async with made.client() as client:
        pages = [(await client.get(path)).text for path in (f"/v/{payload}", "/institutions")]
    for page in pages:
        assert "<b>评价" not in page
        assert "北疆&lt;b&gt;评价" in page


async def test_the_scanned_path_is_neither_logged_nor_counted(
    made: TestSite, first: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kezheng")
    payload = payload_of(made.world.issue(first))
    async with made.client() as client:
        await client.get(f"/v/{payload}?view=titles")
        metrics = (await client.get("/metrics")).text
    ours = log_lines(made, caplog)
    assert '"method":"GET","route":"/v/{payload}","status":200' in ours
    assert payload not in ours + metrics
    assert "张小明" not in ours + metrics
    assert 'route="/v/{payload}"' in metrics
    assert 'kezheng_verifications_total{verdict="valid",way="qr"} 1' in metrics


async def test_a_stalled_source_stops_saying_valid(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    made.source.publish()
    snapshot = made.source.current
    made.source.current = type(snapshot)(snapshot.evidence.without_status(), snapshot.files, 0.0, False, snapshot.etags)
    async with made.client() as client:
        report = (await client.get(f"/v/{payload}", headers=JSON)).json()
        ready = await client.get("/readyz")
    assert report["verdict"] == "undetermined"
    assert report["checks"][4]["code"] == "status_unavailable"
    assert ready.status_code == 503
    assert ready.json()["code"] == "data_unavailable"


async def test_revoking_shows_at_the_next_publication(made: TestSite, first: str) -> None:
    text = made.world.issue(first, status_index=4711)
    made.source.publish()
    made.world.status_event(4711, State.REVOKED, reason_code="exam_misconduct")
    async with made.client() as client:
        before = (await client.get(f"/v/{payload_of(text)}", headers=JSON)).json()["verdict"]
        made.source.publish()
        after = (await client.get(f"/v/{payload_of(text)}", headers=JSON)).json()["verdict"]
    assert (before, after) == ("valid", "not_in_force")


async def test_a_foreign_host_is_a_notice_and_an_altered_one_a_failure(made: TestSite, first: str) -> None:
    envelope = read_qr_text(made.world.issue(first)).envelope
    async with made.client() as client:
        foreign = await client.post("/api/v1/verify", json={"qr": f"https://other.example/V/{base32(envelope)}"})
        altered = await client.post("/api/v1/verify", json={"qr": f"https://verifv.example.cn/V/{base32(envelope)}"})
    assert foreign.json()["verdict"] == "valid"
    assert "host_foreign" in [notice["code"] for notice in foreign.json()["notices"]]
    assert altered.json()["checks"][0]["code"] == "host_altered"


async def test_the_host_header_makes_no_link(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    async with made.client(host="evil.example") as client:
        pages = [await client.get(path) for path in ("/", f"/v/{payload}", "/institutions", "/titles")]
    assert not any("evil.example" in page.text for page in pages)


async def test_the_print_view_and_the_titles_view_belong_to_the_scan(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    async with made.client() as client:
        printed = (await client.get(f"/v/{payload}?view=print")).text
        titles = (await client.get(f"/v/{payload}?view=titles&jurisdiction=45")).text
        sheet = (await client.get(f"/v/{payload}?view=titles&jurisdiction=45&item=1")).text
    assert words("page", "print_heading").zh in printed
    assert "桂人社发〔2022〕15号" in titles
    assert "✓" in sheet
    assert "参加数字技术工程师培育项目，取得培训合格证书的" in sheet
    assert words("confidence", "null_date").zh in sheet
    assert words("page", "sheet_handled_by").zh in sheet


async def test_a_revoked_certificate_ticks_no_condition(tmp_path: Path) -> None:
    made, payload = scanned("revoked", tmp_path)
    async with made.client() as client:
        sheet = (await client.get(f"/v/{payload}?view=titles&jurisdiction=45&item=1")).text
    assert "✓" not in sheet


async def test_other_methods_are_refused(made: TestSite) -> None:
    async with made.client() as client:
        answer: httpx.Response = await client.post("/v/AAAA", headers=JSON)
        head = await client.head("/v/AAAA")
    assert answer.status_code == 405
    assert orjson.loads(answer.content)["code"] == "method_not_allowed"
    assert head.status_code == 200
