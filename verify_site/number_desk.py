"""Look-ups by number: with the name, or alone.

The envelope found goes through the same verification as a scan, and everything shown comes out of it. An
unknown number and another name cannot be told apart: not by the answer, not by the count of wrong names, not
by the time.
"""

from __future__ import annotations

import asyncio
import hmac
from datetime import datetime
from typing import NamedTuple

from anyio import to_thread

from certs.certificate_number import CertificateNumber, normalise_typed_number, parse_number
from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.person_name import compared_name
from certs.timestamps import shanghai_day
from certs.unavailable import Unavailable
from certs.verification import verify
from verify_site.answers import Answer, answer
from verify_site.site import Site

NO_MATCH_SECONDS = 0.05
"""Every "no match" leaves this long after it was asked: far more than any difference of the work behind it.
"""
MAX_NUMBER = 64
MAX_NAME = 64


class Question(NamedTuple):
    """A look-up: the number as it was typed, and the name, None for a look-up by number alone."""

    number: str
    name: str | None


class NumberDesk:
    """Answers look-ups of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def look_up(self, question: Question, at: datetime) -> Answer:
        """The answer to one look-up, judged for ``at``.

        Raises KezhengError: ``number_check_failed``, ``number_layout_unknown`` for a mistyped number;
        ``no_match`` (number and name), ``certificate_unknown`` (number alone), ``number_closed_today``,
        ``data_unavailable``.
        """
        evidence = self._site.source.snapshot().evidence
        _require_usable(evidence, at)
        number = typed_number(question.number, evidence)
        if question.name is None:
            return await self._by_number(number, at)
        self._refuse_closed(number)
        return await self._by_name(number, question.name, at)

    async def _by_number(self, number: CertificateNumber, at: datetime) -> Answer:
        envelope = await self._envelope(number)
        if envelope is None:
            raise KezhengError("certificate_unknown", number=number.text)
        return await self._verified(envelope, at)

    async def _by_name(self, number: CertificateNumber, name: str, at: datetime) -> Answer:
        asked_at = self._site.seconds()
        envelope = await self._envelope(number)
        found = None if envelope is None else await self._verified(envelope, at)
        if found is not None and is_name_of(found, name):
            return found
        self._site.wrong_names.record(number.text, shanghai_day(self._site.clock()))
        await asyncio.sleep(max(0.0, asked_at + NO_MATCH_SECONDS - self._site.seconds()))
        raise KezhengError("no_match")

    def _refuse_closed(self, number: CertificateNumber) -> None:
        if self._site.wrong_names.is_closed(number.text, shanghai_day(self._site.clock())):
            self._site.metrics.count_refusal("wrong_names")
            raise KezhengError("number_closed_today")

    async def _verified(self, envelope: bytes, at: datetime) -> Answer:
        made, used = await self._site.judge(lambda given: verify(envelope, given, at), lambda: envelope)
        return answer(made, used, self._site.clock())

    async def _envelope(self, number: CertificateNumber) -> bytes | None:
        try:
            return await to_thread.run_sync(self._site.source.envelope_by_number, number.text)
        except Exception as error:  # a database has many ways to be away, and none of them is for strangers
            raise KezhengError("data_unavailable") from error


def typed_number(text: str, evidence: Evidence) -> CertificateNumber:
    """The number that was typed. Raises KezhengError as ``parse_number``; ``data_unavailable`` without
    layouts.
    """
    if isinstance(evidence.data, Unavailable):
        raise KezhengError("data_unavailable")
    return parse_number(normalise_typed_number(text), evidence.data.layouts)


def _require_usable(evidence: Evidence, at: datetime) -> None:
    """Without a fresh trust list every number is refused alike: a look-up that fails only for some would tell
    which.
    """
    if isinstance(evidence.trust, Unavailable) or at > evidence.trust.expires_at:
        raise KezhengError("data_unavailable")


def is_name_of(found: Answer, name: str) -> bool:
    """Whether a name as it was typed is the holder's. What cannot be verified as signed matches no name."""
    genuine = found.verification.genuine
    if genuine is None:
        return False
    return hmac.compare_digest(compared_name(name).encode("utf-8"), compared_name(genuine.claims.name).encode("utf-8"))
