"""Check characters: ISO/IEC 7064 (= GB/T 17710), GB 11643, GB 11714 and GB 32100.

Every function takes the characters before the check character and raises ValueError on one that its alphabet
lacks.
"""

from __future__ import annotations

from operator import mul

from certs.errors import KezhengError

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of GB 32100-2015: no I, O, S, V, Z."""
CREDIT_CODE_LENGTH = 18
MOD_37_36_START = 36

_VALUES = {character: value for value, character in enumerate(ALPHANUMERIC)}
_HYBRID_STEPS = [
    {character: 2 * ((state + value) % 36 or 36) % 37 for character, value in _VALUES.items()}
    for state in range(37)
]
"""Next state of MOD 37,36 by state and character, worked out once: every verification checks a number."""
_CREDIT_VALUES = {character: value for value, character in enumerate(CREDIT_CODE_ALPHABET)}
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ID_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_ID_ZEROS = ord("0") * sum(_ID_WEIGHTS)
_MOD_11_2_CHECKS = "10X98765432"


def mod_37_36_check(text: str, state: int = MOD_37_36_START) -> str:
    """The check character of ISO/IEC 7064 MOD 37,36 (hybrid) over ``0-9A-Z``.

    ``state`` is what `mod_37_36_state` gave for characters before these.
    """
    try:
        for character in text:
            state = _HYBRID_STEPS[state][character]
    except KeyError as error:
        raise ValueError("not a digit or capital letter") from error
    return ALPHANUMERIC[(37 - state) % 36]


def mod_37_36_state(text: str) -> int:
    """How far MOD 37,36 has come after these characters: numbers of one series share all but a few."""
    state = MOD_37_36_START
    for character in text:
        state = _HYBRID_STEPS[state][character]
    return state


def mod_11_2_check(digits: str) -> str:
    """The check character (``0``–``9`` or ``X``) of ISO/IEC 7064 MOD 11-2 over decimal digits."""
    state = 0
    for digit in digits:
        state = 2 * (state + _digit_value(digit)) % 11
    return _MOD_11_2_CHECKS[state]


def resident_id_check(digits: str) -> str:
    """The check character of GB 11643-1999 over exactly 17 ASCII digits that the caller has made sure of.

    The same value as ``mod_11_2_check``, several times as fast: rosters have ten thousand of them.
    """
    return _MOD_11_2_CHECKS[(sum(map(mul, digits.encode("ascii"), _ID_WEIGHTS)) - _ID_ZEROS) % 11]


def organisation_code_check(text: str) -> str:
    """The check character of an organisation code (GB 11714-1997) over its first 8 characters."""
    total = sum(map(mul, map(_alphanumeric_value, text), _ORGANISATION_WEIGHTS))
    return "0123456789X0"[11 - total % 11]


def credit_code_check(text: str) -> str:
    """The check character of a unified social credit code (GB 32100-2015) over its first 17 characters."""
    total = sum(map(mul, map(_credit_value, text), _CREDIT_WEIGHTS))
    return CREDIT_CODE_ALPHABET[-total % 31]


def check_credit_code(code: str) -> None:
    """Refuse what is not a unified social credit code, with the organisation code inside it at places 9–17.

    Raises KezhengError ``credit_code_length``, ``credit_code_alphabet``, ``credit_code_check_failed`` or
    ``credit_code_inner_check_failed``.
    """
    if len(code) != CREDIT_CODE_LENGTH:
        raise KezhengError("credit_code_length", length=len(code))
    if not _CREDIT_VALUES.keys() >= set(code):
        raise KezhengError("credit_code_alphabet")
    if credit_code_check(code[:17]) != code[17]:
        raise KezhengError("credit_code_check_failed")
    if organisation_code_check(code[8:16]) != code[16]:
        raise KezhengError("credit_code_inner_check_failed")


def _alphanumeric_value(character: str) -> int:
    value = _VALUES.get(character)
    if value is None:
        raise ValueError("not a digit or capital letter")
    return value


def _credit_value(character: str) -> int:
    value = _CREDIT_VALUES.get(character)
    if value is None:
        raise ValueError("not in the alphabet of GB 32100")
    return value


def _digit_value(character: str) -> int:
    value = _alphanumeric_value(character)
    if value > 9:
        raise ValueError("not a digit")
    return value
