"""The language of a page: Chinese unless English is asked for by ``?lang=en``. No cookie is needed for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlencode

from certs.errors import Param
from certs.wording import Words, words


class TwoTongues(Protocol):
    """Anything with a Chinese and an English side."""

    @property
    def zh(self) -> str:
        """The Chinese text."""

    @property
    def en(self) -> str:
        """The English text."""


@dataclass(frozen=True, slots=True)
class Language:
    """One of the two languages, as templates use it."""

    code: str

    @property
    def html(self) -> str:
        """The value of the ``lang`` attribute."""
        return "en" if self.code == "en" else "zh-CN"

    @property
    def is_english(self) -> bool:
        """Whether this is English."""
        return self.code == "en"

    def say(self, code: str, /, **params: Param) -> str:
        """The words of a code of page furniture."""
        return self.of(words("page", code, **params)) if params else _said(self.code, "page", code)

    def word(self, namespace: str, code: str, /, **params: Param) -> str:
        """The words of a code of any namespace."""
        return self.of(words(namespace, code, **params)) if params else _said(self.code, namespace, code)

    def of(self, said: TwoTongues) -> str:
        """This language's side."""
        return said.en if self.is_english else said.zh

    def pick(self, entry: dict[str, Any], prefix: str = "") -> str:
        """This language's side of a JSON entry with ``zh`` and ``en`` (``advice_zh`` … with a prefix)."""
        return str(entry[prefix + self.code])

    def advice(self, said: Words) -> str:
        """This language's next step."""
        return said.advice_en if self.is_english else said.advice_zh

    def link(self, path: str, /, **query: str) -> str:
        """An address on this site that keeps the language."""
        given = {name: value for name, value in query.items() if value}
        pairs = given | ({"lang": "en"} if self.is_english else {})
        return f"{path}?{urlencode(pairs)}" if pairs else path


@cache
def _said(language: str, namespace: str, code: str) -> str:
    """Words without parameters: there are as many as in the table."""
    return str(getattr(words(namespace, code), "en" if language == "en" else "zh"))


CHINESE = Language("zh")
ENGLISH = Language("en")


def language_of(query: str | None) -> Language:
    """The language named by the ``lang`` parameter."""
    return ENGLISH if query == "en" else CHINESE
