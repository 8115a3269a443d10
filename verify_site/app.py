"""The composition root of the public site: the only module that knows where the registry keeps its public
views.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Hashable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER
from certs.log_paths import CHECKPOINT_FILE
from registry.log_cache.cache import DiskLogCache
from registry.store.engine import PublicStore, open_public_store
from registry.store.public_reader import PublicDocument, public_document, public_document_versions, public_envelope
from verify_site.access_log import AccessLog, log_to_stderr
from verify_site.client_address import ClientAddresses
from verify_site.guard import Guard
from verify_site.interface_page import interface_routes
from verify_site.language import language_of
from verify_site.log_files import read_log_file
from verify_site.metrics import Metrics
from verify_site.number_desk import NumberDesk
from verify_site.page_renderer import Pages
from verify_site.page_routes import PageRoutes
from verify_site.pinned_root import PinnedRoot
from verify_site.plain_route import PlainRoute
from verify_site.problems import error_of_status, problem_response
from verify_site.public_api import public_api
from verify_site.published_folder import PublishedFolder
from verify_site.published_routes import gauges_of, published_routes
from verify_site.quick_scan import VERIFY, QuickScan
from verify_site.receipt_pages import ReceiptPages
from verify_site.registry_desk import RegistryDesk
from verify_site.result_pages import ResultPages
from verify_site.scan_route import ScanRoute, wants_json
from verify_site.site import Site
from verify_site.site_settings import PINNED_ROOT_FILE, WELL_KNOWN_FOLDER, SiteSettings, load_public_settings
from verify_site.source import RefreshingSource, Source, apart_from_collection
from verify_site.title_pages import TitlePages
from verify_site.verify_api import VerifyApi
from verify_site.webserver.at_once import Reply
from verify_site.webserver.counts_of_processes import CountsOfProcesses

COUNTS_FOLDER = "KEZHENG_COUNTS_FOLDER"
SHARE_SECONDS = 1.0
_POSTS = frozenset({VERIFY})
_MACHINE_PATHS = (
    "/api/",
    "/published/",
    "/.well-known/",
    "/static/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi",
)


class PublicViews(PinnedRoot):
    """Published files and envelopes in the database's public views, opened read-only."""

    def __init__(self, store: PublicStore, root_file: Path, log_folder: Path) -> None:
        super().__init__(root_file)
        self._store = store
        self._log_folder = log_folder
        self._held: dict[str, PublicDocument] = {}

    def marker(self) -> Hashable:
        """The latest version of every file, the pinned root's, and the register's checkpoint."""
        with self._store.reading() as tx:
            versions = public_document_versions(tx)
        return self.root_marker(), tuple(sorted(versions.items())), self.log_file(CHECKPOINT_FILE)

    def files(self) -> dict[str, bytes]:
        """The latest version of every file, out of one snapshot of the database; what is held is not read again."""
        with self._store.reading() as tx:
            versions = public_document_versions(tx)
            new = [kind for kind, version in versions.items() if self._version_held(kind) != version]
            read = [public_document(tx, kind) for kind in new]
        held = self._held | {document.kind: document for document in read if document is not None}
        self._held = {kind: document for kind, document in held.items() if kind in versions}
        return {kind: document.content for kind, document in self._held.items()}

    def _version_held(self, kind: str) -> int | None:
        document = self._held.get(kind)
        return None if document is None else document.version

    def log_file(self, path: str) -> bytes | None:
        """A file of the public register, which lies in the home's own folder."""
        return read_log_file(self._log_folder, path)

    def envelope_by_number(self, number: str) -> bytes | None:
        """The released envelope of a certificate, or None."""
        with self._store.reading() as tx:
            return public_envelope(tx, number)


def create_app(settings: SiteSettings) -> FastAPI:
    """The site over a home's database. Raises KezhengError ``database_missing``, ``schema_out_of_date``."""
    source = RefreshingSource(_public_views(settings), is_own=True, cache=DiskLogCache(settings.cache_folder))
    return create_site_app(_site(settings, source))


def create_mirror_app(settings: SiteSettings, folder: Path) -> FastAPI:
    """The site over a published folder: everything but look-ups by number."""
    published = PublishedFolder(folder, settings.home / PINNED_ROOT_FILE)
    source = RefreshingSource(published, cache=DiskLogCache(settings.cache_folder))
    return create_site_app(_site(settings, source))


def from_environment() -> FastAPI:
    """The site of the environment, for a server that calls a factory. Writes an access log without paths.

    Where the environment names a folder for them, counters are shared with the site's other processes.
    """
    folder = os.environ.get(COUNTS_FOLDER)
    settings, metrics = load_public_settings(os.environ), Metrics(CountsOfProcesses(Path(folder)) if folder else None)
    views, cache = _public_views(settings), DiskLogCache(settings.cache_folder)
    source = RefreshingSource(views, is_own=True, loading=apart_from_collection, cache=cache)
    return create_site_app(_site(settings, source, log_to_stderr(), metrics))


def _public_views(settings: SiteSettings) -> PublicViews:
    store = open_public_store(settings.database_url)
    return PublicViews(store, settings.home / PINNED_ROOT_FILE, settings.home / LOG_FOLDER)


def _site(
    settings: SiteSettings, source: Source, access_log: AccessLog | None = None, metrics: Metrics | None = None
) -> Site:
    return Site(
        source=source,
        public_url=settings.public_url,
        well_known_folder=settings.home / WELL_KNOWN_FOLDER,
        addresses=ClientAddresses(settings.proxies),
        registry=None if settings.registry_url is None else RegistryDesk(settings.registry_url),
        access_log=access_log or AccessLog(),
        metrics=metrics or Metrics(),
    )


class SiteApp(FastAPI):
    """FastAPI's application with the quick path for scans in front of it."""

    def __init__(self, site: Site, **settings: Any) -> None:
        # No tracing: an environment that turns it on would export whole paths, and a scanned one holds a name.
        silent: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
        super().__init__(title="Kezheng", docs_url=None, redoc_url=None, openapi_url=None, telemetry=silent, **settings)
        scans, api = _add_routes(self, site)
        self.add_middleware(Guard, site=site)
        self._quick = QuickScan(super().__call__, site, scans, api)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._quick(scope, receive, send)

    @property
    def posts_at_once(self) -> frozenset[str]:
        """Where a posted QR text may be answered at once."""
        return _POSTS

    def at_once(self, scope: MutableMapping[str, Any], body: bytes) -> Reply | None:
        """The answer to a plain scan, for a server that asks for it."""
        return self._quick.at_once(scope, body)


def create_site_app(site: Site) -> SiteApp:
    """The application of a site, with all its routes."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        site.source.start()
        sharing = asyncio.create_task(_share_counts(site))
        yield
        sharing.cancel()
        site.source.stop()
        site.access_log.flush()
        site.metrics.share(gauges_of(site))
        if site.registry is not None:
            await site.registry.close()

    return SiteApp(site, lifespan=lifespan)


async def _share_counts(site: Site) -> None:
    while True:
        site.metrics.share(gauges_of(site))
        await asyncio.sleep(SHARE_SECONDS)


def _add_routes(app: FastAPI, site: Site) -> tuple[ScanRoute, VerifyApi]:
    pages, desk = Pages(site), NumberDesk(site)
    results, titles, api = ResultPages(pages), TitlePages(site, pages), VerifyApi(site, desk)
    receipts = ReceiptPages(site, pages)
    scan = ScanRoute(site, results, titles, receipts)
    # The fast paths come first: routes are tried in order.
    app.router.routes[:0] = [
        PlainRoute("/v/{payload:path}", scan),
        PlainRoute("/V/{payload:path}", scan),
        PlainRoute(VERIFY, api.verify, methods=["POST"]),
        PlainRoute("/api/v1/verify/batch", api.batch, methods=["POST"]),
        *PageRoutes(site, pages, results, titles, desk, api).routes(),
        *receipts.routes(),
        *published_routes(site),
    ]
    app.include_router(public_api(site))
    app.router.routes.extend(interface_routes(app, pages))
    _add_error_handlers(app, pages)
    return scan, api


def _add_error_handlers(app: FastAPI, pages: Pages) -> None:
    """Every refusal is a problem document for machines and a page in words for people."""

    def shown(request: Request, error: KezhengError) -> Response:
        if _is_machine(request):
            return problem_response(error)
        return pages.error(error, language_of(request.query_params.get("lang")))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, KezhengError)
        return shown(request, error)

    async def by_status(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = shown(request, error_of_status(error.status_code))
        response.headers.update(error.headers or {})
        return response

    async def malformed(request: Request, _error: Exception) -> Response:
        return shown(request, KezhengError("request_malformed"))

    app.add_exception_handler(KezhengError, refused)
    app.add_exception_handler(HTTPException, by_status)
    app.add_exception_handler(RequestValidationError, malformed)


def _is_machine(request: Request) -> bool:
    return request.scope["path"].startswith(_MACHINE_PATHS) or wants_json(request.headers.get("accept", ""))
