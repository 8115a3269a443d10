"""ID documents: each type's own rule, the same person under renewed documents, and what may be shown."""

from __future__ import annotations

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.id_document import IdDocument, IdFault, IdType, id_word, mask_id, normalise_id, read_id
from certs.identifiers import resident_id_check
from certs.nationality import nationality_code

TODAY = date(2026, 11, 20)


def citizen(division: str, born: str, sequence: str = "001") -> str:
    body = division + born + sequence
    return body + resident_id_check(body)


def read(word: str, number: str, nationality: str = "") -> IdDocument | IdFault:
    meaning = id_word(word)
    assert meaning is not None
    return read_id(meaning, normalise_id(number), TODAY, nationality)


def document(word: str, number: str, nationality: str = "") -> IdDocument:
    found = read(word, number, nationality)
    assert isinstance(found, IdDocument), found
    return found


def fault(word: str, number: str, nationality: str = "") -> str:
    found = read(word, number, nationality)
    assert isinstance(found, IdFault), found
    return found.code


RESIDENT = citizen("150102", "19040101")
PERMANENT = citizen("911156", "18800101")


@pytest.mark.parametrize("word", ["居民身份证", "身份证", "二代身份证"])
def test_a_resident_id_says_birth_and_sex(word: str) -> None:
    found = document(word, RESIDENT)
    assert found.type is IdType.RESIDENT_ID
    assert found.birth_date == date(1904, 1, 1)
    assert found.is_male is True
    assert found.person_key == f"resident_id:{RESIDENT}"
    assert found.tail == RESIDENT[-4:]
    assert found.masked == f"1501**********{RESIDENT[-4:]}"
    assert found.type_zh == "居民身份证"
    assert document(word, citizen("150102", "19040101", "002")).is_male is False


@pytest.mark.parametrize(
    "typed",
    [
        "440524188001010014",
        " 440524 18800101 0014 ",
        "４４０５２４１８８００１０１００１４",
        "\u202d440524188001010014\u202c",
        "'440524188001010014",
        "440524188001010014\u200b",
    ],
)
def test_typed_forms_are_one_number(typed: str) -> None:
    assert document("身份证", typed).number == "440524188001010014"


def test_a_small_x_is_a_capital_one() -> None:
    number = next(n for n in (citizen("150102", "19040101", f"{s:03}") for s in range(99)) if n.endswith("X"))
    assert document("身份证", number.lower()).number == number


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (RESIDENT[:-1], "id_length"),
        (RESIDENT + "0", "id_length"),
        ("A" + RESIDENT[1:], "id_type_mismatch"),
        (citizen("990102", "19040101"), "id_type_mismatch"),
        (citizen("810000", "19040101"), "id_type_mismatch"),
        (RESIDENT[:-1] + ("0" if RESIDENT[-1] != "0" else "1"), "id_check_failed"),
        (citizen("150102", "19040230"), "id_birth_date"),
        (citizen("150102", "19001301"), "id_birth_date"),
        (citizen("150102", "00000000"), "id_birth_date"),
        ("150102" + "040101" + "001", "id_old_15"),
        ("150102" + "041301" + "001", "id_length"),
        (citizen("150102", "20261121"), "id_birth_in_future"),
    ],
)
def test_a_wrong_resident_id(number: str, code: str) -> None:
    assert fault("居民身份证", number) == code


def test_today_is_no_future_birth() -> None:
    assert document("居民身份证", citizen("150102", "20261120")).birth_date == TODAY


def test_the_length_fault_counts() -> None:
    assert read("身份证", RESIDENT[:-1]) == IdFault(
        "id_length", {"id_type": "居民身份证", "expected": 18, "found": 17}
    )


@pytest.mark.parametrize(("old", "century"), [("150102040101001", "19"), ("150102800101999", "18")])
def test_an_old_number_is_proposed_and_never_converted(old: str, century: str) -> None:
    found = read("身份证", old)
    assert isinstance(found, IdFault)
    check = str(found.params["check"])
    assert found.params == {"century": century, "check": check}
    assert document("身份证", old[:6] + century + old[6:] + check).key.endswith(check)


@given(st.sampled_from(range(18)), st.sampled_from(string.digits))
def test_one_wrong_digit_never_passes(place: int, digit: str) -> None:
    changed = RESIDENT[:place] + digit + RESIDENT[place + 1 :]
    assert (changed == RESIDENT) == isinstance(read("身份证", changed), IdDocument)


@pytest.mark.parametrize(
    ("word", "division", "name"),
    [
        ("港澳居民居住证", "810000", "港澳居民居住证"),
        ("港澳居民居住证", "820000", "港澳居民居住证"),
        ("台湾居民居住证", "830000", "台湾居民居住证"),
        ("港澳台居民居住证", "830000", "台湾居民居住证"),
        ("港澳台居民居住证", "810000", "港澳居民居住证"),
    ],
)
def test_residence_permits(word: str, division: str, name: str) -> None:
    found = document(word, citizen(division, "19040101"))
    assert (found.type, found.type_zh) == (IdType.HMT_RESIDENCE_PERMIT, name)
    assert found.birth_date == date(1904, 1, 1)


@pytest.mark.parametrize(
    ("word", "number", "code"),
    [
        ("港澳居民居住证", citizen("830000", "19040101"), "id_type_mismatch"),
        ("台湾居民居住证", citizen("810000", "19040101"), "id_type_mismatch"),
        ("港澳台居民居住证", citizen("710000", "19040101"), "id_type_mismatch"),
        ("港澳台居民居住证", "8100001904010100A1", "id_type_mismatch"),
        ("港澳台居民居住证", "81000019040101", "id_length"),
        ("港澳台居民居住证", "810000" + "040101" + "001", "id_length"),
        ("港澳居民来往内地通行证", "A12345678", "id_type_mismatch"),
        ("回乡证", "H1234567", "id_type_mismatch"),
        ("回乡证", "H123456789", "id_type_mismatch"),
        ("台胞证", "1234567", "id_type_mismatch"),
        ("台胞证", "123456789", "id_type_mismatch"),
        ("永居证", "ABC12345678901", "id_length_either"),
        ("永居证", "AB1234567890123", "id_type_mismatch"),
        ("永居证", RESIDENT, "id_type_mismatch"),
        ("永居证", PERMANENT[:-1] + ("0" if PERMANENT[-1] != "0" else "1"), "id_check_failed"),
        ("护照", "E123", "id_type_mismatch"),
        ("护照", "E" * 21, "id_type_mismatch"),
        ("护照", "E12-345", "id_type_mismatch"),
        ("护照", "E12345678", "nationality_missing"),
        ("其他", "123", "id_type_mismatch"),
        ("军官证", "字" * 41, "id_type_mismatch"),
    ],
)
def test_wrong_numbers_of_other_documents(word: str, number: str, code: str) -> None:
    assert fault(word, number) == code


def test_the_same_person_under_a_renewed_travel_permit() -> None:
    keys = {document(w, n).person_key for w, n in (("回乡证", "H12345678"), ("回乡证", "h1234567801"))}
    assert keys == {"hm_travel_permit:H12345678"}
    keys = {document("台胞证", number).person_key for number in ("12345678", "1234567801")}
    assert keys == {"taiwan_travel_permit:12345678"}


def test_a_permanent_residence_card_new_and_old() -> None:
    assert document("外国人永久居留身份证", PERMANENT).birth_date == date(1880, 1, 1)
    assert document("永居证", "USA110000040101").birth_date is None
    assert document("永居证", citizen("911156", "20270101")).birth_date is None


def test_two_nations_may_use_one_passport_number() -> None:
    one, other = document("护照", "E1234567", "US"), document("外国护照", "e1234567", "FR")
    assert one.number == other.number
    assert one.person_key == "passport:US:E1234567" != other.person_key


def test_other_documents_are_kept_as_they_are() -> None:
    found = document("军官证", "北字第12345678号")
    assert (found.type, found.key) == (IdType.OTHER, "北字第12345678号")


def test_words() -> None:
    assert id_word("驾驶证") is None
    lookalike = id_word("港澳通行证")
    assert lookalike is not None
    assert lookalike.lookalike
    for id_type in IdType:
        word = id_word(id_type.zh)
        assert word is not None
        assert word.type is id_type


@given(st.text(max_size=40))
def test_a_mask_keeps_the_length_and_hides_the_middle(text: str) -> None:
    masked = mask_id(text)
    assert len(masked) == len(text)
    assert sum(character != "*" for character in masked.replace("*", "")) <= 8


@given(st.text(max_size=30), st.sampled_from(sorted(t.zh for t in IdType)))
def test_no_text_breaks_the_reader(text: str, word: str) -> None:
    assert isinstance(read(word, text, "US"), IdDocument | IdFault)


@pytest.mark.parametrize(
    ("text", "code"), [("美国", "US"), ("us", "US"), (" 法国 ", "FR"), ("美利坚合众国", "US"), ("火星", None)]
)
def test_nationalities(text: str, code: str | None) -> None:
    assert nationality_code(text) == code
