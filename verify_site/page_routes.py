"""The pages that people open by themselves: home, look-up, directory, title desk, interface description."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from certs.errors import KezhengError
from certs.grades import CertificateKind
from certs.jurisdictions import jurisdiction_of
from certs.qr import base32, read_qr_text
from certs.timestamps import shanghai_day
from verify_site.answers import Answer
from verify_site.directory import (
    find_institutions,
    institution_detail,
    institution_entry,
    occupations_listed,
    provinces_listed,
)
from verify_site.language import Language, language_of
from verify_site.number_desk import MAX_NAME, MAX_NUMBER, NumberDesk, Question
from verify_site.page_renderer import Pages, other_language
from verify_site.plain_route import PlainRoute
from verify_site.public_api import directory_query, institution_not_listed, register_data
from verify_site.query_values import past_day_of
from verify_site.record_view import Way, format_day
from verify_site.request_body import read_form, text_field
from verify_site.result_pages import ResultPages
from verify_site.site import Site
from verify_site.title_pages import TitlePages
from verify_site.verify_api import MAX_QR, VerifyApi


class PageRoutes:
    """The pages of one site."""

    def __init__(
        self,
        site: Site,
        pages: Pages,
        results: ResultPages,
        titles: TitlePages,
        desk: NumberDesk,
        api: VerifyApi,
    ) -> None:
        self._site = site
        self._pages = pages
        self._results = results
        self._titles = titles
        self._desk = desk
        self._api = api

    def routes(self) -> list[PlainRoute]:
        """All routes."""
        return [
            PlainRoute("/", self.home),
            PlainRoute("/check", self.check, methods=["POST"]),
            PlainRoute("/institutions", self.institutions),
            PlainRoute("/institutions/{code}", self.institution),
            PlainRoute("/titles", self.titles),
        ]

    async def home(self, request: Request) -> Response:
        """The ways to check a certificate."""
        language = _language(request)
        values = {"here": "/", "public_url": self._site.public_url}
        return self._pages.page("home.html", language, other_language(language), values)

    async def check(self, request: Request) -> Response:
        """The answer to a form: a body is not logged, and an address with a name in it would be."""
        fields = await read_form(request)
        language = _language(request)
        code = (text_field(fields, "code", MAX_QR) or "").strip()
        if code:
            return await self._by_code(code, language)
        number, name = text_field(fields, "number", MAX_NUMBER), text_field(fields, "name", MAX_NAME)
        if not number or not number.strip() or name == "":
            raise KezhengError("request_malformed")
        self._site.take(self._site.look_ups, self._site.addresses.client_of(request.scope), 1, "look_ups")
        given = await self._desk.look_up(Question(number, name), self._site.clock())
        self._site.metrics.count_verification("number", given.verification.verdict.value)
        return self._record(given, Way.NUMBER if name is None else Way.NAMED, language, "")

    async def _by_code(self, code: str, language: Language) -> Response:
        given = await self._api.by_code(code, self._site.clock())
        # Only what is genuine gets an address, written anew from the envelope and never repeated as pasted.
        base = "" if given.verification.genuine is None else f"/v/{base32(read_qr_text(code).envelope)}"
        return self._record(given, Way.SCAN, language, base)

    def _record(self, given: Answer, way: Way, language: Language, base: str) -> Response:
        evidence = self._site.source.snapshot().evidence
        return self._results.record(given, way, language, evidence, base or "/")

    async def institutions(self, request: Request) -> Response:
        """The directory."""
        language, query = _language(request), request.query_params
        trust, data = register_data(self._site)
        names = ("kind", "province", "occupation", "as_of")
        wanted = directory_query(self._site, data, *(query.get(name) for name in names))
        asked = {name: query.get(name, "") for name in names} | {"as_of": wanted.as_of.isoformat()}
        any_choice = ("", language.say("any"))
        places = map(jurisdiction_of, provinces_listed(trust.institutions.values()))
        listed = occupations_listed(trust, data.catalogue)
        values = {
            "here": "/institutions",
            "asked": asked,
            "day": format_day(wanted.as_of, language),
            "entries": [institution_entry(r, data.catalogue, wanted.as_of) for r in find_institutions(trust, wanted)],
            "kinds": [any_choice, *((k.value, language.say(f"kind_{k.value}")) for k in CertificateKind)],
            "provinces": [
                any_choice,
                *((p.code, p.name_en if language.is_english else p.name_zh) for p in places),
            ],
            "occupations": [
                any_choice,
                *((o.id, o.name_en if language.is_english else o.name_zh) for o in listed),
            ],
        }
        return self._pages.page("institutions.html", language, other_language(language, **asked), values)

    async def institution(self, request: Request) -> Response:
        """One institution."""
        language, code = _language(request), request.path_params["code"]
        trust, data = register_data(self._site)
        record = trust.institutions.get(code)
        if record is None:
            raise institution_not_listed(code)
        day = past_day_of(request.query_params.get("as_of"), shanghai_day(self._site.clock()))
        entry = institution_detail(record, data.catalogue, day)
        switch = other_language(language, as_of=request.query_params.get("as_of", ""))
        return self._pages.page(
            "institution.html", language, switch, {"entry": entry, "day": format_day(day, language)}
        )

    async def titles(self, request: Request) -> Response:
        """The title desk, asked without a certificate."""
        _, data = register_data(self._site)
        return self._titles.respond(request.query_params, data, _language(request))


def _language(request: Request) -> Language:
    return language_of(request.query_params.get("lang"))
