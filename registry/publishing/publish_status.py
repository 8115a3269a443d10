"""Signing the status file: every status event and every public fact, under the delegated status key.

The Token Status Lists are derived from it and signed with it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from certs.evidence import STATUS_FILE
from certs.jws import STATUS_TYPE, assemble, signing_input
from certs.status import State, StatusEvent
from certs.status_list import NO_FACTS, CertificateFacts, StatusEntry, entry_from_json, status_payload
from certs.timestamps import shanghai_day
from certs.token_status_list import Period
from keys.signer import Signer
from registry.publishing.documents import is_half_spent
from registry.publishing.publish_token_lists import (
    TIME_TO_LIVE,
    changed_lists,
    publish_token_lists,
    token_lists_need_signing,
)
from registry.settings import Settings
from registry.store.document_store import PublishedDocument, add_document, latest_document, newest_times
from registry.store.engine import ReadTransaction, WriteTransaction
from registry.store.fact_store import PublicFacts, public_facts
from registry.store.institution_store import institutions
from registry.store.lost_store import lost_statuses
from registry.store.reissue_store import reissued_places
from registry.store.status_store import PublicStatusEvent, public_status_events


def publish_status_list(
    tx: WriteTransaction, signer: Signer, settings: Settings, now: datetime, at_least: int = 1
) -> None:
    """Sign and store the next version of the status file, and of the lists derived from it.

    ``at_least``: the lowest version that it may have, after versions that this database does not know.
    """
    issued_at = now.replace(microsecond=0)
    expires_at = issued_at + timedelta(hours=settings.status_hours)
    former, entries = latest_document(tx, STATUS_FILE), status_entries(tx)
    version = max(1 if former is None else former.version + 1, at_least)
    payload = status_payload(version, issued_at, expires_at, entries)
    signed = signing_input(STATUS_TYPE, signer.public_key, payload)
    content = assemble(signed, signer.sign(signed))
    add_document(tx, PublishedDocument(STATUS_FILE, version, content, issued_at, expires_at))
    changed = None if former is None else changed_lists(former.content, payload, signer.public_key)
    longest = Period(issued_at, expires_at, TIME_TO_LIVE)
    publish_token_lists(tx, signer, settings.public_url, entries, longest, changed)


def status_entries(tx: ReadTransaction) -> dict[int, StatusEntry]:
    """What there is to say about each status index; indices without anything are left out."""
    events: dict[int, list[StatusEvent]] = defaultdict(list)
    for event in public_status_events(tx):
        events[event.status_index].append(status_event(event))
    facts = _facts(tx)
    indices = events.keys() | facts.keys()
    known = {index: StatusEntry(tuple(events.get(index, ())), facts.get(index, NO_FACTS)) for index in indices}
    return {index: entry_from_json(entry) for index, entry in lost_statuses(tx).items()} | known


def status_event(event: PublicStatusEvent) -> StatusEvent:
    """A stored event as the rules judge it; instants in whole seconds, as published."""
    return StatusEvent(
        state=State(event.state),
        effective_from=event.effective_from.replace(microsecond=0),
        until=event.until and event.until.replace(microsecond=0),
        reason_code=event.reason_code,
        void_from_start=event.void_from_start,
        successor=event.successor,
        recorded_at=event.recorded_at.replace(microsecond=0),
    )


def _facts(tx: ReadTransaction) -> dict[int, CertificateFacts]:
    found = public_facts(tx)
    names = _site_names(tx) if any(facts.site_code for facts in found) else {}
    former = {index: CertificateFacts(reissued_on=shanghai_day(at)) for index, at in reissued_places(tx)}
    return former | {facts.status_index: _fact(facts, names) for facts in found}


def _fact(facts: PublicFacts, site_names: dict[tuple[str, str], str]) -> CertificateFacts:
    return CertificateFacts(
        supersedes=facts.supersedes,
        first_issued_on=facts.first_issued_on,
        official_number=facts.official_number,
        site=site_names.get((facts.institution_code, facts.site_code or "")),
    )


def _site_names(tx: ReadTransaction) -> dict[tuple[str, str], str]:
    return {(site.institution_code, site.code): site.name for facts in institutions(tx) for site in facts.sites}


def status_list_needs_signing(tx: ReadTransaction, now: datetime, public_url: str) -> bool:
    """Whether the status file is missing or past half of its life, or a list derived from it has to follow.

    Lists are signed for the address where they are fetched.
    """
    times = newest_times(tx)
    return is_half_spent(times.get(STATUS_FILE), now) or token_lists_need_signing(tx, times, now, public_url)
