"""After days of changes a register has few status files left, and everything that was given out still holds."""

from __future__ import annotations

from datetime import timedelta

from register_desk import NOW, Desk, people

from certs.evidence import STATUS_FILE, TRUST_LIST_FILE
from certs.finding import Verdict
from certs.qr import base32
from certs.receipt import check_receipt
from certs.status import State
from registry.publishing.documents import STATUS_FOLDER
from registry.receipts.make_receipt import ReceiptMaker
from registry.store.document_store import newest_times
from registry.worker_role import TIDY_INTERVAL, Upkeep

ASSESSOR = "P000115000001"
DAYS, SECOND = timedelta(days=1), timedelta(seconds=1)


def versions(desk: Desk, prefix: str) -> int:
    """How many versions of how many files are stored."""
    found: int = desk.value("SELECT count(*) FROM published_document WHERE kind LIKE :prefix", prefix=f"{prefix}%")
    return found


def test_receipts_and_certificates_hold_when_old_status_files_are_gone(desk: Desk) -> None:
    numbers = [each.number for each in desk.certify(people(*range(1, 8)), ASSESSOR)]
    envelope = desk.certificate(numbers[0]).envelope
    assert envelope is not None
    Upkeep(desk.home, desk.clock).round()
    maker = ReceiptMaker(desk.home)
    receipts = [maker.make(base32(envelope), desk.now)]
    for number in numbers[1:-1]:
        desk.now += DAYS
        desk.change(number, State.REVOKED, "exam_misconduct")
    desk.change(numbers[0], State.SUSPENDED, "under_review")
    Upkeep(desk.home, desk.clock).round()
    receipts.append(maker.make(base32(envelope), desk.now))
    before, trust_lists = versions(desk, STATUS_FILE), versions(desk, TRUST_LIST_FILE)
    desk.now += 5 * DAYS
    Upkeep(desk.home, desk.clock).round()
    with desk.home.store.reading() as tx:
        files, root = newest_times(tx), desk.home.own_root(tx)
    assert before > 1
    assert versions(desk, STATUS_FOLDER) == len([kind for kind in files if kind.startswith(STATUS_FOLDER)])
    assert versions(desk, TRUST_LIST_FILE) >= trust_lists
    verdicts = [check_receipt(receipt, root).verdict for receipt in receipts]
    assert verdicts == [Verdict.VALID, Verdict.NOT_IN_FORCE]
    assert [desk.verdict(number) for number in (numbers[0], numbers[-1])] == ["not_in_force", "valid"]
    assert desk.verdict(numbers[0], NOW + DAYS) == "valid"


def test_versions_that_may_still_be_used_stay_and_versions_go_on_counting(desk: Desk) -> None:
    numbers = [each.number for each in desk.certify(people(1, 2, 3), ASSESSOR)]
    before = versions(desk, STATUS_FILE)
    for number in numbers:
        desk.change(number, State.REVOKED, "exam_misconduct")
    desk.now += 3 * DAYS
    Upkeep(desk.home, desk.clock).round()
    assert versions(desk, STATUS_FILE) >= before + 3
    highest = desk.value("SELECT max(version) FROM published_document WHERE kind = :kind", kind=STATUS_FILE)
    desk.now += 5 * DAYS
    Upkeep(desk.home, desk.clock).round()
    left = desk.value("SELECT min(version) FROM published_document WHERE kind = :kind", kind=STATUS_FILE)
    assert left == highest + 1


def test_it_is_looked_for_every_ten_minutes(desk: Desk) -> None:
    upkeep = Upkeep(desk.home, desk.clock)
    upkeep.round()
    (certificate,) = desk.certify(people(1), ASSESSOR)
    desk.change(certificate.number, State.REVOKED, "exam_misconduct")
    ended = "UPDATE published_document SET expires_at = '2026-11-01 00:00:00.000000'"
    desk.tamper(f"{ended} WHERE kind = :kind AND version = 1", kind=STATUS_FILE)
    many = versions(desk, STATUS_FILE)
    desk.now += TIDY_INTERVAL - SECOND
    upkeep.round()
    assert versions(desk, STATUS_FILE) == many > 1
    desk.now += SECOND
    upkeep.round()
    assert versions(desk, STATUS_FILE) == many - 1
