"""Published files, public keys, and what operations ask for: health, readiness, counters, files at the site's
root.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER
from certs.log_paths import never_changes
from certs.unavailable import Unavailable
from verify_site.metrics import CONTENT_TYPE as METRICS_TYPE
from verify_site.page_renderer import MARK_FILE, STYLE_FILE, static_file
from verify_site.plain_route import PlainRoute
from verify_site.problems import problem_response
from verify_site.site import Site

JWKS_FILE = "jwks.json"
_TYPES = {
    ".jws": "application/jose",
    ".jwt": "application/statuslist+jwt",
    ".cwt": "application/statuslist+cwt",
    ".json": "application/json",
    ".jwk": "application/jwk+json",
    ".toml": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_ANYWHERE = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
_SIGNED = "public, max-age=60"
_WELL_KNOWN_NAME = re.compile(r"[A-Za-z0-9_-]{1,96}\.txt", re.ASCII)
_WELL_KNOWN_LIMIT = 4096
_ROBOTS = b"User-agent: *\nDisallow: /v/\nDisallow: /V/\nDisallow: /r/\nDisallow: /check\n"
_STATIC_TYPES = {STYLE_FILE: "text/css; charset=utf-8", MARK_FILE: "image/svg+xml"}


def published_routes(site: Site) -> list[PlainRoute]:
    """The routes of one site."""

    async def published(request: Request) -> Response:
        path = request.path_params["path"]
        if path.startswith(LOG_FOLDER):
            return await to_thread.run_sync(_log_file, site, path.removeprefix(LOG_FOLDER))
        return _published(site, path, request)

    async def jwks(request: Request) -> Response:
        return _published(site, JWKS_FILE, request)

    async def health(_request: Request) -> Response:
        return _json({"status": "ok"})

    async def ready(_request: Request) -> Response:
        return _readiness(site)

    async def metrics(_request: Request) -> Response:
        return Response(site.metrics.exposition(gauges_of(site)), media_type=METRICS_TYPE)

    async def static(request: Request) -> Response:
        return _static(request.path_params["name"], request)

    async def root_file(request: Request) -> Response:
        return await to_thread.run_sync(_root_file, site.well_known_folder, request.path_params["name"])

    return [
        PlainRoute("/published/{path:path}", published),
        PlainRoute("/.well-known/jwks.json", jwks),
        PlainRoute("/healthz", health),
        PlainRoute("/readyz", ready),
        PlainRoute("/metrics", metrics),
        PlainRoute("/static/{name}", static),
        PlainRoute("/{name}.txt", root_file),
    ]


def _published(site: Site, path: str, request: Request) -> Response:
    """A file of the snapshot: known names alone, so no path of the machine is ever made from a request."""
    snapshot = site.source.snapshot()
    content = snapshot.files.get(path)
    if content is None:
        raise KezhengError("page_not_found")
    media_type = _TYPES.get(path[path.rfind(".") :], "application/octet-stream")
    return _cacheable(content, snapshot.etags[path], media_type, request, _ANYWHERE | {"cache-control": _SIGNED})


def _log_file(site: Site, path: str) -> Response:
    """A file of the public register. Tiles are kept for ever, the checkpoint is asked for each time."""
    content = site.source.log_file(path)
    if content is None:
        raise KezhengError("page_not_found")
    kept = "public, max-age=31536000, immutable" if never_changes(path) else "no-cache"
    media_type = "application/octet-stream" if never_changes(path) else "text/plain; charset=utf-8"
    return Response(content, headers=_ANYWHERE | {"cache-control": kept}, media_type=media_type)


def _static(name: str, request: Request) -> Response:
    if name not in _STATIC_TYPES:
        raise KezhengError("page_not_found")
    # The address carries the digest of the content, so it may be kept; without it, a day is harmless.
    kept = "public, max-age=31536000, immutable" if request.url.query else "public, max-age=86400"
    return _cacheable(static_file(name), None, _STATIC_TYPES[name], request, {"cache-control": kept})


def _cacheable(
    content: bytes, etag: str | None, media_type: str, request: Request, headers: Mapping[str, str]
) -> Response:
    shown = dict(headers) | ({"etag": etag} if etag else {})
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag is not None and (etag in known or known == ["*"]):
        return Response(status_code=304, headers=shown)
    return Response(content, headers=shown, media_type=media_type)


def _readiness(site: Site) -> Response:
    """Ready means: data are fresh, signed by the pinned root, and status and register are at hand."""
    snapshot = site.source.snapshot()
    found = snapshot.evidence
    parts = (found.trust, found.status, found.data, found.log)
    if not snapshot.is_fresh or any(isinstance(part, Unavailable) for part in parts):
        return problem_response(KezhengError("data_unavailable"))
    return _json({"status": "ready"})


def gauges_of(site: Site) -> dict[str, float]:
    """What this process measures now: how fresh its data are, and how long they may still be used."""
    snapshot, now = site.source.snapshot(), site.clock()
    gauges = {"kezheng_snapshot_fresh": float(snapshot.is_fresh)}
    trust, status = snapshot.evidence.trust, snapshot.evidence.status
    if not isinstance(trust, Unavailable):
        gauges["kezheng_trust_list_seconds_left"] = (trust.expires_at - now).total_seconds()
    if not isinstance(status, Unavailable):
        gauges["kezheng_status_seconds_left"] = (status.expires_at - now).total_seconds()
    log = snapshot.evidence.log
    if not isinstance(log, Unavailable):
        gauges["kezheng_log_size"] = float(log.size)
        gauges["kezheng_log_newest_entry_age_seconds"] = (now - log.newest_at).total_seconds()
    return gauges


def _root_file(folder: Path, stem: str) -> Response:
    """A text file that the operator laid out for the site's root, such as a messenger's domain check."""
    name = f"{stem}.txt"
    path = folder / name
    if _WELL_KNOWN_NAME.fullmatch(name) and path.is_file() and path.stat().st_size <= _WELL_KNOWN_LIMIT:
        return Response(path.read_bytes(), media_type="text/plain; charset=utf-8")
    if name == "robots.txt":
        return Response(_ROBOTS, media_type="text/plain; charset=utf-8")
    raise KezhengError("page_not_found")


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
