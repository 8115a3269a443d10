"""Ways in which the public register decides a verification."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta

from simulated_log import Happened, compromised, cosignature_key
from simulator import NOW, Key, World
from verification_story import DAY, ISSUED, SECOND, Asked, ends

from certs.evidence import LOG_FOLDER, STATUS_FILE, TRUST_LIST_FILE, Seen, gather_evidence
from certs.grades import Grade
from certs.log_entry import certificate_body, status_body
from certs.qr import read_qr_text
from certs.status import State, StatusEvent
from certs.trust_list import PinnedTree

MS = timedelta(milliseconds=1)


def with_key(world: World, code: str, **changes: object) -> None:
    """Change the one key of an institution."""
    [key] = world.institutions[code].keys
    world.change_institution(code, keys=(replace(key, **changes),))  # type: ignore[arg-type]


@ends("not_genuine", "log", "not_logged")
def an_envelope_that_a_thief_signed_and_nobody_logged(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, issued_at=NOW - 2 * DAY, logged_at=None)
    return Asked(text, world.evidence())


@ends("undetermined", "log", "log_unavailable")
def a_certificate_newer_than_the_register_at_hand(world: World) -> Asked:
    text = world.issue(world.institution(), logged_at=None)
    world.newest_entry_at = ISSUED + DAY - MS
    return Asked(text, world.evidence())


@ends("not_genuine", "log", "not_logged")
def the_register_covers_the_last_moment_in_which_it_had_to_be_logged(world: World) -> Asked:
    text = world.issue(world.institution(), logged_at=None)
    world.newest_entry_at = ISSUED + DAY
    return Asked(text, world.evidence(), ISSUED + DAY)


@ends("not_genuine", "log", "not_logged")
def the_envelope_is_logged_under_another_key(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, issued_at=NOW - 2 * DAY, logged_at=None)
    digest = hashlib.sha256(read_qr_text(text).envelope).digest()
    world.logged.append(Happened(NOW - 2 * DAY, certificate_body(bytes(8), digest)))
    return Asked(text, world.evidence())


@ends("undetermined", "log", "log_unavailable")
def the_register_cannot_be_fetched(world: World) -> Asked:
    text = world.issue(world.institution())
    files = {name: content for name, content in world.files().items() if not name.startswith(LOG_FOLDER)}
    return Asked(text, gather_evidence(files, world.root_key()))


@ends("undetermined", "log", "log_unavailable")
def an_entry_bundle_is_missing(world: World) -> Asked:
    text = world.issue(world.institution())
    files = {name: content for name, content in world.files().items() if "tile/entries" not in name}
    return Asked(text, gather_evidence(files, world.root_key()))


@ends("undetermined", "log", "log_entries_differ")
def one_bit_of_an_entry_is_turned(world: World) -> Asked:
    text = world.issue(world.institution())
    files = world.files()
    [name] = [name for name in files if "tile/entries" in name]
    content = bytearray(files[name])
    content[-1] ^= 1
    return Asked(text, gather_evidence(files | {name: bytes(content)}, world.root_key()))


@ends("undetermined", "log", "log_time_decreases")
def times_of_the_register_decrease(world: World) -> Asked:
    text = world.issue(world.institution())
    log = world.log()
    earlier, last = log.entries[-2], log.entries[-1]
    before = int.from_bytes(earlier[1:9], "big") - 1
    log.entries[-1] = last[:1] + before.to_bytes(8, "big") + last[9:]
    files = {LOG_FOLDER + path: c for path, c in log.files(world.log_origin, world.log_key, world.cosigner()).items()}
    world.pinned = PinnedTree(0, log.root(0))
    return Asked(text, gather_evidence(world.files() | files, world.root_key()))


@ends("undetermined", "log", "checkpoint_untrusted")
def a_checkpoint_of_another_key(world: World) -> Asked:
    text = world.issue(world.institution())
    files = world.files()
    thief = World(log_key=Key("thief"), institutions=world.institutions, logged=world.logged)
    name = LOG_FOLDER + "checkpoint"
    return Asked(text, gather_evidence(files | {name: thief.files()[name]}, world.root_key()))


@ends("undetermined", "log", "witness_quorum_missing")
def too_few_witnesses_have_seen_the_checkpoint(world: World) -> Asked:
    world.witnesses = (cosignature_key("witness.example").key,)
    world.quorum = 1
    return Asked(world.issue(world.institution()), world.evidence())


@ends("undetermined", "log", "log_forked")
def a_stolen_log_key_signs_another_history(world: World) -> Asked:
    text = world.issue(world.institution())
    world.pinned = PinnedTree(3, hashlib.sha256(b"the tree that everybody else has seen").digest())
    return Asked(text, world.evidence())


@ends("undetermined", "log", "log_behind_list")
def the_checkpoint_is_older_than_the_list(world: World) -> Asked:
    text = world.issue(world.institution())
    world.pinned = PinnedTree(10_000, bytes(32))
    return Asked(text, world.evidence())


@ends("undetermined", "log", "log_rolled_back")
def the_register_is_smaller_than_what_was_seen_before(world: World) -> Asked:
    text = world.issue(world.institution())
    seen = Seen(1, 0, "", 0, 10_000)
    return Asked(text, gather_evidence(world.files(), world.root_key(), seen))


@ends("undetermined", "log", "log_stale")
def nothing_was_logged_for_three_days(world: World) -> Asked:
    text = world.issue(world.institution(), issued_at=NOW - 5 * DAY)
    world.newest_entry_at = NOW - 3 * DAY - SECOND
    world.trust_list_issued_at = world.status_issued_at = NOW - timedelta(hours=1)
    return Asked(text, world.evidence())


@ends("valid", None, "in_force")
def the_newest_entry_is_three_days_old(world: World) -> Asked:
    text = world.issue(world.institution(), issued_at=NOW - 5 * DAY)
    world.newest_entry_at = NOW - 3 * DAY
    return Asked(text, world.evidence())


@ends("not_genuine", "log", "logged_before_issue")
def logged_a_moment_before_its_issue(world: World) -> Asked:
    return Asked(world.issue(world.institution(), logged_at=ISSUED - MS), world.evidence())


@ends("not_genuine", "log", "logged_too_late")
def logged_a_moment_after_the_allowed_delay(world: World) -> Asked:
    text = world.issue(world.institution(), issued_at=NOW - 3 * DAY, logged_at=NOW - 2 * DAY + MS)
    return Asked(text, world.evidence())


@ends("valid", None, "in_force")
def logged_in_the_last_moment_of_the_allowed_delay(world: World) -> Asked:
    text = world.issue(world.institution(), issued_at=NOW - 3 * DAY, logged_at=NOW - 2 * DAY)
    return Asked(text, world.evidence())


@ends("undetermined", "log", "listing_not_logged")
def the_list_claims_an_earlier_grant_than_was_logged(world: World) -> Asked:
    text = world.issue(world.institution())
    world.claimed = lambda record: replace(
        record, scopes=tuple(replace(scope, granted_at=scope.granted_at - DAY) for scope in record.scopes)
    )
    return Asked(text, world.evidence())


@ends("undetermined", "log", "listing_not_logged")
def the_list_claims_a_scope_that_was_never_logged(world: World) -> Asked:
    text = world.issue(world.institution(), grade=Grade.SENIOR)
    world.claimed = lambda record: replace(record, scopes=(*record.scopes, world.scope(batch="第三批")))
    return Asked(text, world.evidence())


@ends("undetermined", "log", "listing_not_logged")
def the_list_claims_a_later_theft_than_was_logged(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, issued_at=NOW - 2 * DAY)
    with_key(world, code, compromised_at=NOW - DAY)
    world.claimed = lambda record: replace(
        record, keys=tuple(replace(key, compromised_at=NOW - DAY + MS) for key in record.keys)
    )
    return Asked(text, world.evidence())


@ends("undetermined", "log", "listing_not_logged")
def the_list_no_longer_says_that_the_key_was_stolen(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, issued_at=NOW - 2 * DAY)
    with_key(world, code, compromised_at=NOW - 3 * DAY)
    world.claimed = lambda record: replace(
        record, keys=tuple(replace(key, compromised_at=None, compromised_log_index=None) for key in record.keys)
    )
    return Asked(text, world.evidence())


@ends("undetermined", "log", "listing_not_logged")
def the_list_moves_the_theft_to_a_later_time_that_was_also_logged(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, issued_at=NOW - 2 * DAY)
    [key] = world.institutions[code].keys
    later = replace(key, compromised_at=NOW - DAY)
    world.logged.append(Happened(world.newest_at(), compromised(replace(key, compromised_at=NOW - 3 * DAY))))
    world.change_institution(code, keys=(later,))
    return Asked(text, world.evidence())


@ends("undetermined", "log", "listing_not_logged")
def the_list_claims_a_retirement_without_an_entry(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code)
    world.claimed = lambda record: replace(
        record, keys=tuple(replace(key, retired_at=NOW, retired_log_index=None) for key in record.keys)
    )
    return Asked(text, world.evidence())


@ends("undetermined", "signature", "trust_list_not_logged")
def a_list_made_for_one_victim(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code)
    honest, log = world.files(), world.log()
    world.pinned = PinnedTree(len(log.entries), log.root())
    world.institution("只对一人列入的机构")
    return Asked(text, gather_evidence(honest | {TRUST_LIST_FILE: world.trust_list()}, world.root_key()))


@ends("undetermined", "signature", "data_file_not_logged")
def a_data_file_that_the_list_names_and_the_register_does_not(world: World) -> Asked:
    text = world.issue(world.institution())
    world.unlogged_files = True
    return Asked(text, world.evidence())


@ends("undetermined", "signature", "trust_list_differs")
def another_list_under_the_same_version(world: World) -> Asked:
    text = world.issue(world.institution())
    seen = Seen(world.epoch, world.version, "00" * 32, 0, 0)
    return Asked(text, gather_evidence(world.files(), world.root_key(), seen))


@ends("undetermined", "status", "status_rolled_back")
def status_data_older_than_what_was_seen(world: World) -> Asked:
    text = world.issue(world.institution())
    seen = Seen(world.epoch, 0, "", world.status_version + 1, 0)
    return Asked(text, gather_evidence(world.files(), world.root_key(), seen))


@ends("undetermined", "status", "status_behind_log")
def a_stolen_status_key_hides_a_revocation(world: World) -> Asked:
    text = world.issue(world.institution())
    digest = hashlib.sha256(read_qr_text(text).envelope).digest()
    event = StatusEvent(State.REVOKED, NOW - SECOND, None, "false_documents", True, None, NOW - SECOND)
    world.logged.append(Happened(NOW - 3600 * SECOND, status_body(digest, event)))
    return Asked(text, world.evidence())


@ends("not_in_force", "status", "revoked")
def a_revocation_that_the_register_and_the_status_file_have(world: World) -> Asked:
    text = world.issue(world.institution(), status_index=5)
    digest = hashlib.sha256(read_qr_text(text).envelope).digest()
    world.status_event(5, State.REVOKED, reason_code="false_documents", void_from_start=True)
    world.logged.append(Happened(NOW - 3600 * SECOND, status_body(digest, world.entries[5].events[0])))
    return Asked(text, world.evidence())


# --- stolen keys


@ends("valid", None, "in_force")
def logged_a_moment_before_the_theft(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, logged_at=ISSUED + SECOND)
    with_key(world, code, compromised_at=ISSUED + SECOND + MS)
    return Asked(text, world.evidence())


@ends("not_genuine", "signature", "key_compromised_before")
def logged_in_the_moment_of_the_theft(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, logged_at=ISSUED + SECOND)
    with_key(world, code, compromised_at=ISSUED + SECOND)
    return Asked(text, world.evidence())


@ends("not_genuine", "signature", "key_compromised_before")
def a_thief_back_dates_and_nobody_logged_it(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, issued_at=NOW - 20 * DAY, logged_at=None)
    with_key(world, code, compromised_at=NOW - 10 * DAY)
    return Asked(text, world.evidence())


@ends("undetermined", "signature", "log_unavailable")
def a_stolen_key_and_no_register_at_hand(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code)
    with_key(world, code, compromised_at=NOW - 10 * DAY)
    files = {name: content for name, content in world.files().items() if not name.startswith(LOG_FOLDER)}
    return Asked(text, gather_evidence(files, world.root_key()))


@ends("not_genuine", "signature", "key_compromised_before", "reissued")
def the_old_code_of_a_certificate_that_was_issued_again(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, status_index=5)
    with_key(world, code, compromised_at=ISSUED)
    world.facts(5, reissued_on=date(2026, 11, 20))
    return Asked(text, world.evidence())


@ends("not_genuine", "signature", "key_retired")
def logged_after_the_key_was_retired(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, logged_at=ISSUED + 2 * SECOND)
    with_key(world, code, retired_at=ISSUED + SECOND)
    return Asked(text, world.evidence())


# --- a new paper under the old number


def _issued_again(world: World, first: date | None) -> Asked:
    code = world.institution()
    number = world.claims(code, issued_at=ISSUED - 400 * DAY).number
    text = world.issue(code, number=number, status_index=6, assessed_on=date(2025, 10, 10))
    if first is not None:
        world.facts(6, first_issued_on=first)
    return Asked(text, world.evidence())


@ends("valid", None, "in_force")
def issued_again_in_a_later_year_than_its_number_says(world: World) -> Asked:
    world.limits = replace(world.limits, assessment_window_days=3660)
    return _issued_again(world, date(2025, 10, 15))


@ends("not_genuine", "form", "number_claims_disagree")
def the_number_of_an_earlier_year_without_a_first_issue_then(world: World) -> Asked:
    return _issued_again(world, None)


@ends("undetermined", "form", "status_unavailable")
def the_number_of_an_earlier_year_while_the_status_is_not_at_hand(world: World) -> Asked:
    asked = _issued_again(world, date(2025, 10, 15))
    files = world.files()
    del files[STATUS_FILE]
    return Asked(asked.text, gather_evidence(files, world.root_key()))
