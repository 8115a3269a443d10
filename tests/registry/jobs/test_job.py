import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import KezhengError
from registry.jobs.job import Job, JobKind, parse_attempt_id, parse_job_id
from registry.jobs.work import KINDS

JOB = Job(JobKind.ISSUE, "P000115000001", "B20261120-3f2a9c01de")
CODES = st.text("ABCDEFP0123456789abcdef-", min_size=1, max_size=30)


def test_a_job_is_named_by_what_it_is_about() -> None:
    assert JOB.id == "issue.P000115000001.B20261120-3f2a9c01de"
    assert JOB.attempt_id(3) == "issue.P000115000001.B20261120-3f2a9c01de.3"


@given(st.sampled_from(JobKind), CODES, CODES, st.integers(1, 10**6))
def test_names_are_read_as_they_are_written(kind: JobKind, owner: str, subject: str, number: int) -> None:
    job = Job(kind, owner, subject)
    assert parse_job_id(job.id) == job
    assert parse_attempt_id(job.attempt_id(number)) == (job, number)


@pytest.mark.parametrize("text", ["", "issue", "issue.a", "paint.a.b", "issue.a.b.1", "issue.a.b.c.d", "ISSUE.a.b"])
def test_what_names_no_job_is_refused(text: str) -> None:
    with pytest.raises(KezhengError, match="job_unknown"):
        parse_job_id(text)


@pytest.mark.parametrize("text", ["issue.a.b", "issue.a.b.x", "issue.a.b.", "issue.a.b.-1"])
def test_what_names_no_run_is_refused(text: str) -> None:
    with pytest.raises(KezhengError, match="job_unknown"):
        parse_attempt_id(text)


def test_every_kind_has_its_work() -> None:
    assert set(KINDS) == set(JobKind)
