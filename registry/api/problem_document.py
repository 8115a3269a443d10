"""A refusal as operations and other programs of ours read it: a problem document (RFC 9457) with its code and words."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from certs.errors import KezhengError
from certs.wording import words
from verify_site.webserver.operations import HEADERS


def problem_document(error: KezhengError, status: int) -> Response:
    """The document of a refusal under an HTTP status."""
    said = words("error", error.code, **error.params)
    content = {"type": f"urn:kezheng:error:{error.code}", "title": said.en, "detail": said.zh, "code": error.code}
    return Response(orjson.dumps(content), status, HEADERS, "application/problem+json")
