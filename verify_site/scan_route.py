"""``GET /v/{payload}``: what a scanned code opens, with its views; and saving a receipt from it.

The payload is never logged, counted or echoed. One that is there but improper is a completed verification.
"""

from __future__ import annotations

from datetime import datetime

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.finding import Verification
from certs.qr import read_payload
from certs.unavailable import Unavailable
from certs.verification import verify_payload
from verify_site.answers import Answer, answer
from verify_site.language import language_of
from verify_site.looking_again import wants_another_look
from verify_site.page_renderer import CONTENT_TYPE, NO_INDEX
from verify_site.receipt_pages import ReceiptPages
from verify_site.report_bytes import ReportWriter
from verify_site.result_pages import ResultPages
from verify_site.site import Site
from verify_site.title_pages import TitlePages

JSON = "application/json"


class ScanRoute:
    """Answers scans of one site. For one thread."""

    def __init__(self, site: Site, results: ResultPages, titles: TitlePages, receipts: ReceiptPages) -> None:
        self._site = site
        self._receipts = receipts
        self._results = results
        self._titles = titles
        self._reports = ReportWriter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scan, or save its receipt.

        Raises KezhengError ``not_a_certificate_code``, ``method_not_allowed``, and as `ReceiptPages.save`.
        """
        payload = scope["path_params"]["payload"]
        query = QueryParams(scope["query_string"])
        if scope["method"] == "POST" and query.get("view") == "receipt":
            response = await self._saved(payload, Request(scope))
        elif scope["method"] not in ("GET", "HEAD"):
            raise KezhengError("method_not_allowed")
        elif not payload:
            raise KezhengError("not_a_certificate_code")
        else:
            given, evidence = await self._answered(payload)
            response = self._shown(given, evidence, query, Headers(scope=scope).get("accept", ""))
        response.headers["vary"] = "Accept"
        await response(scope, receive, send)

    def answered_at_once(self, payload: str) -> tuple[Answer, Evidence] | None:
        """The answer to a payload, counted, with the evidence it rests on; None where one has to look again."""
        now = self._site.clock()
        evidence = self._site.source.snapshot().evidence
        made = verify_payload(payload, evidence, now)
        return None if wants_another_look(made) else self._counted(made, evidence, now)

    async def _answered(self, payload: str) -> tuple[Answer, Evidence]:
        now = self._site.clock()
        made, evidence = await self._site.judge(
            lambda given: verify_payload(payload, given, now), lambda: read_payload(payload)
        )
        return self._counted(made, evidence, now)

    def _counted(self, made: Verification, evidence: Evidence, now: datetime) -> tuple[Answer, Evidence]:
        self._site.metrics.count_verification("qr", made.verdict.value)
        return answer(made, evidence, now), evidence

    def report(self, given: Answer, evidence: Evidence) -> tuple[bytes, ...]:
        """The whole report, in pieces."""
        return self._reports.scan_report(given, evidence)

    def page(self, given: Answer, evidence: Evidence, lang: str | None) -> bytes:
        """The result page."""
        return self._results.scanned(given, language_of(lang), evidence)

    async def _saved(self, payload: str, request: Request) -> Response:
        client = self._site.addresses.client_of(request.scope)
        language = language_of(request.query_params.get("lang"))
        as_json = wants_json(request.headers.get("accept", ""))
        return await self._receipts.save(payload, client, language, as_json=as_json)

    def _shown(self, given: Answer, evidence: Evidence, query: QueryParams, accept: str) -> Response:
        """The report, or the page that ``view`` names; other parameters come from messengers and mean nothing."""
        if wants_json(accept):
            return Response(b"".join(self.report(given, evidence)), media_type=JSON, headers=NO_INDEX)
        language = language_of(query.get("lang"))
        genuine, data = given.verification.genuine, evidence.data
        if query.get("view") == "print":
            return self._results.printed(given, language)
        if query.get("view") == "titles" and genuine is not None and not isinstance(data, Unavailable):
            return self._titles.respond(query, data, language, given)
        return Response(self.page(given, evidence, query.get("lang")), media_type=CONTENT_TYPE, headers=NO_INDEX)


def wants_json(accept: str) -> bool:
    """Whether a client prefers the report to the page: a browser always names HTML."""
    return JSON in accept and "text/html" not in accept
