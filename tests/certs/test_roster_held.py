"""What candidates hold already: the same is a fault, another direction a warning, nothing names an institution."""

from __future__ import annotations

from datetime import date

import pytest

from certs.assessment import AssessmentResult
from certs.candidate import Candidate
from certs.grades import CertificateKind, Grade
from certs.id_document import IdDocument, IdType
from certs.roster_held import Held, TrainingCertificate, candidate_faults, held_finding, training_finding

P, T = CertificateKind.ASSESSMENT, CertificateKind.TRAINING
NUMBER = "150102190401012012"
CANDIDATE = Candidate(
    row=7,
    ordinal="5",
    name="张小明",
    id_document=IdDocument(IdType.RESIDENT_ID, NUMBER, NUMBER),
    occupation_id="2-02-38-05",
    occupation_code="2-02-38-05",
    direction=2,
    direction_name="智能装备与产线应用",
    grade=Grade.INTERMEDIATE,
    theory=8600,
    ability=9150,
    result=AssessmentResult.PASSED,
    assessed_on=date(2026, 10, 20),
    training_certificate="T0001150000012620000014",
    site_code="",
)
SAME = Held("2-02-38-05", "2", Grade.INTERMEDIATE, P)


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ([], None),
        ([SAME], "already_certified"),
        ([SAME._replace(direction_key="3")], "other_direction_held"),
        ([SAME._replace(direction_key="3"), SAME], "already_certified"),
        ([SAME._replace(grade=Grade.JUNIOR)], None),
        ([SAME._replace(occupation="2-02-38-03")], None),
        ([SAME._replace(kind=T)], None),
    ],
)
def test_what_a_person_holds(held: list[Held], code: str | None) -> None:
    assert held_finding(CANDIDATE, "2", P, held) == code


@pytest.mark.parametrize(
    ("training", "code"),
    [
        (None, "training_certificate_unknown"),
        (TrainingCertificate(1, "2-02-38-05", Grade.INTERMEDIATE), None),
        (TrainingCertificate(2, "2-02-38-05", Grade.INTERMEDIATE), "training_certificate_mismatch"),
        (TrainingCertificate(1, "2-02-38-03", Grade.INTERMEDIATE), "training_certificate_mismatch"),
        (TrainingCertificate(1, "2-02-38-05", Grade.SENIOR), "training_certificate_mismatch"),
    ],
)
def test_the_completion_certificate_that_a_row_names(training: TrainingCertificate | None, code: str | None) -> None:
    assert training_finding(CANDIDATE, 1, training) == code


def test_a_fault_stands_in_its_cell_and_masks_the_number() -> None:
    (fault,) = candidate_faults([CANDIDATE], "id_number", lambda _: "already_certified")
    document = fault.to_json()
    assert (document["row"], document["column"], document["code"]) == (7, "证件号码", "already_certified")
    assert NUMBER not in str(document)
    assert str(document["zh"]).startswith("第7行（序号5）证件号码：")


def test_who_did_not_pass_is_not_looked_up() -> None:
    def never(_: Candidate) -> str:
        raise AssertionError("asked")

    assert candidate_faults([CANDIDATE._replace(result=AssessmentResult.ABSENT)], "id_number", never) == []
