"""Saving a receipt from a scan, and the page of a kept one: its own short address, a picture, PDF and data.

With a registry role behind it the site has the receipt made, counter-signed and kept there for a day. A mirror has
none: it gives the bundle without a counter-signature, says so, and keeps nothing.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certs.errors import KezhengError
from certs.qr import read_payload
from certs.receipt import receipt_document
from certs.receipt_bundle import CheckMade, Published, receipt_bundle
from certs.timestamps import instant_from_epoch
from certs.verification import verify_payload
from verify_site.answers import fresh_check_id
from verify_site.language import Language, language_of
from verify_site.page_renderer import NO_INDEX, Pages, other_language
from verify_site.plain_route import PlainRoute
from verify_site.record_view import format_moment
from verify_site.registry_desk import RegistryDesk
from verify_site.site import Site

JSON = "application/json"
_NAME = re.compile(r"([a-z2-7]{26})(?:\.(json|pdf|png))?")
_TYPES = {"json": JSON, "pdf": "application/pdf", "png": "image/png"}
_SAVED_AS_FILE = ("json", "pdf")
_SEE_OTHER = 303


class ReceiptPages:
    """Receipts of one site."""

    def __init__(self, site: Site, pages: Pages) -> None:
        self._site = site
        self._pages = pages

    def routes(self) -> list[PlainRoute]:
        """The kept receipts; saving one belongs to the scan."""
        return [PlainRoute("/r/{name}", self.kept)]

    async def save(self, payload: str, client: str, language: Language, *, as_json: bool) -> Response:
        """Make a receipt of a payload: the way to its page, or the receipt itself for a program.

        Raises KezhengError ``receipt_unavailable``, ``too_many_requests``.
        """
        self._site.take(self._site.receipts, client, 1, "receipts")
        registry = self._site.registry
        if registry is None:
            bundle, document = await to_thread.run_sync(self._unsigned, payload)
            return _json(document) if as_json else self._unsigned_page(bundle, document, language)
        identifier = await registry.make_receipt(payload)
        if as_json:
            return _json(await registry.receipt(identifier, "json"))
        return RedirectResponse(language.link(f"/r/{identifier}"), _SEE_OTHER, headers=NO_INDEX)

    async def kept(self, request: Request) -> Response:
        """A kept receipt: its page, or one of its files. Raises KezhengError ``receipt_unknown``."""
        named, registry = _NAME.fullmatch(request.path_params["name"]), self._site.registry
        if registry is None or named is None:
            raise KezhengError("receipt_unknown")
        identifier, form = named.groups()
        if form is not None:
            return await _file(registry, identifier, form)
        bundle = await registry.bundle(identifier)
        language = language_of(request.query_params.get("lang"))
        values = {
            "picture": f"/r/{identifier}.png",
            "files": (("button_pdf", f"/r/{identifier}.pdf"), ("button_data", f"/r/{identifier}.json")),
            "file_name": "",
            "address": f"{self._site.public_url}/r/{identifier}",
        }
        return self._page(bundle, language, values, other_language(language))

    def _unsigned(self, payload: str) -> tuple[dict[str, Any], bytes]:
        snapshot, at = self._site.source.snapshot(), self._site.clock().replace(microsecond=0)
        verification = verify_payload(payload, snapshot.evidence, at)
        made = CheckMade(_envelope(payload), verification, snapshot.evidence, fresh_check_id(), at)
        published = Published(snapshot.files, self._site.source.log_file)
        bundle = receipt_bundle(made, published)
        return bundle, receipt_document(bundle, None, published.delegation.encode("ascii"))

    def _unsigned_page(self, bundle: Mapping[str, Any], document: bytes, language: Language) -> Response:
        """The receipt is in the page itself: nothing is kept here."""
        values = {
            "picture": "",
            "files": (("button_data", f"data:{JSON};base64,{b64encode(document).decode('ascii')}"),),
            "file_name": file_name(bundle, "json"),
            "address": "",
        }
        return self._page(bundle, language, values, "")

    def _page(
        self, bundle: Mapping[str, Any], language: Language, values: Mapping[str, Any], switch: str
    ) -> Response:
        certificate, institution = bundle["certificate"], bundle["institution"]
        shown = {
            "tone": bundle["tone"],
            "headline": language.pick(bundle["headline"]),
            "certificate": certificate,
            "grade": "" if certificate is None else language.say(f"grade_{certificate['grade']}"),
            "occupation": "" if certificate is None else language.pick(certificate["occupation"], "name_"),
            "institution": institution,
            "check_id": bundle["check_id"],
            "checked_at": format_moment(instant_from_epoch(bundle["checked_at"])),
        }
        return self._pages.page("receipt.html", language, switch, {**shown, **values}, headers=NO_INDEX)


def file_name(bundle: Mapping[str, Any], form: str) -> str:
    """The name under which a receipt is saved: it names the check, never a person."""
    return f"kezheng-receipt-{bundle['check_id']}.{form}"


async def _file(registry: RegistryDesk, identifier: str, form: str) -> Response:
    headers = dict(NO_INDEX)
    if form in _SAVED_AS_FILE:
        name = file_name(await registry.bundle(identifier), form)
        headers["content-disposition"] = f'attachment; filename="{name}"'
    return Response(await registry.receipt(identifier, form), headers=headers, media_type=_TYPES[form])


def _envelope(payload: str) -> bytes | None:
    try:
        return read_payload(payload)
    except KezhengError:
        return None


def _json(document: bytes) -> Response:
    return Response(document, media_type=JSON, headers=NO_INDEX)
