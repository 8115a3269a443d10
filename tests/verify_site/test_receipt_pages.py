"""Receipts on the public site: saved from a scan, kept under a short address, or unsigned where nobody can sign."""

from __future__ import annotations

import html
import json
import logging
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from played_registry import IDENTIFIER, PlayedRegistry
from simulated_receipt import CHECK_ID
from simulator import PUBLIC_URL, Key
from site_simulator import SAMPLES, TestSite, make_site, payload_of, sample_world

from certs.evidence import gather_evidence
from certs.qr import base32
from certs.receipt import check_receipt
from certs.wording import words
from verify_site.rate_limits import RECEIPTS_PER_HOUR
from verify_site.receipt_pages import file_name
from verify_site.registry_desk import MAX_ANSWER, RegistryDesk
from verify_site.site_settings import load_public_settings

pytestmark = pytest.mark.anyio
SAVE = "?view=receipt"
JSON = {"accept": "application/json"}


def scanned(name: str, home: Path) -> tuple[TestSite, str]:
    world, first = sample_world()
    text = SAMPLES[name](world, first)
    return make_site(world, home), payload_of(text)


def embedded(page: str) -> bytes:
    """The receipt that a page of a mirror carries."""
    found = re.search(r'href="data:application/json;base64,([^"]+)"', page)
    assert found is not None
    return b64decode(html.unescape(found.group(1)))


# --- the button


@pytest.mark.parametrize("name", ["valid", "revoked", "superseded", "forged", "unauthorised"])
async def test_a_scan_offers_to_save_a_receipt(name: str, tmp_path: Path) -> None:
    made, payload = scanned(name, tmp_path)
    async with made.client() as client:
        page = (await client.get(f"/v/{payload}")).text
        english = (await client.get(f"/v/{payload}?lang=en")).text
    assert f'action="{SAVE}"' in page
    assert words("page", "button_receipt").zh in page
    assert f'action="{SAVE}&amp;lang=en"' in english
    assert payload not in page


async def test_where_nothing_proves_it_nothing_is_offered(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    made.source.publish()
    nothing = gather_evidence({}, made.world.root_key())
    made.source.current = replace(made.source.current, evidence=nothing)
    async with made.client() as client:
        page = (await client.get(f"/v/{payload}")).text
    assert SAVE not in page


async def test_a_look_up_by_number_offers_none(made: TestSite, first: str) -> None:
    made.world.issue(first)
    made.source.publish()
    number = next(iter(made.world.envelopes))
    async with made.client() as client:
        page = (await client.post("/check", data={"number": number, "name": "张小明"})).text
    assert "证书有效" in page
    assert SAVE not in page


async def test_a_pasted_code_offers_one_under_its_own_address(made: TestSite, first: str) -> None:
    text = made.world.issue(first)
    async with made.client() as client:
        page = (await client.post("/check", data={"code": text})).text
    assert f'action="/v/{payload_of(text)}{SAVE}"' in page


# --- without a registry role


async def test_a_mirror_gives_the_data_and_says_that_nobody_signed_them(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    made.source.publish()
    async with made.client() as client:
        page = (await client.post(f"/v/{payload}{SAVE}")).text
        document = (await client.post(f"/v/{payload}{SAVE}", headers=JSON)).content
    assert words("page", "receipt_not_signed").zh in page
    assert "<img class" not in page
    for given in (embedded(page), document):
        receipt = check_receipt(given, made.world.root_key())
        assert (receipt.verdict.value, receipt.counter_signed) == ("valid", False)
    assert file_name(check_receipt(embedded(page), made.world.root_key()).bundle, "json") in page


@pytest.mark.parametrize("name", ["valid", "suspended", "revoked", "superseded", "forged", "unauthorised", "longest"])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_state_has_its_receipt(name: str, language: str, tmp_path: Path) -> None:
    made, payload = scanned(name, tmp_path)
    async with made.client() as client:
        report = (await client.get(f"/v/{payload}", headers=JSON)).json()
        page = (await client.post(f"/v/{payload}{SAVE}&lang={language}")).text
    assert f"<h1>{report['headline'][language]}</h1>" in page
    receipt = check_receipt(embedded(page), made.world.root_key())
    assert receipt.verdict.value == report["verdict"]
    assert ("张小明" in page) == (report["certificate"] is not None and name != "longest")
    assert "123X" not in page


async def test_without_evidence_there_is_none(tmp_path: Path) -> None:
    made, payload = scanned("valid", tmp_path)
    made.source.current = replace(made.source.current, evidence=gather_evidence({}, made.world.root_key()))
    async with made.client() as client:
        answer = await client.post(f"/v/{payload}{SAVE}", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (503, "receipt_unavailable")


async def test_nothing_of_an_unverified_payload_is_in_a_receipt(
    made: TestSite, first: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kezheng")
    claims = made.world.claims(first, name="请致电李明核实", id_tail="7788")
    payload = base32(made.world.seal(claims, Key("a thief"), made.world.keys[first].kid))
    async with made.client() as client:
        page = (await client.post(f"/v/{payload}{SAVE}")).text
        document = (await client.post(f"/v/{payload}{SAVE}", headers=JSON)).text
    told = "".join(record.getMessage() for record in caplog.records if record.name.startswith("kezheng"))
    lines = told + made.logged()
    for secret in ("请致电李明核实", "7788", payload, claims.number):
        assert secret not in page.split("base64,")[0] + document + lines
    assert '"method":"POST","route":"/v/{payload}","status":200' in lines


async def test_receipts_are_limited_per_client(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    made.source.publish()
    async with made.client() as client:
        answers = [await client.post(f"/v/{payload}{SAVE}", headers=JSON) for _ in range(RECEIPTS_PER_HOUR + 1)]
    assert [answer.status_code for answer in answers] == [200] * RECEIPTS_PER_HOUR + [429]
    assert int(answers[-1].headers["retry-after"]) == 3600
    async with made.client("203.0.113.8") as other:
        assert (await other.post(f"/v/{payload}{SAVE}", headers=JSON)).status_code == 200
    made.clock.forward(hours=1)
    async with made.client() as client:
        assert (await client.post(f"/v/{payload}{SAVE}", headers=JSON)).status_code == 200


async def test_only_a_receipt_is_posted_to_a_scan(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first))
    async with made.client() as client:
        for query in ("", "?view=print", "?view=receipts"):
            assert (await client.post(f"/v/{payload}{query}")).status_code == 405
        shown = (await client.get(f"/v/{payload}{SAVE}")).text
    assert "证书有效" in shown


# --- with a registry role that a test plays


@pytest.fixture
def role() -> PlayedRegistry:
    return PlayedRegistry()


@pytest.fixture
def signing(role: PlayedRegistry, tmp_path: Path) -> TestSite:
    return role.site(tmp_path)


async def test_saving_leads_to_a_page_with_an_address_of_its_own(role: PlayedRegistry, signing: TestSite) -> None:
    async with signing.client() as client:
        answer = await client.post(f"/v/{role.payload}{SAVE}&lang=en")
        page = await client.get(answer.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, f"/r/{IDENTIFIER}?lang=en")
    assert role.asked[0] == ("POST", "/receipts", json.dumps({"payload": role.payload}, separators=(",", ":")).encode())
    assert "<h1>Valid</h1>" in page.text
    assert f'src="/r/{IDENTIFIER}.png"' in page.text
    assert f"{PUBLIC_URL}/r/{IDENTIFIER}" in page.text
    assert page.headers["x-robots-tag"].startswith("noindex")
    assert page.headers["cache-control"] == "no-store"
    assert "123X" not in page.text


async def test_the_page_says_who_signed_and_how_long_it_is_kept(role: PlayedRegistry, signing: TestSite) -> None:
    async with signing.client() as client:
        page = (await client.get(f"/r/{IDENTIFIER}")).text
    for code in ("receipt_signed", "receipt_kept", "receipt_open_pdf", "receipt_picture_hint"):
        assert words("page", code).zh in page
    assert words("page", "receipt_not_signed").zh not in page
    assert len(role.asked) == 1


async def test_the_files_are_named_after_the_check_and_never_after_a_person(signing: TestSite) -> None:
    async with signing.client() as client:
        answers = {form: await client.get(f"/r/{IDENTIFIER}.{form}") for form in ("json", "pdf", "png")}
    types = {form: answer.headers["content-type"] for form, answer in answers.items()}
    assert types == {"json": "application/json", "pdf": "application/pdf", "png": "image/png"}
    for form in ("json", "pdf"):
        stated = answers[form].headers["content-disposition"]
        assert stated == f'attachment; filename="kezheng-receipt-{CHECK_ID}.{form}"'
    assert "content-disposition" not in answers["png"].headers


async def test_a_program_gets_the_receipt_at_once(role: PlayedRegistry, signing: TestSite) -> None:
    async with signing.client() as client:
        answer = await client.post(f"/v/{role.payload}{SAVE}", headers=JSON)
    assert answer.content == role.document
    assert check_receipt(answer.content, role.world.root_key()).counter_signed


FAILURES = {
    "away": httpx.ConnectError("refused"),
    "slow": httpx.ReadTimeout("slow"),
    "broken": httpx.Response(500),
    "unavailable": httpx.Response(503, json={"code": "receipt_unavailable"}),
    "too long": httpx.Response(201, content=bytes(MAX_ANSWER + 1)),
    "elsewhere": httpx.Response(302, headers={"location": "http://evil.example/"}),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_registry_role_that_fails_is_said_calmly(
    role: PlayedRegistry, signing: TestSite, failure: str
) -> None:
    role.answer = FAILURES[failure]
    async with signing.client() as client:
        program = await client.post(f"/v/{role.payload}{SAVE}", headers=JSON)
        person = await client.post(f"/v/{role.payload}{SAVE}", headers={"accept": "text/html"})
    assert (program.status_code, program.json()["code"]) == (503, "receipt_unavailable")
    assert words("error", "receipt_unavailable").zh in person.text
    assert len(role.asked) == 2


NAMES = ["", "short", "A" * 26, "1" * 26, f"{IDENTIFIER}.exe", f"{IDENTIFIER}.", f"{IDENTIFIER}x", "..%2Fhealthz"]


@pytest.mark.parametrize("name", NAMES)
async def test_only_a_proper_name_is_ever_asked_for(role: PlayedRegistry, signing: TestSite, name: str) -> None:
    async with signing.client(accept="application/json") as client:
        answer = await client.get(f"/r/{name}")
    assert (answer.status_code, role.asked) == (404, [])


async def test_a_receipt_that_is_kept_no_more_is_said_to_be_so(role: PlayedRegistry, signing: TestSite) -> None:
    role.answer = httpx.Response(404, json={"code": "receipt_unknown"})
    async with signing.client() as client:
        page = await client.get(f"/r/{IDENTIFIER}")
        file = await client.get(f"/r/{IDENTIFIER}.pdf")
    assert (page.status_code, file.status_code) == (404, 404)
    assert words("error", "receipt_unknown").zh in page.text


async def test_a_mirror_keeps_nothing(made: TestSite) -> None:
    async with made.client() as client:
        answer = await client.get(f"/r/{IDENTIFIER}")
        robots = (await client.get("/robots.txt")).text
    assert answer.status_code == 404
    assert "Disallow: /r/" in robots


async def test_the_address_of_a_receipt_is_neither_logged_nor_counted(
    signing: TestSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kezheng")
    async with signing.client() as client:
        await client.get(f"/r/{IDENTIFIER}.pdf")
        metrics = (await client.get("/metrics")).text
    told = "".join(record.getMessage() for record in caplog.records if record.name.startswith("kezheng"))
    lines = told + signing.logged()
    assert '"method":"GET","route":"/r/{name}","status":200' in lines
    assert IDENTIFIER not in lines + metrics


async def test_the_desk_lets_go_of_its_connections(role: PlayedRegistry) -> None:
    desk = RegistryDesk("http://127.0.0.1:8001", httpx.MockTransport(role))
    await desk.close()
    assert await desk.receipt(IDENTIFIER, "pdf") == b"%PDF-1.7"
    await desk.close()
    assert await desk.receipt(IDENTIFIER, "png") == b"\x89PNG"
    await desk.close()


def test_the_site_is_told_where_the_registry_role_answers() -> None:
    environ = {"KEZHENG_HOME": "/h", "KEZHENG_DATABASE_URL": "sqlite://", "KEZHENG_PUBLIC_URL": PUBLIC_URL}
    assert load_public_settings(environ).registry_url is None
    assert load_public_settings(environ | {"KEZHENG_REGISTRY_URL": ""}).registry_url is None
    given = load_public_settings(environ | {"KEZHENG_REGISTRY_URL": "http://127.0.0.1:8001"})
    assert given.registry_url == "http://127.0.0.1:8001"
