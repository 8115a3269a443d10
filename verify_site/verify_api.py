"""``POST /api/v1/verify`` and ``/batch``: plain ASGI routes, because they are called by machines and in
numbers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.finding import Verdict
from certs.qr import read_qr_text
from certs.timestamps import format_instant
from certs.verification import verify_qr_text
from verify_site.answers import Answer, answer, named_report, number_only, scan_report, without_id_tail
from verify_site.looking_again import wants_another_look
from verify_site.number_desk import MAX_NAME, MAX_NUMBER, NumberDesk, Question
from verify_site.problems import problem, public_error
from verify_site.query_values import past_instant_of
from verify_site.request_body import json_object, read_json_object, text_field
from verify_site.site import Site

MAX_VERIFY_BODY = 16 * 1024
MAX_BATCH_BODY = 8 * 1024 * 1024
MAX_BATCH_ITEMS = 10_000
MAX_QR = 4096
"""Characters taken in; what is longer than a code can be is answered as ``payload_too_large``."""
BATCHES_AT_ONCE = 2
"""Each may hold 8 MB of questions and as much of answers."""
API_HEADERS = {"x-robots-tag": "noindex"}
_CHUNK = 250
_VERDICTS = frozenset(verdict.value for verdict in Verdict)
_QR_ALONE = {"qr", "at"}
_BY_NUMBER = {"number", "name", "at"}


def parse_item(fields: Any) -> str | Question:
    """One thing to verify: a QR text, or a question by number. Raises KezhengError ``request_malformed``."""
    if not isinstance(fields, dict):
        raise KezhengError("request_malformed")
    code, number = text_field(fields, "qr", MAX_QR), text_field(fields, "number", MAX_NUMBER)
    if code is not None and fields.keys() <= _QR_ALONE:
        return code
    if number is None or not fields.keys() <= _BY_NUMBER:
        raise KezhengError("request_malformed")
    return Question(number, text_field(fields, "name", MAX_NAME))


class VerifyApi:
    """Answers machines."""

    def __init__(self, site: Site, desk: NumberDesk) -> None:
        self._site = site
        self._desk = desk
        self._batches = asyncio.Semaphore(BATCHES_AT_ONCE)

    async def verify(self, request: Request) -> Response:
        """One verification."""
        fields = await read_json_object(request, MAX_VERIFY_BODY)
        item, at = parse_item(fields), past_instant_of(text_field(fields, "at", 40), self._site.clock())
        if isinstance(item, str):
            return _json(scan_report(await self.by_code(item, at)))
        client = self._site.addresses.client_of(request.scope)
        self._site.take(self._site.look_ups, client, 1, "look_ups")
        return _json(await self._by_number(item, at))

    def verify_at_once(self, body: bytes) -> tuple[Answer, Evidence] | None:
        """The answer to a QR text, counted, with the evidence it rests on; None for whatever is no such question.

        None also where one has to look again, and for faulty questions: the ordinary way words the refusal.
        """
        now = self._site.clock()
        try:
            fields = json_object(body)
            item, at = parse_item(fields), past_instant_of(text_field(fields, "at", 40), now)
            if not isinstance(item, str):
                return None
            evidence = self._site.source.snapshot().evidence
            made = verify_qr_text(item, evidence, at)
        except KezhengError:
            return None
        return None if wants_another_look(made) else (self._counted(answer(made, evidence, now)), evidence)

    async def batch(self, request: Request) -> Response:
        """Many verifications, answered in their order."""
        async with self._batches:
            fields = await read_json_object(request, MAX_BATCH_BODY)
            items = self._batch_items(fields)
            at = past_instant_of(text_field(fields, "at", 40), self._site.clock())
            # Counted before anything is looked up: a batch that asks too much is refused as a whole.
            asked = sum(isinstance(item, Question) for item in items)
            if asked:
                client = self._site.addresses.client_of(request.scope)
                self._site.take(self._site.batch_look_ups, client, asked, "batch_look_ups")
            return _json(await self._results(items, at))

    async def by_code(self, text: str, at: datetime) -> Answer:
        """The answer to a QR text. Raises KezhengError ``not_a_certificate_code``."""
        judged = await self._site.judge(
            lambda given: verify_qr_text(text, given, at), lambda: read_qr_text(text).envelope
        )
        return self._counted(answer(*judged, self._site.clock()))

    def _counted(self, given: Answer) -> Answer:
        self._site.metrics.count_verification("qr", given.verification.verdict.value)
        return given

    async def _by_number(self, question: Question, at: datetime) -> bytes:
        given = await self._desk.look_up(question, at)
        self._site.metrics.count_verification("number", given.verification.verdict.value)
        return named_report(given) if question.name is not None else number_report(given)

    @staticmethod
    def _batch_items(fields: dict[str, Any]) -> list[str | Question]:
        items = fields.get("items")
        if not isinstance(items, list) or not items or fields.keys() - {"items", "at"}:
            raise KezhengError("request_malformed")
        if len(items) > MAX_BATCH_ITEMS:
            raise KezhengError("too_many_items", limit=MAX_BATCH_ITEMS)
        return [parse_item(item) for item in items]

    async def _results(self, items: list[str | Question], at: datetime) -> bytes:
        results: list[orjson.Fragment] = []
        verdicts: Counter[str] = Counter()
        for start in range(0, len(items), _CHUNK):
            chunk = items[start : start + _CHUNK]
            codes = await to_thread.run_sync(self._code_results, [i for i in chunk if isinstance(i, str)], at)
            found = iter(codes)
            for item in chunk:
                outcome, result = next(found) if isinstance(item, str) else await self._number_result(item, at)
                verdicts[outcome] += 1
                if outcome in _VERDICTS:  # counted here, because counters belong to the event loop's thread
                    self._site.metrics.count_verification("batch", outcome)
                results.append(orjson.Fragment(result))
        as_of = format_instant(at)
        return orjson.dumps({"count": len(results), "as_of": as_of, "verdicts": verdicts, "results": results})

    def _code_results(self, codes: list[str], at: datetime) -> list[tuple[str, bytes]]:
        return [self._code_result(code, at) for code in codes]

    def _code_result(self, code: str, at: datetime) -> tuple[str, bytes]:
        try:
            judged = self._site.judge_waiting(
                lambda given: verify_qr_text(code, given, at), lambda: read_qr_text(code).envelope
            )
            return _batch_report(answer(*judged, self._site.clock()))
        except KezhengError as error:
            return _batch_problem(error)

    async def _number_result(self, question: Question, at: datetime) -> tuple[str, bytes]:
        try:
            given = await self._desk.look_up(question, at)
        except KezhengError as error:
            return _batch_problem(error)
        return _batch_report(given, number_alone=question.name is None)


def number_report(given: Answer) -> bytes:
    """The report of a number alone."""
    report = given.report(given.effects_as_json)
    _reduce(report, given)
    return orjson.dumps(report)


def _reduce(report: dict[str, Any], given: Answer) -> None:
    genuine = given.verification.genuine
    if genuine is not None:
        number_only(report, genuine.number.year)


def _batch_report(given: Answer, *, number_alone: bool = False) -> tuple[str, bytes]:
    """A report in a batch: without title effects, which are the same for all of a grade, and without ID
    characters.
    """
    report = given.report()
    without_id_tail(report)
    if number_alone:
        _reduce(report, given)
    return given.verification.verdict.value, orjson.dumps({"report": report})


def _batch_problem(error: KezhengError) -> tuple[str, bytes]:
    shown = public_error(error)
    return shown.code, orjson.dumps({"problem": problem(shown)})


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json", headers=API_HEADERS)
