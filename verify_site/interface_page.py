"""The description of the interface: FastAPI's own routes and the plain ones beside it, as OpenAPI and as a
page.

FastAPI's page loads scripts from elsewhere; this one is plain HTML of ours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from verify_site.language import language_of
from verify_site.page_renderer import Pages, other_language
from verify_site.plain_route import PlainRoute

_REPORT = {"description": "The report of a completed verification, whatever its verdict"}
_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}


def _refused(description: str) -> dict[str, Any]:
    return _PROBLEM | {"description": description}


def _body(example: Any) -> dict[str, Any]:
    return {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
    }


_PLAIN_ROUTES: dict[str, Any] = {
    "/v/{payload}": {
        "get": {
            "summary": "What a scanned code opens: a page, or the report under Accept: application/json",
            "parameters": [{"name": "payload", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {"200": _REPORT, "400": _refused("No payload (not_a_certificate_code)")},
        }
    },
    "/api/v1/verify": {
        "post": {
            "summary": "Verify a QR text, or look up by number with or without the name; at: a past time",
            "requestBody": _body({"qr": "HTTPS://VERIFY.EXAMPLE.CN/V/…"}),
            "responses": {
                "200": _REPORT,
                "400": _refused("No payload of ours, a mistyped number, a malformed request, a time in the future"),
                "404": _refused("no_match: unknown number or another name, not told apart"),
                "429": _refused("too_many_requests, number_closed_today"),
            },
        }
    },
    "/api/v1/verify/batch": {
        "post": {
            "summary": "Verify up to 10,000 items; each answer is a report without effects or a problem",
            "requestBody": _body({"items": [{"qr": "HTTPS://VERIFY.EXAMPLE.CN/V/…"}, {"number": "…", "name": "…"}]}),
            "responses": {
                "200": {"description": "{count, as_of, verdicts, results: [{report} | {problem}]} in order"},
                "400": _refused("A malformed request, or more than 10,000 items"),
                "429": _refused("More than 20 items by number in an hour: refused as a whole"),
            },
        }
    },
    "/published/{path}": {
        "get": {
            "summary": "Signed files and data files that an offline verifier needs",
            "parameters": [{"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {
                "200": {"description": "The file, with an ETag"},
                "304": {"description": "Not modified"},
            },
        }
    },
    "/.well-known/jwks.json": {
        "get": {
            "summary": "Public keys of institutions and registry: a convenience, never an anchor",
            "responses": {"200": {"description": "A JWK set"}},
        }
    },
}


class Endpoint(NamedTuple):
    """One endpoint as the page shows it."""

    method: str
    path: str
    summary: str
    parameters: list[str]
    body: str
    answers: list[tuple[str, str]]


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the whole site."""
    document = get_openapi(title="Kezheng", version="1", routes=app.routes)
    document["paths"] = _PLAIN_ROUTES | document["paths"]
    return document


def endpoints(document: dict[str, Any]) -> list[Endpoint]:
    """The endpoints of a document, in its order."""
    return [
        _endpoint(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _endpoint(path: str, method: str, operation: dict[str, Any]) -> Endpoint:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    example = content.get("example")
    return Endpoint(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        parameters=[parameter["name"] for parameter in operation.get("parameters", [])],
        body="" if example is None else orjson.dumps(example, option=orjson.OPT_INDENT_2).decode(),
        answers=[(status, answer["description"]) for status, answer in operation["responses"].items()],
    )


def interface_routes(app: FastAPI, pages: Pages) -> list[PlainRoute]:
    """``/docs`` and ``/openapi.json``. The document is made on the first request, when all routes exist."""
    cached: list[dict[str, Any]] = []

    def document() -> dict[str, Any]:
        if not cached:
            cached.append(describe(app))
        return cached[0]

    async def openapi(_request: Request) -> Response:
        return Response(orjson.dumps(document()), media_type="application/json")

    async def docs(request: Request) -> Response:
        language = language_of(request.query_params.get("lang"))
        values = {"here": "/docs", "endpoints": endpoints(document())}
        return pages.page("interface.html", language, other_language(language), values)

    return [PlainRoute("/openapi.json", openapi), PlainRoute("/docs", docs)]
