"""The JSON interface to what is the same for everybody: directory, title effects, places. FastAPI documents
it.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from certs.certificate_number import parse_institution_code
from certs.equivalence import title_effects
from certs.errors import KezhengError
from certs.evidence import DataFiles
from certs.grades import CertificateKind
from certs.jurisdictions import Jurisdiction, jurisdiction_of, provinces
from certs.timestamps import shanghai_day
from certs.trust_list import TrustList
from certs.unavailable import Unavailable
from verify_site.directory import DirectoryQuery, find_institutions, institution_detail, institution_entry
from verify_site.query_values import day_of, grade_of, kind_of, past_day_of
from verify_site.site import Site

_CACHEABLE = {"cache-control": "public, max-age=60", "access-control-allow-origin": "*"}
Text = Annotated[str | None, Query(max_length=64)]


def register_data(site: Site) -> tuple[TrustList, DataFiles]:
    """The trust list and the data files in memory. Raises KezhengError ``data_unavailable``."""
    evidence = site.source.snapshot().evidence
    if isinstance(evidence.trust, Unavailable) or isinstance(evidence.data, Unavailable):
        raise KezhengError("data_unavailable")
    return evidence.trust, evidence.data


def directory_query(
    site: Site,
    data: DataFiles,
    kind: str | None,
    province: str | None,
    occupation: str | None,
    as_of: str | None,
) -> DirectoryQuery:
    """The query in parameters. Raises KezhengError with the code of the one that is wrong."""
    found = data.catalogue.find(occupation) if occupation else None
    if occupation and found is None:
        raise KezhengError("occupation_unknown", value=occupation)
    return DirectoryQuery(
        kind=kind_of(kind),
        province=jurisdiction_of(province).code if province else None,
        occupation=found.id if found else None,
        as_of=past_day_of(as_of, shanghai_day(site.clock())),
    )


def public_api(site: Site) -> APIRouter:
    """The routes of one site."""
    router = APIRouter(prefix="/api/v1", tags=["register"])

    @router.get("/institutions", summary="Directory of institutions as of a day")
    async def institutions(
        kind: Text = None, province: Text = None, occupation: Text = None, as_of: Text = None
    ) -> Response:
        trust, data = register_data(site)
        query = directory_query(site, data, kind, province, occupation, as_of)
        entries = [institution_entry(r, data.catalogue, query.as_of) for r in find_institutions(trust, query)]
        return _json({"as_of": query.as_of.isoformat(), "count": len(entries), "institutions": entries})

    @router.get("/institutions/{code}", summary="One institution with scopes, sites and history")
    async def institution(code: str, as_of: Text = None) -> Response:
        trust, data = register_data(site)
        day = past_day_of(as_of, shanghai_day(site.clock()))
        record = trust.institutions.get(code)
        if record is None:
            raise institution_not_listed(code)
        return _json({"as_of": day.isoformat()} | institution_detail(record, data.catalogue, day))

    @router.get("/equivalence", summary="Title effects of a grade at a place on a day")
    async def equivalence(
        jurisdiction: Text = None,
        occupation: Text = None,
        grade: Text = None,
        on: Text = None,
        kind: Text = None,
    ) -> Response:
        if not (jurisdiction and grade):
            raise KezhengError("request_malformed")
        _, data = register_data(site)
        found = data.catalogue.find(occupation) if occupation else None
        if occupation and found is None:
            raise KezhengError("occupation_unknown", value=occupation)
        held, chosen = kind_of(kind) or CertificateKind.ASSESSMENT, grade_of(grade)
        assert chosen is not None
        day = day_of(on) or shanghai_day(site.clock())
        effects = title_effects(data.policies, jurisdiction, held, chosen, day, found.id if found else None)
        return _json({"effects": [effect.to_json() for effect in effects]})

    @router.get("/jurisdictions", summary="Places whose rules can be asked for")
    async def jurisdictions() -> Response:
        _, data = register_data(site)
        places = (jurisdiction_of("00"), *provinces())
        return _json({"jurisdictions": [_place(place, set(data.policies.of_place)) for place in places]})

    return router


def institution_not_listed(code: str) -> KezhengError:
    """The error for a code without an institution; only a well-formed code is repeated."""
    try:
        return KezhengError("institution_not_listed", institution=parse_institution_code(code).text)
    except KezhengError:
        return KezhengError("institution_not_listed", institution="–")


def _place(place: Jurisdiction, ruled: set[str]) -> dict[str, Any]:
    return {
        "code": place.code,
        "name_zh": place.name_zh,
        "name_en": place.name_en,
        "is_extension": place.is_extension,
        "has_known_text": any(code[:2] == place.code for code in ruled),
    }


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json", headers=_CACHEABLE)
