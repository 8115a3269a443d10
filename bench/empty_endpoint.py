"""The smallest endpoint that the web framework can answer: what no endpoint of ours can beat."""

from __future__ import annotations

from fastapi import FastAPI, Response

app = FastAPI(openapi_url=None)
EMPTY = b"{}"


@app.get("/empty")
async def empty() -> Response:
    return Response(EMPTY, media_type="application/json")
