"""A look at a register as a document and as lines for people."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from certs.log_entry import EntryKind, read_entry
from certs.timestamps import format_instant, format_minute
from certs.trust_list import TrustList
from registry.log_entries import EntryTally
from registry.log_events import event_document, key_names, leaf_document
from registry.log_finding import finding_document, finding_line
from registry.log_monitor import Look

SHOWN_LINES = 20
_OTHER_KIND = "other"


def kinds_document(tally: EntryTally) -> dict[str, int]:
    """How many entries of each kind there are."""
    known = {kind.name.lower(): tally.kinds[kind] for kind in EntryKind}
    return known | {_OTHER_KIND: tally.kinds.total() - sum(known.values())}


def keys_document(trust: TrustList, tally: EntryTally, institutions: Collection[str]) -> list[dict[str, Any]]:
    """How many certificates stand under each key of the institutions, of all of them when none is named."""
    return [
        {
            "institution": record.code,
            "name": record.names[-1].name,
            "kid": key.kid.hex(),
            "certificates": tally.per_key[key.kid],
            "retired": key.retired_at is not None,
            "compromised": key.compromised_at is not None,
        }
        for record in trust.institutions.values()
        if not institutions or record.code in institutions
        for key in record.keys
    ]


def look_document(seen: Look, where: str, institutions: Collection[str]) -> dict[str, Any]:
    """All that a look found."""
    alarms = [finding_document(alarm) for alarm in seen.alarms]
    head = {"where": where, "looked_at": format_instant(seen.at), "is_consistent": seen.is_continued, "alarms": alarms}
    head |= {"notices": [finding_document(notice) for notice in seen.notices]}
    known = None if seen.known is None else {"size": seen.known.size, "root": seen.known.root.hex()}
    return head | {"known_before": known} | _tree_document(seen) | _entries_document(seen, institutions)


def look_lines(seen: Look, document: dict[str, Any]) -> list[str]:
    """The same for people: the tree, the counts, what happened, alarms last."""
    lines = []
    if document["tree"] is not None:
        tree = document["tree"]
        lines.append(f"{tree['origin']}  {tree['size']}  {tree['root']}")
    if seen.tally is not None:
        newest = read_entry(seen.tally.newest).logged_at
        lines.append(f"最新条目 / newest entry {format_minute(newest)}  +{document['new_entries']}")
    lines += [f"  {key['institution']}  {key['kid']}  {key['certificates']}" for key in document["keys"]]
    lines += [f"  {_place(event)}  {event['zh']} / {event['en']}" for event in _last(document["events"])]
    for leaf in _last(document["leaves"]):
        lines.append(f"  {_place(leaf)}  {leaf['institution']}  {leaf['envelope_digest']}")
    lines += [finding_line(notice) for notice in seen.notices]
    return lines + [f"! {finding_line(alarm)}" for alarm in seen.alarms]


def _tree_document(seen: Look) -> dict[str, Any]:
    if seen.publication is None:
        return {"tree": None}
    trust, checkpoint = seen.publication.trust, seen.publication.checkpoint
    witnesses = [{"name": name, "at": format_instant(at)} for name, at in checkpoint.witnesses]
    tree = {"origin": trust.delegation.log.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    listed = {"epoch": trust.epoch, "version": trust.version, "issued_at": format_instant(trust.issued_at)}
    return {"tree": tree | {"witnesses": witnesses}, "trust_list": listed | {"digest": seen.publication.list_digest}}


def _entries_document(seen: Look, institutions: Collection[str]) -> dict[str, Any]:
    if seen.publication is None or seen.tally is None:
        return {"new_entries": None, "newest_at": None, "kinds": None, "keys": [], "events": [], "leaves": []}
    trust, tally = seen.publication.trust, seen.tally
    names = key_names(trust)
    return {
        "new_entries": seen.publication.checkpoint.size - (0 if seen.known is None else seen.known.size),
        "newest_at": format_instant(read_entry(tally.newest).logged_at),
        "kinds": kinds_document(tally),
        "keys": keys_document(trust, tally, institutions),
        "events": [event_document(placed, names) for placed in tally.events],
        "leaves": [leaf_document(placed, trust) for placed in tally.leaves],
    }


def _place(entry: dict[str, Any]) -> str:
    return f"{entry['leaf_index']}  {entry['logged_at']}"


def _last(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest ones: the document has them all."""
    return entries[-SHOWN_LINES:]
