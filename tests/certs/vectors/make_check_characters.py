"""Writes check_characters.json: published examples, and values worked out by the standards' own definitions.

Run from the root of the project: ``python tests/certs/vectors/make_check_characters.py``. The definitions
here are the verification rules (a whole string is congruent to 1), searched by trial, so they share nothing
with the program.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CASES = 40


def fits_mod_37_36(text: str) -> bool:
    """ISO/IEC 7064, hybrid systems: P = M; for each a: S = P|M+1 + a, P = 2 * (S || M).

    The last S is 1 mod M.
    """
    product, total = 36, 0
    for character in text:
        total = product % 37 + ALPHABET.index(character)
        product = ((total % 36) or 36) * 2
    return total % 36 == 1


def fits_mod_11_2(text: str) -> bool:
    """ISO/IEC 7064, pure systems: the sum of a_i * 2^(i-1), counted from the right, is 1 mod 11."""
    values = [10 if character == "X" else int(character) for character in reversed(text)]
    return sum(value * 2**place for place, value in enumerate(values)) % 11 == 1


def fits_organisation(text: str) -> bool:
    """GB 11714: the weighted sum with the check character (X is 10) is 0 mod 11."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    last = 10 if text[8] == "X" else int(text[8]) if text[8].isdigit() else None
    total = sum(weight * ALPHABET.index(c) for weight, c in zip(weights, text, strict=False))
    return last is not None and (total + last) % 11 == 0


def fits_credit(text: str) -> bool:
    """GB 32100: the sum of C_i * 3^(i-1) with the check character itself, weight 1, is 0 mod 31."""
    body = sum(CREDIT.index(character) * 3**place for place, character in enumerate(text[:17]))
    return (body + CREDIT.index(text[17])) % 31 == 0


def pseudo_random(seed: str, alphabet: str, length: int) -> str:
    """The same characters in every run."""
    digest = hashlib.sha512(seed.encode()).digest()
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:length])


def complete(seed: str, alphabet: str, length: int, fits: object) -> list[str]:
    """A pseudo-random text and the one check character that fits."""
    assert callable(fits)
    body = pseudo_random(seed, alphabet, length)
    checks = [
        check
        for check in ALPHABET
        if (check in CREDIT or fits is not fits_credit) and trial(fits, body + check)
    ]
    assert len(checks) == 1, (body, checks)
    return [body, checks[0]]


def trial(fits: object, text: str) -> bool:
    """Whether a text fits; a character that has no value does not."""
    assert callable(fits)
    try:
        return bool(fits(text))
    except ValueError:
        return False


PUBLISHED = {
    "mod_37_36": [
        ["A12425GABC1234002", "M"],
        ["11100000000013338W01111430000006122244L20230000403001", "U"],
        ["11100000MB03271699022340100000000016001", "9"],
        ["11100000000013338W00911330105002500287C2025052201002", "0"],
        ["11100000000013661B006113700000045046442209FA4E88F9E4C878F3E9BED2CE7EA49001", "D"],
        ["P000115000001242000123", "M"],
    ],
    "mod_11_2": [["44052418800101001", "4"], ["079", "X"], ["0794", "0"]],
    "credit_code": [
        ["91350100M000100Y4", "3"],
        ["11100000000013338", "W"],
        ["11430000006122244", "L"],
        ["11330105002500287", "C"],
        ["11110000000021135", "M"],
        ["11370000004504644", "2"],
        ["12150000MB0012343", "X"],
    ],
    "organisation_code": [["00001333", "8"], ["M000100Y", "4"], ["MB001234", "3"], ["D2143569", "X"]],
}
COMPUTED = {
    "mod_37_36": (ALPHABET, 22, fits_mod_37_36),
    "mod_11_2": ("0123456789", 17, fits_mod_11_2),
    "credit_code": (CREDIT, 17, fits_credit),
    "organisation_code": (ALPHABET, 8, fits_organisation),
}


def vectors() -> dict[str, dict[str, list[list[str]]]]:
    """All vectors by system, published and computed apart."""
    return {
        name: {
            "published": PUBLISHED[name],
            "computed": [complete(f"{name} {case}", alphabet, length, fits) for case in range(CASES)],
        }
        for name, (alphabet, length, fits) in COMPUTED.items()
    }


if __name__ == "__main__":
    target = Path(__file__).with_name("check_characters.json")
    target.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
