"""Homes whose register is on a PostgreSQL server, and the flows that are tested on both engines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postgres_server import postgres_database

from registry.settings import SETTINGS_FILE

ON_BOTH_ENGINES = {
    "test_issue": {
        "test_a_roster_becomes_certificates_that_verify",
        "test_official_number_and_second_site_are_shown",
        "test_ciphertexts_of_two_people_cannot_be_swapped",
    },
    "test_issue_concurrency": {
        "test_the_same_person_at_two_institutions_at_once",
        "test_two_imports_of_one_file_at_once_are_one_batch",
        "test_two_runs_of_one_batch_at_once_sign_nothing_twice",
        "test_four_processes_leave_no_gap_between_their_serials",
        "test_two_corrections_of_one_certificate_at_once",
    },
    "test_replacing": {"test_a_chain_keeps_the_day_of_first_issue"},
    "test_status_changes": {
        "test_reinstating_what_is_suspended",
        "test_a_second_successor_or_predecessor_is_refused",
        "test_a_revoked_certificate_frees_the_place",
    },
    "test_key_compromise": {
        "test_a_dry_run_counts_exactly_and_changes_nothing",
        "test_declared_it_is_logged_listed_and_left_out_of_the_key_set",
        "test_affected_certificates_come_page_by_page_in_the_registers_order",
    },
    "test_reissue": {
        "test_the_same_number_with_a_new_time_index_key_and_code",
        "test_the_status_history_goes_along_and_cannot_be_hidden",
    },
    "test_publishing": {
        "test_everything_a_verifier_needs_is_published",
        "test_lists_are_signed_anew_at_half_of_their_life",
    },
    "test_worker_watch": {"test_what_waits_by_kind_of_job_and_for_webhooks"},
    "test_status_retention": {"test_versions_that_may_still_be_used_stay_and_versions_go_on_counting"},
    "test_directory": {"test_codes_go_on_and_registrations_can_be_chosen", "test_who_did_what_is_on_record"},
}
"""Test functions by module. The list stands here because the flows themselves know of no engine."""


def point_home_at(folder: Path, url: str) -> None:
    """Name a database in the settings file of a home."""
    settings = folder / SETTINGS_FILE
    lines = settings.read_text("utf-8").splitlines() if settings.exists() else []
    kept = [line for line in lines if not line.startswith("database_url")]
    settings.write_text("\n".join([f'database_url = "{url}"', *kept, ""]), "utf-8")


@contextmanager
def copied_home(folder: Path, url: str, target: Path) -> Iterator[Path]:
    """A copy of a home with a copy of its database, both open to anything; nothing may be connected to the first."""
    with postgres_database(copy_of=url) as copy:
        shutil.copytree(folder, target)
        point_home_at(target, copy)
        yield target
