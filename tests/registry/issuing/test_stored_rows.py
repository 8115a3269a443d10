"""A candidate comes back from the database as it went in: what was approved is what is signed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from register_desk import id_number

from certs.assessment import AssessmentResult
from certs.candidate import Candidate, CandidateDetails, rows_digest
from certs.errors import KezhengError
from certs.grades import Grade
from certs.id_document import IdDocument, IdType
from certs.occupations import catalogue
from keys.data_protection import FieldCipher
from registry.issuing.approved_rows import ApprovalReader
from registry.issuing.stored_rows import Replacement, candidate_of, replacement_of, row_record
from registry.store.approval_store import StoredRow

KEY_ID = b"key no 1"
CIPHER = FieldCipher({KEY_ID: b"d" * 32}, KEY_ID)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DAY = st.dates(date(1900, 1, 1), date(2100, 1, 1))

DETAILS = st.builds(
    CandidateDetails,
    *(TEXT,) * 6,
    birth_date=st.none() | DAY,
    nationality=TEXT,
    education=TEXT,
    eligibility=TEXT,
    official_number=TEXT,
    hours=st.none() | st.integers(1, 200_000),
    remark=TEXT,
    others=st.lists(TEXT, max_size=3).map(tuple),
)
DOCUMENTS = st.builds(
    IdDocument, st.sampled_from(IdType), TEXT, TEXT, st.none() | DAY, st.none() | st.booleans(), TEXT
)


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    occupation = catalogue().by_id("2-02-38-05")
    direction = draw(st.sampled_from([None, 1, 2, "自有方向"]))
    return Candidate(
        row=draw(st.integers(1, 100_000)),
        ordinal=draw(TEXT),
        name=draw(TEXT),
        id_document=draw(DOCUMENTS),
        occupation_id=occupation.id,
        occupation_code=draw(TEXT),
        direction=direction,
        direction_name=occupation.direction_name(direction),
        grade=draw(st.sampled_from(Grade)),
        theory=draw(st.none() | st.integers(0, 10_000)),
        ability=draw(st.none() | st.integers(0, 10_000)),
        result=draw(st.sampled_from(AssessmentResult)),
        assessed_on=draw(DAY),
        training_certificate=draw(TEXT),
        site_code=draw(TEXT),
        details=draw(DETAILS),
    )


@given(candidates(), st.integers(1, 2**40))
def test_a_candidate_comes_back_as_it_was(candidate: Candidate, row_id: int) -> None:
    stored = row_record(candidate, row_id, "B1", 7, CIPHER)
    again = candidate_of(stored, CIPHER, catalogue())
    assert again == candidate
    assert rows_digest([again]) == rows_digest([candidate])
    assert replacement_of(stored) is None


@given(st.lists(candidates(), max_size=4, unique_by=lambda candidate: candidate.row))
def test_what_is_read_to_be_issued_has_the_digest_that_was_approved(rows: list[Candidate]) -> None:
    """Without making candidates of the rows again, byte for byte what the approver's digest is made of."""
    ordered = sorted(rows, key=lambda candidate: candidate.row)
    reader = ApprovalReader(CIPHER, catalogue())
    stored = [row_record(candidate, row_id, "B1", 7, CIPHER) for row_id, candidate in enumerate(ordered)]
    reader.read([[getattr(row, name) for name in StoredRow._fields] for row in stored])
    assert reader.digest.value() == rows_digest(rows)
    for row, candidate in zip(reader.rows.values(), ordered, strict=True):
        assert (row.name, row.id_tail) == (candidate.name, candidate.id_document.tail)
        assert row.earns_certificate is candidate.earns_certificate
        assert row.official_number == (candidate.details.official_number or None)
        assert row.subject == (
            *(candidate.occupation_id, candidate.occupation_code, candidate.direction, candidate.direction_name),
            *(candidate.grade, candidate.assessed_on, candidate.site_code or None),
        )


@given(candidates())
def test_sealed_parts_open_in_their_own_row_alone(candidate: Candidate) -> None:
    stored = row_record(candidate, 1, "B1", 7, CIPHER)
    with pytest.raises(KezhengError, match="data_damaged"):
        candidate_of(stored._replace(id=2), CIPHER, catalogue())
    with pytest.raises(KezhengError, match="data_damaged"):
        candidate_of(stored._replace(private_ciphertext=stored.number_ciphertext), CIPHER, catalogue())


def test_what_is_nobodys_business_is_in_no_column() -> None:
    document = IdDocument(IdType.RESIDENT_ID, id_number(1), id_number(1), date(1904, 1, 1), True)
    details = CandidateDetails(phone="13900001111", employer="某公司", remark="某备注", others=("某栏",))
    candidate = Candidate(
        *(2, "1", "测试安", document, "2-02-38-05", "2-02-38-05", 1, "智能装备与产线开发", Grade.JUNIOR, 6000, 6000),
        AssessmentResult.PASSED,
        date(2026, 11, 2),
        "",
        "",
        details,
    )
    stored = str(row_record(candidate, 1, "B1", 7, CIPHER))
    for private in (id_number(1), "13900001111", "某公司", "某备注", "某栏"):
        assert private not in stored


def test_what_a_correction_replaces_is_kept_with_its_row() -> None:
    document = IdDocument(IdType.OTHER, "x1234", "x1234")
    candidate = Candidate(
        *(2, "", "测试安", document, "2-02-38-05", "2-02-38-05", None, None, Grade.JUNIOR, None, None),
        *(AssessmentResult.PASSED, date(2026, 11, 2), "", ""),
    )
    replaces = Replacement("P000115000001262000001B", "correction")
    assert replacement_of(row_record(candidate, 1, "B1", 7, CIPHER, replaces)) == replaces
