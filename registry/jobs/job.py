"""What a job is called: its kind, whose it is and what it is about; each run at it is an attempt with a number.

The names are the engine's workflow ids. They hold codes of the register only: a kind, an institution's code, a batch,
a key id, the number of a webhook, the name of a list.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from certs.errors import KezhengError

_SEPARATOR = "."
_PARTS = 4
REGISTRY = "registry"


class JobKind(StrEnum):
    """What can be done as a job. A further kind is a line here and its work in `registry.jobs.work`."""

    ISSUE = "issue"
    ASSIST = "assist"
    REISSUE = "reissue"
    RENDER = "render"
    CHECK = "check"
    DELIVER = "deliver"


class Job(NamedTuple):
    """A piece of work. ``subject`` is a batch, a kid in hexadecimal, a webhook, or a list's name.

    ``owner`` is an institution's code; what is no institution's has the owner ``registry``.
    """

    kind: JobKind
    owner: str
    subject: str

    @property
    def id(self) -> str:
        """``issue.P000115000001.B20261120-3f2a9c01de``."""
        return _SEPARATOR.join((self.kind.value, self.owner, self.subject))

    def attempt_id(self, number: int) -> str:
        """The name of the n-th run at this job, from 1."""
        return f"{self.id}{_SEPARATOR}{number}"


def parse_job_id(text: str) -> Job:
    """A job by its name. Raises KezhengError ``job_unknown``."""
    return _parse(text, _PARTS - 1)[0]


def parse_attempt_id(text: str) -> tuple[Job, int]:
    """A job and the number of a run at it. Raises KezhengError ``job_unknown``."""
    job, rest = _parse(text, _PARTS)
    return job, int(rest[0])


def _parse(text: str, parts: int) -> tuple[Job, list[str]]:
    given = text.split(_SEPARATOR)
    if len(given) != parts or given[0] not in set(JobKind) or not all(each.isdigit() for each in given[3:]):
        raise KezhengError("job_unknown", job=text)
    return Job(JobKind(given[0]), given[1], given[2]), given[3:]
