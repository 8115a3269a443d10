"""Bodies of requests, read with a bound: what is longer is refused while it arrives."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from certs.canonical import decode_json
from certs.errors import KezhengError

MAX_FORM = 16 * 1024
MAX_FIELDS = 20


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises KezhengError ``request_too_large`` past ``limit`` bytes."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise KezhengError("request_too_large")
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > limit:
            raise KezhengError("request_too_large")
        parts.append(part)
    return b"".join(parts)


async def read_json_object(request: Request, limit: int) -> dict[str, Any]:
    """The body as a JSON object. Raises KezhengError ``request_malformed`` or ``request_too_large``."""
    return json_object(await read_body(request, limit))


def json_object(body: bytes) -> dict[str, Any]:
    """A body as a JSON object. Raises KezhengError ``request_malformed``."""
    try:
        value = decode_json(body)
    except KezhengError as error:
        raise KezhengError("request_malformed") from error
    if not isinstance(value, dict):
        raise KezhengError("request_malformed")
    return value


async def read_form(request: Request) -> dict[str, str]:
    """A URL-encoded form's fields. Raises KezhengError ``request_malformed`` or ``request_too_large``."""
    body = await read_body(request, MAX_FORM)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise KezhengError("request_malformed") from error
    return dict(pairs)


def text_field(fields: dict[str, Any], name: str, longest: int) -> str | None:
    """A text member, None when absent. Raises KezhengError ``request_malformed`` for another type or a longer
    text.
    """
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise KezhengError("request_malformed")
    return value
