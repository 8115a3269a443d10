"""The pages in a real browser, without JavaScript: the record fits the first screen, nothing comes from elsewhere.

Screenshots go to ``test-output/screenshots`` for people to look at.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import uvicorn
from fastapi import FastAPI
from played_registry import PlayedRegistry
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from receipt_signing import BUNDLE, FACE
from site_simulator import SAMPLES, make_site, payload_of, sample_world

from registry.rendering.receipt_pdf import ReceiptPrinter

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).resolve().parents[2] / "test-output" / "screenshots"
PHONE, DESK = {"width": 360, "height": 640}, {"width": 1280, "height": 900}
RECORD_PARTS = (".verdict h1", ".holder .name", ".subject", ".number", ".record time", ".record .id", ".actions")
CONTRAST = """() => {
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const c = colour(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    if (!own || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const [a, b] = [luminance(colour(style.color)), luminance(ground(node))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    if ((a + .05) / (b + .05) < (large ? 3 : 4.5)) weak.push(node.className + ': ' + node.textContent.slice(0, 30));
  }
  return weak;
}"""


class Served:
    """An application on a port of this machine."""

    def __init__(self, app: FastAPI) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """State → address of a scan, each from a site of its own."""
    addresses, sites = {}, []
    for name, happen in SAMPLES.items():
        world, first = sample_world()
        payload = payload_of(happen(world, first))
        site = Served(make_site(world, tmp_path_factory.mktemp(name)).app)
        sites.append(site)
        addresses[name] = f"{site.origin}/V/{payload}"
    yield addresses
    for site in sites:
        site.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


class Visit:
    """One page load in a context of its own, with what the browser complained about."""

    def __init__(self, browser: Browser, address: str, viewport: dict[str, int], **options: Any) -> None:
        size: Any = viewport
        self.context: BrowserContext = browser.new_context(viewport=size, **({"java_script_enabled": False} | options))
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def send(self, selector: str) -> None:
        """Press the button of a form and wait for the whole page that answers: a picture of one that comes fails."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.click(selector)

    def save(self, name: str, *, full: bool = False) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full)

    def bottom(self, selector: str) -> float:
        box = self.page.locator(selector).first.bounding_box()
        assert box is not None, selector
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360.5
        return box["y"] + box["height"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_record_is_the_first_screen(browser: Browser, served: dict[str, str], name: str, language: str) -> None:
    address = f"{served[name]}?lang={language}"
    visit = Visit(browser, address, PHONE)
    visit.save(f"scan-{name}-{language}-360")
    parts = RECORD_PARTS if visit.page.locator(".holder").count() else (".verdict h1", ".record time", ".actions")
    assert all(0 < visit.bottom(part) <= 640 for part in parts)
    below = visit.page.locator(".below").bounding_box()
    assert below is not None
    assert below["y"] >= 640
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert visit.complaints == []
    origin = address.split("/V/")[0]
    assert all(request.startswith(origin) for request in visit.requests)
    visit.page.set_viewport_size({"width": 1280, "height": 900})
    visit.save(f"scan-{name}-{language}-1280", full=True)
    visit.context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "path", ["/", "/institutions", "/institutions/P000215000002", "/titles?jurisdiction=45", "/docs"]
)
def test_other_pages_fit_both_screens(browser: Browser, served: dict[str, str], path: str, language: str) -> None:
    origin = served["valid"].split("/V/")[0]
    address = f"{origin}{path}{'&' if '?' in path else '?'}lang={language}"
    visit = Visit(browser, address, PHONE)
    for viewport in (PHONE, DESK):
        size: Any = viewport
        visit.page.set_viewport_size(size)
        visit.save(
            f"page-{path.strip('/').split('?')[0].replace('/', '-') or 'home'}-{language}-{viewport['width']}",
            full=True,
        )
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert visit.complaints == []
    assert all(request.startswith(origin) for request in visit.requests)
    visit.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["valid", "revoked", "superseded", "undetermined"])
def test_text_has_enough_contrast(browser: Browser, served: dict[str, str], name: str, scheme: str) -> None:
    visit = Visit(browser, served[name], PHONE, color_scheme=scheme, java_script_enabled=True, bypass_csp=True)
    assert visit.page.evaluate(CONTRAST) == []
    visit.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/institutions", "/titles?jurisdiction=45", "/titles?jurisdiction=54&item=1"])
def test_text_of_other_pages_has_enough_contrast(
    browser: Browser, served: dict[str, str], path: str, scheme: str
) -> None:
    address = served["valid"].split("/V/")[0] + path
    visit = Visit(browser, address, DESK, color_scheme=scheme, java_script_enabled=True, bypass_csp=True)
    assert visit.page.evaluate(CONTRAST) == []
    visit.context.close()


def test_a_person_looks_a_certificate_up_without_javascript(browser: Browser, served: dict[str, str]) -> None:
    visit = Visit(browser, served["valid"], PHONE)
    number = visit.page.locator(".record .number").inner_text().replace(" ", "")
    visit.page.goto(served["valid"].split("/V/")[0])
    visit.page.fill("#number-1", number)
    visit.page.fill("#name-1", "张小明")
    visit.page.click("form:has(#name-1) button")
    assert visit.page.locator(".verdict h1").inner_text() == "证书有效"
    assert "123X" not in visit.page.content()
    assert number not in visit.page.url
    visit.page.goto(served["valid"].split("/V/")[0])
    visit.page.fill("#number-2", number)
    visit.page.click("form:has(#number-2) button")
    assert "张小明" not in visit.page.content()
    assert visit.complaints == []
    visit.context.close()


def test_the_title_desk_is_reached_from_a_scan(browser: Browser, served: dict[str, str]) -> None:
    visit = Visit(browser, served["valid"], PHONE)
    visit.page.click(".actions .button >> nth=0")
    visit.page.select_option("#jurisdiction", "45")
    visit.page.click("form .button")
    assert "桂人社发〔2022〕15号" in visit.page.content()
    visit.page.click(".effect-full .button >> nth=0")
    assert visit.page.locator(".conditions .met").count() == 1
    visit.save("sheet-from-scan-zh-360", full=True)
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("place", ["15", "45", "37", "12", "54"])
def test_the_sheet_prints_on_one_page(
    browser: Browser, served: dict[str, str], tmp_path: Path, place: str, language: str
) -> None:
    address = f"{served['longest']}?view=titles&jurisdiction={place}&item=1&lang={language}"
    visit = Visit(browser, address, DESK)
    visit.page.pdf(path=tmp_path / "sheet.pdf", prefer_css_page_size=True)
    document = pypdfium2.PdfDocument(tmp_path / "sheet.pdf")
    assert len(document) == 1
    document.close()
    visit.context.close()


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PlayedRegistry, str]]:
    """A registry role, and the address of a scan on the site before it."""
    page = pypdfium2.PdfDocument(ReceiptPrinter().render_pdf(FACE, BUNDLE))
    picture = BytesIO()
    page[0].render(scale=1440 / page[0].get_width()).to_pil().save(picture, "PNG")
    page.close()
    role = PlayedRegistry(picture.getvalue())
    site = Served(role.site(tmp_path_factory.mktemp("signing")).app)
    yield role, f"{site.origin}/v/{role.payload}"
    site.stop()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_receipt_is_saved_without_javascript(
    browser: Browser, signing: tuple[PlayedRegistry, str], language: str
) -> None:
    role, address = signing
    visit = Visit(browser, f"{address}?lang={language}", PHONE)
    visit.send(".actions button")
    assert "/r/" in visit.page.url
    for viewport in (PHONE, DESK):
        size: Any = viewport
        visit.page.set_viewport_size(size)
        visit.save(f"receipt-{language}-{viewport['width']}", full=True)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert visit.page.evaluate("document.querySelector('.receipt-picture').naturalWidth") == 1440
    with visit.page.expect_download() as saving:
        visit.page.click(".slip a.button.quiet")
    assert saving.value.suggested_filename == "kezheng-receipt-7K3F-92QD.json"
    assert saving.value.path().read_bytes() == role.document
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_verdict_and_the_files_are_on_the_first_screen_of_a_receipt(
    browser: Browser, signing: tuple[PlayedRegistry, str], language: str
) -> None:
    _, address = signing
    visit = Visit(browser, f"{address}?lang={language}", PHONE)
    visit.send(".actions button")
    visit.save(f"receipt-first-{language}-360")
    assert all(0 < visit.bottom(part) <= 640 for part in (".slip h1", ".slip .code", ".slip .id", ".slip .inline"))
    visit.context.close()


@pytest.mark.parametrize("name", ["valid", "revoked", "forged"])
def test_a_mirror_s_receipt_is_in_its_page(browser: Browser, served: dict[str, str], name: str) -> None:
    visit = Visit(browser, served[name], PHONE)
    visit.send("[form=receipt]")
    visit.save(f"receipt-unsigned-{name}-360", full=True)
    with visit.page.expect_download() as saving:
        visit.page.click(".slip a.button")
    assert saving.value.suggested_filename.startswith("kezheng-receipt-")
    assert "bundle" in json.loads(saving.value.path().read_bytes())
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_a_receipt_has_enough_contrast(
    browser: Browser, signing: tuple[PlayedRegistry, str], scheme: str
) -> None:
    _, address = signing
    visit = Visit(browser, address, PHONE, color_scheme=scheme, java_script_enabled=True, bypass_csp=True)
    visit.send(".actions button")
    assert visit.page.evaluate(CONTRAST) == []
    visit.context.close()
