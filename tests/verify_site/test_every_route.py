"""What holds for every answer: security headers, words for every refusal, no third party, no inline code."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

import httpx
import pytest
from jinja2 import Environment, FileSystemLoader, nodes
from site_simulator import SAMPLES, TestSite, make_site, payload_of, sample_world

from certs.errors import KezhengError
from certs.wording import all_codes, words
from verify_site.guard import CONTENT_SECURITY_POLICY
from verify_site.page_renderer import Pages
from verify_site.problems import STATUS_OF, error_words, problem

pytestmark = pytest.mark.anyio
PATHS = [
    "/",
    "/?lang=en",
    "/institutions",
    "/institutions?lang=en&kind=training",
    "/institutions/P000115000001",
    "/institutions/P000215000002?lang=en",
    "/titles",
    "/titles?jurisdiction=45&grade=senior&lang=en",
    "/titles?jurisdiction=37&item=1",
    "/docs",
    "/docs?lang=en",
    "/nothing-here",
    "/institutions/nobody",
    "/titles?on=yesterday",
    "/check",
    "/v/",
    "/v/AAAA",
    "/static/site.css",
    "/static/mark.svg",
    "/static/secret.txt",
    "/published/trust-list.jws",
    "/published/../kezheng.toml",
    "/.well-known/jwks.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/robots.txt",
    "/api/v1/institutions",
    "/api/v1/institutions/P000115000001",
    "/api/v1/jurisdictions",
    "/api/v1/equivalence?jurisdiction=45&grade=junior",
    "/api/v1/nothing",
    "/api/v1/verify",
]
ADDRESS = re.compile(r"""(?:https?:)?//[^\s"'<>)]+""", re.IGNORECASE)
ALLOWED_ADDRESSES = ("https://verify.example.cn", "http://www.w3.org/2000/svg", "HTTPS://VERIFY.EXAMPLE.CN")


async def answers(made: TestSite) -> list[httpx.Response]:
    payload = payload_of(made.world.issue("P000115000001"))
    scans = [f"/v/{payload}{query}" for query in ("", "?lang=en", "?view=print", "?view=titles", "?view=titles&item=1")]
    async with made.client(accept="text/html") as client:
        return [await client.get(path) for path in [*PATHS, *scans]]


async def test_every_answer_carries_the_security_headers(made: TestSite) -> None:
    for answer in await answers(made):
        headers = answer.headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert "max-age" in headers["strict-transport-security"]
        assert "permissions-policy" in headers
        assert "server" not in headers
        assert "set-cookie" not in headers


async def test_scans_are_neither_stored_nor_indexed(made: TestSite) -> None:
    payload = payload_of(made.world.issue("P000115000001"))
    async with made.client() as client:
        for path, accept in ((f"/v/{payload}", "text/html"), (f"/V/{payload}", "application/json")):
            headers = (await client.get(path, headers={"accept": accept})).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-robots-tag"].startswith("noindex")
            assert headers["vary"] == "Accept"
        robots = (await client.get("/robots.txt")).text
    assert "Disallow: /v/" in robots


async def test_the_policy_allows_no_script_and_no_third_party() -> None:
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert "script" not in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


async def test_no_page_names_a_third_party_or_carries_inline_code(made: TestSite) -> None:
    for answer in await answers(made):
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for address in ADDRESS.findall(answer.text):
            assert address.startswith(ALLOWED_ADDRESSES), address
        assert not re.search(r"<script|<iframe|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text, re.IGNORECASE)


async def test_refusals_are_pages_for_people_and_problems_for_machines(made: TestSite) -> None:
    async with made.client() as client:
        page = await client.get("/nothing-here")
        for path in ("/api/v1/nothing", "/published/nothing", "/static/nothing"):
            answer = await client.get(path)
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status_code, answer.json()["code"]) == (404, "page_not_found")
        wrong_method = await client.delete("/api/v1/verify")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert words("error", "page_not_found").zh in page.text
    assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, "method_not_allowed")


async def test_an_address_that_is_too_long_is_refused(made: TestSite) -> None:
    async with made.client() as client:
        answer = await client.get("/v/" + "A" * 9000)
    assert (answer.status_code, answer.json()["code"]) == (414, "address_too_long")


async def test_a_fault_of_the_program_shows_nothing_of_itself(made: TestSite, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("张小明 123X")

    made.source.snapshot = broken  # type: ignore[assignment,method-assign]
    async with made.client() as client:
        answer = await client.get("/v/AAAA")
        metrics = await client.get("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (500, "site_failed")
    assert "张小明" not in answer.text + caplog.text
    assert "RuntimeError at test_every_route.py" in caplog.text
    assert metrics.status_code == 200


@pytest.mark.parametrize("code", STATUS_OF)
def test_every_code_of_the_table_has_words(code: str) -> None:
    names = {"value", "limit", "seconds", "number", "jurisdiction", "institution"}
    error = KezhengError(code, **dict.fromkeys(names, "7"))
    said = error_words(error)
    assert said.zh
    assert said.en
    assert not any(fields_of(text) for text in said)
    assert problem(error)["status"] == STATUS_OF[code]


def page_codes() -> set[str]:
    """The codes that templates say as constants."""
    environment = Environment()
    source = FileSystemLoader("verify_site/templates")
    found: set[str] = set()
    for name in source.list_templates():
        text, _, _ = source.get_source(environment, name)
        for call in environment.parse(text).find_all(nodes.Call):
            is_say = isinstance(call.node, nodes.Getattr) and call.node.attr == "say"
            if is_say and isinstance(call.args[0], nodes.Const):
                found.add(call.args[0].value)
    return found


def test_templates_say_only_codes_that_have_words(made: TestSite) -> None:
    assert isinstance(Pages(made.site), Pages)
    assert page_codes() <= set(all_codes("page"))


def fields_of(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_page_words_keep_the_house_style() -> None:
    for code in all_codes("page"):
        said = words("page", code)
        assert not re.search("(?<!查)验证", said.zh), code
        for wrong in ("校验", "核验", "您", "抱歉", "！", "技能等级", "认证", "假证", "伪造"):
            assert wrong not in said.zh, code
        assert said.en
        assert fields_of(said.zh) == fields_of(said.en), code


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", SAMPLES)
async def test_no_page_shows_a_bare_code(name: str, language: str, tmp_path: Any) -> None:
    world, first = sample_world()
    payload = payload_of(SAMPLES[name](world, first))
    made = make_site(world, tmp_path)
    async with made.client() as client:
        page = (await client.get(f"/v/{payload}?lang={language}")).text
    above = re.sub(r"<[^>]+>", " ", page.split("<details")[0])
    assert not re.search(r"\b[a-z]+_[a-z_]+\b", above)
    for word in ("日志", "哈希", "密钥", "树大小"):
        assert word not in above.split("</article>")[0]
