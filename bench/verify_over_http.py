"""Verifying over HTTP on the loopback address, one server process each, beside an endpoint that does nothing.

The site is a mirror over a folder of published files, so that no database takes part.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI

from bench.loopback import get, post_json, send_all, server
from bench.rounds import Benchmark, Side
from bench.sample import PUBLIC_URL, SampleRegistry
from bench.sample_texts import Sealed, sealed_certificates
from certs.canonical import encode_json
from certs.root_chain import root_to_jwk
from verify_site.app import create_mirror_app
from verify_site.site_settings import PINNED_ROOT_FILE, PublicSettings

PIECE = 500
HOME_VARIABLE = "KEZHENG_BENCH_HOME"
PUBLISHED = "published"
HTML = "text/html"
VERIFIED = "empty FastAPI endpoint + verify"


def mirror_app() -> FastAPI:
    """The site of the folder that the environment names; the server process calls this."""
    home = Path(os.environ[HOME_VARIABLE])
    settings = PublicSettings(home, f"sqlite:///{home / 'none.db'}", PUBLIC_URL)
    return create_mirror_app(settings, home / PUBLISHED)


def write_home(home: Path, registry: SampleRegistry) -> None:
    """The published files and the pinned root, as a mirror has them."""
    for name, content in registry.files.items():
        path = home / PUBLISHED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (home / PINNED_ROOT_FILE).write_bytes(encode_json(root_to_jwk(registry.root)))


@contextmanager
def over_http(request_of: Callable[[Sealed], bytes], label: str, limit: bytes, limit_label: str) -> Iterator[Benchmark]:
    """Both servers stand for the whole run; the idle one takes nothing from the other."""
    registry, sealed = sealed_certificates(PIECE)
    requests = [request_of(each) for each in sealed]
    with TemporaryDirectory() as folder:
        write_home(Path(folder), registry)
        environment = {HOME_VARIABLE: folder}
        with (
            server("bench.verify_over_http:mirror_app", "--factory", environment=environment) as site,
            server("bench.empty_endpoint:app") as empty,
        ):
            yield Benchmark(
                "requests",
                Side(label, lambda: send_all(site, requests)),
                Side(limit_label, lambda: send_all(empty, [limit] * PIECE)),
            )


def scans() -> AbstractContextManager[Benchmark]:
    """What a scan asks, answered as JSON."""
    return over_http(lambda each: get(path_of(each)), "GET /v/{payload}", get("/verified"), VERIFIED)


def pages() -> AbstractContextManager[Benchmark]:
    """What a camera opens: the page."""
    limit = get("/page", HTML)
    return over_http(lambda each: get(path_of(each), HTML), "GET /v/{payload}, page", limit, "empty page + verify")


def api() -> AbstractContextManager[Benchmark]:
    """What a program asks."""
    return over_http(
        lambda each: post_json("/api/v1/verify", encode_json({"qr": each.qr_text})),
        "POST /api/v1/verify",
        get("/verified"),
        VERIFIED,
    )


def path_of(sealed: Sealed) -> str:
    return sealed.qr_text.removeprefix(PUBLIC_URL.upper())
