"""Makes the README's pictures from a demonstration that is being served: ``make pictures``.

The certificate is the page picture that the program writes; the result page is what a phone shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import orjson
from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PORT = 8765
PHONE = {"width": 360, "height": 640}
CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAPER_WIDTH = 720


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"KEZHENG_HOME": folder, "KEZHENG_PUBLIC_URL": f"http://127.0.0.1:{PORT}"}
        kezheng = Path(sys.executable).with_name("kezheng")
        demo = [kezheng, "demo", "--no-serve", "--json"]
        made = subprocess.run(demo, env=environment, check=True, capture_output=True)
        shown = orjson.loads(made.stdout)
        save_paper(Path(shown["certificates"][0]["picture"]))
        with subprocess.Popen([kezheng, "serve", "--port", str(PORT)], env=environment) as server:
            try:
                wait_for_site()
                save_pages({state: address(shown, state) for state in ("valid", "revoked")})
            finally:
                server.terminate()


def address(shown: dict[str, list[dict[str, str]]], state: str) -> str:
    """The lower-case address of the first certificate in a state."""
    text = next(entry["qr"] for entry in shown["certificates"] if entry["state"] == state)
    return text[: len("HTTP://127.0.0.1:8765")].lower() + text[len("HTTP://127.0.0.1:8765") :]


def save_paper(picture: Path) -> None:
    with Image.open(picture) as page:
        size = PAPER_WIDTH, page.height * PAPER_WIDTH // page.width
        small = page.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(128).save(HERE / "certificate.png", optimize=True)


def wait_for_site() -> None:
    for _ in range(60):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=1).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the site did not start")


def save_pages(addresses: dict[str, str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for name, url in addresses.items():
            page = browser.new_page(viewport=PHONE, device_scale_factor=2)
            page.goto(url)
            page.screenshot(path=HERE / f"result-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
