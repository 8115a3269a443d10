"""ID documents of candidates.

Which kinds there are, what their numbers look like, and who is the same person.

Numbers of 18 characters follow GB 11643-1999; the other forms follow the published rules of each document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from certs.errors import Param
from certs.identifiers import resident_id_check


class IdType(StrEnum):
    """证件类型. The value is stable: it is stored, and part of what makes a person."""

    RESIDENT_ID = "resident_id"
    HMT_RESIDENCE_PERMIT = "hmt_residence_permit"
    HM_TRAVEL_PERMIT = "hm_travel_permit"
    TAIWAN_TRAVEL_PERMIT = "taiwan_travel_permit"
    PERMANENT_RESIDENCE = "permanent_residence"
    PASSPORT = "passport"
    OTHER = "other"

    @property
    def zh(self) -> str:
        """The value as a roster writes it in full."""
        return _NAMES_ZH[self]


_NAMES_ZH = {
    IdType.RESIDENT_ID: "居民身份证",
    IdType.HMT_RESIDENCE_PERMIT: "港澳台居民居住证",
    IdType.HM_TRAVEL_PERMIT: "港澳居民来往内地通行证",
    IdType.TAIWAN_TRAVEL_PERMIT: "台湾居民来往大陆通行证",
    IdType.PERMANENT_RESIDENCE: "外国人永久居留身份证",
    IdType.PASSPORT: "护照",
    IdType.OTHER: "其他",
}


class IdWord(NamedTuple):
    """What a word for an ID type means.

    ``prefixes`` narrows the numbers; ``lookalike`` also names another document.
    """

    type: IdType
    prefixes: tuple[str, ...] = ()
    lookalike: bool = False


_WORDS: Mapping[str, IdWord] = {
    **{name: IdWord(id_type) for id_type, name in _NAMES_ZH.items()},
    "身份证": IdWord(IdType.RESIDENT_ID),
    "二代身份证": IdWord(IdType.RESIDENT_ID),
    "港澳居民居住证": IdWord(IdType.HMT_RESIDENCE_PERMIT, ("81", "82")),
    "台湾居民居住证": IdWord(IdType.HMT_RESIDENCE_PERMIT, ("83",)),
    "回乡证": IdWord(IdType.HM_TRAVEL_PERMIT),
    "港澳通行证": IdWord(IdType.HM_TRAVEL_PERMIT, lookalike=True),
    "台胞证": IdWord(IdType.TAIWAN_TRAVEL_PERMIT),
    "永居证": IdWord(IdType.PERMANENT_RESIDENCE),
    "外国护照": IdWord(IdType.PASSPORT),
    "军官证": IdWord(IdType.OTHER),
}


class IdDocument(NamedTuple):
    """A checked ID document.

    ``number`` is normalised; ``key`` is the part that stays the same for life where there is one.
    ``birth_date`` and ``is_male`` are what the number itself says, None where it does not say it.
    """

    type: IdType
    number: str
    key: str
    birth_date: date | None = None
    is_male: bool | None = None
    nationality: str = ""

    @property
    def person_key(self) -> str:
        """Equal for two documents exactly when they are of the same person, as far as numbers can tell."""
        owner = f":{self.nationality}" if self.nationality else ""
        return f"{self.type.value}{owner}:{self.key}"

    @property
    def tail(self) -> str:
        """The last four characters, which a certificate carries."""
        return id_tail(self.number)

    @property
    def masked(self) -> str:
        """The number as paper and messages may show it: ``4501**********1234``."""
        return mask_id(self.number)

    @property
    def type_zh(self) -> str:
        """The type in full; residence permits are named for where their holder comes from."""
        if self.type is not IdType.HMT_RESIDENCE_PERMIT:
            return self.type.zh
        return "台湾居民居住证" if self.number.startswith("83") else "港澳居民居住证"


class IdFault(NamedTuple):
    """Why a number was refused: a code of the roster words, with what the words need."""

    code: str
    params: Mapping[str, Param] = {}


def id_word(text: str) -> IdWord | None:
    """What a word for an ID type means (full name or synonym), or None."""
    return _WORDS.get(text)


def normalise_id(text: str) -> str:
    """A number as it is compared.

    Half-width capitals without spaces, invisible characters or a leading apostrophe.
    """
    if text.isascii() and text.isalnum():
        return text.upper()
    return _NOISE.sub("", text.translate(_HALF_WIDTH)).lstrip("'`’‘").upper()


def id_tail(number: str) -> str:
    """The last four characters of a number: no more of it is ever signed."""
    return number[-4:]


def mask_id(number: str) -> str:
    """First four and last four for 15 characters and more, otherwise only what is safe to show."""
    if len(number) >= 15:
        return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}"
    shown = 4 if len(number) >= 8 else len(number) // 3
    return "*" * (len(number) - shown) + (number[-shown:] if shown else "")


def read_id(word: IdWord, number: str, today: date, nationality: str = "") -> IdDocument | IdFault:
    """The document of a normalised number, or why it is refused.

    ``nationality`` is the ISO 3166 code that a passport needs; without it ``nationality_missing``.
    """
    return _READERS[word.type](word, number, today, nationality)


def _read_resident_id(word: IdWord, number: str, today: date, _: str) -> IdDocument | IdFault:
    parts = _CITIZEN_NUMBER.fullmatch(number)
    if parts is None:
        return _malformed_citizen_number(word, number)
    if number[:2] not in _MAINLAND:
        return IdFault("id_type_mismatch")
    return _read_citizen_number(word.type, number, today)


def _read_residence_permit(word: IdWord, number: str, today: date, _: str) -> IdDocument | IdFault:
    if _CITIZEN_NUMBER.fullmatch(number) is None:
        return _wrong_length(word, number) or IdFault("id_type_mismatch")
    if number[:6] not in _HMT_DIVISIONS or (word.prefixes and number[:2] not in word.prefixes):
        return IdFault("id_type_mismatch")
    return _read_citizen_number(word.type, number, today)


def _read_citizen_number(id_type: IdType, number: str, today: date) -> IdDocument | IdFault:
    """Birth date first: an impossible one says more than a check character that does not fit."""
    birth_date = _day(number[6:14])
    if birth_date is None:
        return IdFault("id_birth_date", {"month": int(number[10:12]), "day": int(number[12:14])})
    if resident_id_check(number[:17]) != number[17]:
        return IdFault("id_check_failed")
    if birth_date > today:
        return IdFault("id_birth_in_future")
    return IdDocument(id_type, number, number, birth_date, number[16] in "13579")


def _malformed_citizen_number(word: IdWord, number: str) -> IdFault:
    if len(number) == 15 and number.isdecimal() and number.isascii():
        century = "18" if number[12:] in _CENTENARIANS else "19"
        digits = number[:6] + century + number[6:]
        if _day(digits[6:14]) is not None:
            return IdFault("id_old_15", {"century": century, "check": resident_id_check(digits)})
    return _wrong_length(word, number) or IdFault("id_type_mismatch")


def _wrong_length(word: IdWord, number: str) -> IdFault | None:
    if len(number) == 18:
        return None
    return IdFault("id_length", {"id_type": word.type.zh, "expected": 18, "found": len(number)})


def _read_hm_travel_permit(word: IdWord, number: str, _today: date, _: str) -> IdDocument | IdFault:
    """One letter and 8 digits for life, then up to two digits that count the renewals."""
    if re.fullmatch(r"[HM][0-9]{8}(?:[0-9]{2})?", number) is None:
        return IdFault("id_type_mismatch")
    return IdDocument(word.type, number, number[:9])


def _read_taiwan_travel_permit(word: IdWord, number: str, _today: date, _: str) -> IdDocument | IdFault:
    """8 digits for life; the old booklets had 10, the last two counting the renewals."""
    if re.fullmatch(r"[0-9]{8}(?:[0-9]{2})?", number) is None:
        return IdFault("id_type_mismatch")
    return IdDocument(word.type, number, number[:8])


def _read_permanent_residence(word: IdWord, number: str, today: date, _: str) -> IdDocument | IdFault:
    """18 characters beginning with 9 since 2023-12-01.

    Before that three letters and 12 digits, still in use.
    """
    if re.fullmatch(r"[A-Z]{3}[0-9]{12}", number) is not None:
        return IdDocument(word.type, number, number)
    if len(number) not in (15, 18):
        return IdFault("id_length_either", {"id_type": word.type.zh, "found": len(number)})
    if re.fullmatch(r"9[0-9]{16}[0-9X]", number) is None:
        return IdFault("id_type_mismatch")
    if resident_id_check(number[:17]) != number[17]:
        return IdFault("id_check_failed")
    birth_date = _day(number[6:14])
    known = birth_date if birth_date is not None and birth_date <= today else None
    return IdDocument(word.type, number, number, known)


def _read_passport(word: IdWord, number: str, _today: date, nationality: str) -> IdDocument | IdFault:
    if re.fullmatch(r"[0-9A-Z]{5,20}", number) is None:
        return IdFault("id_type_mismatch")
    if not nationality:
        return IdFault("nationality_missing")
    return IdDocument(word.type, number, number, nationality=nationality)


def _read_other(word: IdWord, number: str, _today: date, _: str) -> IdDocument | IdFault:
    if not 4 <= len(number) <= 40 or not number.isprintable():
        return IdFault("id_type_mismatch")
    return IdDocument(word.type, number, number)


@lru_cache(maxsize=65_536)
def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


_READERS: Mapping[IdType, Callable[[IdWord, str, date, str], IdDocument | IdFault]] = {
    IdType.RESIDENT_ID: _read_resident_id,
    IdType.HMT_RESIDENCE_PERMIT: _read_residence_permit,
    IdType.HM_TRAVEL_PERMIT: _read_hm_travel_permit,
    IdType.TAIWAN_TRAVEL_PERMIT: _read_taiwan_travel_permit,
    IdType.PERMANENT_RESIDENCE: _read_permanent_residence,
    IdType.PASSPORT: _read_passport,
    IdType.OTHER: _read_other,
}
_CITIZEN_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_HMT_DIVISIONS = frozenset(("810000", "820000", "830000"))
_MAINLAND = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65))
    for code in range(first, last + 1)
)
"""The province digits of mainland residents (GB/T 2260)."""
_CENTENARIANS = ("996", "997", "998", "999")
"""Sequence numbers that 15-digit numbers kept for people born in the nineteenth century."""
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_NOISE = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
