"""Templates to HTML: compiled once, autoescaped, and strict about names they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.responses import Response

from certs.errors import KezhengError
from certs.evidence import Evidence
from certs.unavailable import Unavailable
from verify_site.language import Language
from verify_site.problems import error_words, problem_headers, public_error, status_of
from verify_site.site import Site

CONTENT_TYPE = "text/html; charset=utf-8"
NO_INDEX = {"x-robots-tag": "noindex, nofollow"}
STYLE_FILE = "site.css"
MARK_FILE = "mark.svg"


def static_file(name: str) -> bytes:
    """A file of the site's own, which never changes while it runs."""
    return files("verify_site").joinpath("static", name).read_bytes()


class Pages:
    """Renders the templates of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def page(
        self,
        template: str,
        language: Language,
        switch: str,
        values: Mapping[str, Any],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One page. ``switch`` is the address of the same page in the other language, empty where there is
        none.
        """
        frame = self.frame(language, switch, self._site.source.snapshot().evidence)
        html = self.render(template, frame | dict(values))
        return Response(html, status, dict(headers or {}), media_type=CONTENT_TYPE)

    @staticmethod
    def frame(language: Language, switch: str, evidence: Evidence) -> dict[str, Any]:
        """What every page is given: language, the way to the other one, and whether the data are samples."""
        return {"L": language, "switch": switch, "here": "", "is_demo": is_demo(evidence)}

    @staticmethod
    def render(template: str, values: Mapping[str, Any]) -> str:
        """A template with all that it is given."""
        return _TEMPLATES[template].render(values)

    @staticmethod
    def fragment(template: str, language: Language, **values: Any) -> Markup:
        """A part of a page, to be put into another one."""
        return Markup(_TEMPLATES[template].render(values | {"L": language}))

    def error(self, error: KezhengError, language: Language) -> Response:
        """The page of an error, in words."""
        shown = public_error(error)
        said = error_words(shown)
        values = {"said": language.of(said), "advice": language.advice(said)}
        headers = problem_headers(shown) | NO_INDEX
        return self.page("error.html", language, other_language(language), values, status_of(shown), headers)


def _templates() -> dict[str, Template]:
    environment = Environment(
        loader=PackageLoader("verify_site"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style_version"] = sha256(static_file(STYLE_FILE)).hexdigest()[:12]
    return {name: environment.get_template(name) for name in environment.list_templates(["html"])}


_TEMPLATES = _templates()
"""Compiled as the module is loaded, which several processes share; to compile takes longer than to serve hundreds."""


def is_demo(evidence: Evidence) -> bool:
    """Whether the trust list says that its data are samples."""
    return not isinstance(evidence.trust, Unavailable) and evidence.trust.environment != "production"


def other_language(language: Language, **query: str) -> str:
    """The same address in the other language, relative to the page, with what else it was asked."""
    other = Language("zh" if language.is_english else "en")
    return other.link("", **query) or "?"
