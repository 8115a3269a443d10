"""The one table from refusals to HTTP: code → status, and the words of the problem document (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from certs.errors import KezhengError, Param
from certs.wording import Words, words

CONTENT_TYPE = "application/problem+json"
INTERNAL = "site_failed"

STATUS_OF = {
    "not_a_certificate_code": HTTPStatus.BAD_REQUEST,
    "number_check_failed": HTTPStatus.BAD_REQUEST,
    "number_layout_unknown": HTTPStatus.BAD_REQUEST,
    "request_malformed": HTTPStatus.BAD_REQUEST,
    "time_invalid": HTTPStatus.BAD_REQUEST,
    "time_in_future": HTTPStatus.BAD_REQUEST,
    "day_invalid": HTTPStatus.BAD_REQUEST,
    "kind_invalid": HTTPStatus.BAD_REQUEST,
    "grade_invalid": HTTPStatus.BAD_REQUEST,
    "occupation_unknown": HTTPStatus.BAD_REQUEST,
    "jurisdiction_unknown": HTTPStatus.BAD_REQUEST,
    "too_many_items": HTTPStatus.BAD_REQUEST,
    "no_match": HTTPStatus.NOT_FOUND,
    "certificate_unknown": HTTPStatus.NOT_FOUND,
    "institution_not_listed": HTTPStatus.NOT_FOUND,
    "page_not_found": HTTPStatus.NOT_FOUND,
    "receipt_unknown": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "request_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "address_too_long": HTTPStatus.REQUEST_URI_TOO_LONG,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "number_closed_today": HTTPStatus.TOO_MANY_REQUESTS,
    INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    "data_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "receipt_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What is not in the table is a fault of the program and answers 500 without details."""

_NAMESPACES = {"no_match": "verdict"}
_BY_STATUS = {
    404: "page_not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    414: "address_too_long",
}


def public_error(error: KezhengError) -> KezhengError:
    """The error as strangers see it: one that is not in the table shows nothing of itself."""
    return error if error.code in STATUS_OF else KezhengError(INTERNAL)


def error_of_status(status: int) -> KezhengError:
    """The error behind a status that the framework answers by itself."""
    return KezhengError(_BY_STATUS.get(status, "request_malformed" if status < 500 else INTERNAL))


def status_of(error: KezhengError) -> int:
    """The HTTP status of a public error."""
    return int(STATUS_OF[error.code])


def error_words(error: KezhengError) -> Words:
    """The words of a public error."""
    return words(_NAMESPACES.get(error.code, "error"), error.code, **error.params)


def problem(error: KezhengError) -> dict[str, Any]:
    """The members of the problem document. Nothing but the code's own words and parameters is in it."""
    said = error_words(error)
    return {
        "type": f"urn:kezheng:error:{error.code}",
        "title": said.en,
        "status": status_of(error),
        "code": error.code,
        "zh": said.zh,
        "en": said.en,
        "advice_zh": said.advice_zh,
        "advice_en": said.advice_en,
    }


def problem_response(error: KezhengError) -> Response:
    """The problem document of an error."""
    shown = public_error(error)
    return Response(
        orjson.dumps(problem(shown)),
        status_of(shown),
        media_type=CONTENT_TYPE,
        headers=problem_headers(shown),
    )


def problem_headers(error: KezhengError) -> dict[str, str]:
    """Headers that an error needs: how long to wait."""
    seconds: Param | None = error.params.get("seconds")
    return {} if seconds is None else {"Retry-After": str(seconds)}
