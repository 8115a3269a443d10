"""``GET /v/{payload}``: what a scanned code opens. A plain ASGI route beside FastAPI, because it is the fast
path.

The payload is never logged, counted or echoed. One that is there but improper is a completed verification.
"""

from __future__ import annotations

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.unavailable import Unavailable
from certs.verification import verify_payload
from verify_site.answers import Answer, answer, scan_report
from verify_site.language import language_of
from verify_site.page_renderer import NO_INDEX
from verify_site.receipt_pages import ReceiptPages
from verify_site.record_view import Way
from verify_site.result_pages import ResultPages
from verify_site.site import Site
from verify_site.title_pages import TitlePages

JSON = "application/json"


class ScanRoute:
    """Answers scans of one site."""

    def __init__(self, site: Site, results: ResultPages, titles: TitlePages, receipts: ReceiptPages) -> None:
        self._site = site
        self._receipts = receipts
        self._results = results
        self._titles = titles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scan, or save its receipt.

        Raises KezhengError ``not_a_certificate_code``, ``method_not_allowed``, and as `ReceiptPages.save`.
        """
        payload = scope["path_params"]["payload"]
        if scope["method"] == "POST" and QueryParams(scope["query_string"]).get("view") == "receipt":
            response = await self._saved(payload, Request(scope))
        elif scope["method"] not in ("GET", "HEAD"):
            raise KezhengError("method_not_allowed")
        elif not payload:
            raise KezhengError("not_a_certificate_code")
        else:
            response = self._answer(payload, scope)
        response.headers["vary"] = "Accept"
        await response(scope, receive, send)

    async def _saved(self, payload: str, request: Request) -> Response:
        client = self._site.addresses.client_of(request.scope)
        language = language_of(request.query_params.get("lang"))
        as_json = wants_json(request.headers.get("accept", ""))
        return await self._receipts.save(payload, client, language, as_json=as_json)

    def _answer(self, payload: str, scope: Scope) -> Response:
        now = self._site.clock()
        made, evidence = self._site.judge(lambda given: verify_payload(payload, given, now))
        given = answer(made, evidence, now)
        self._site.metrics.count_verification("qr", given.verification.verdict.value)
        if wants_json(Headers(scope=scope).get("accept", "")):
            return Response(scan_report(given), media_type=JSON, headers=NO_INDEX)
        return self._page(given, evidence, QueryParams(scope["query_string"]))

    def _page(self, given: Answer, evidence: Evidence, query: QueryParams) -> Response:
        """The page that ``view`` names; other parameters come from messengers and mean nothing."""
        language = language_of(query.get("lang"))
        genuine, data = given.verification.genuine, evidence.data
        if query.get("view") == "print":
            return self._results.printed(given, language)
        if query.get("view") == "titles" and genuine is not None and not isinstance(data, Unavailable):
            return self._titles.respond(query, data, language, given)
        return self._results.record(given, Way.SCAN, language, evidence)


def wants_json(accept: str) -> bool:
    """Whether a client prefers the report to the page: a browser always names HTML."""
    return JSON in accept and "text/html" not in accept
