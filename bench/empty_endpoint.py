"""The least that the web framework can do: what no endpoint of ours can beat.

Beside the empty endpoint, the same with one check of an Ed25519 signature, and an empty page of the template engine
with that check: they are the limits that a scan is held against.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Request, Response
from starlette.templating import Jinja2Templates

app = FastAPI(openapi_url=None)
EMPTY = b"{}"
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
_MESSAGE = b"as long as what a certificate's signature covers" * 3
_SIGNATURE, _PUBLIC_KEY = _KEY.sign(_MESSAGE), _KEY.public_key()
_PAGES = Jinja2Templates(Path(__file__).with_name("empty_page"))


@app.get("/empty")
async def empty() -> Response:
    return Response(EMPTY, media_type="application/json")


@app.get("/verified")
async def verified() -> Response:
    _PUBLIC_KEY.verify(_SIGNATURE, _MESSAGE)
    return Response(EMPTY, media_type="application/json")


@app.get("/page")
async def page(request: Request) -> Response:
    _PUBLIC_KEY.verify(_SIGNATURE, _MESSAGE)
    return _PAGES.TemplateResponse(request, "empty.html")
