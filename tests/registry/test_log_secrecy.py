"""What the register tells the world of a day's work: no name, no number, no reason, in any published byte of it."""

from __future__ import annotations

from log_files import published_entries
from register_desk import APPROVER, OPERATOR, Desk, id_number, name_of, people

from certs.institution import EventKind
from certs.log_entry import EntryKind
from certs.status import State
from certs.timestamps import shanghai_day
from registry.compromise import Compromise, declare

ASSESSOR, OTHER = "P000115000001", "P000215000002"


def test_entries_of_every_kind_name_nobody(desk: Desk) -> None:
    """Certificates, a correction, a revocation with its reason, a suspension, a removal, a stolen key, approvals."""
    certificates = desk.certify(people(1, 2, 3), ASSESSOR)
    corrected = desk.correct(certificates[0].number, name="测试改正")
    desk.change(certificates[1].number, State.REVOKED, "exam_misconduct", note="带入手机的考生")
    desk.change(certificates[2].number, State.SUSPENDED, "under_review")
    kid = certificates[2].kid
    assert kid is not None
    declare(desk.home, Compromise(kid, desk.now, "机构甲", "登记官乙"), desk.now)
    desk.institution_event(OTHER, EventKind.REMOVE, shanghai_day(desk.now), "rules_violated")
    folder = desk.home.settings.log_folder
    kinds = {entry.kind for entry in published_entries(folder)}
    assert kinds >= set(EntryKind) - {EntryKind.CLOCK}
    content = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    numbers = [each.number for each in (*certificates, corrected)]
    names = [*(name_of(place) for place in (1, 2, 3)), "测试改正", OPERATOR, APPROVER, "机构甲", "登记官乙", "手机"]
    reasons = ["exam_misconduct", "under_review", "rules_violated", "correction"]
    secrets = [*numbers, *names, *reasons, *(id_number(place) for place in (1, 2, 3))]
    assert [secret for secret in secrets if secret.encode() in content] == []
    assert ASSESSOR.encode() in content, "the search itself finds what is there: listings name their institution"
