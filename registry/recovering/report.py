"""What a recovery says of itself: a document for programs, lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from certs.wording import words
from registry.recovering.recover import Recovered, Work

_SAID = "recovery"


def recovery_document(done: Recovered) -> dict[str, Any]:
    """The result for ``--json``."""
    history, archived = done.history, done.archived
    return {
        "dry_run": done.dry_run,
        "recovered": done.did is not None and not done.dry_run,
        "database": {"size": history.before.size, "root": history.before.root.hex()},
        "register": {"size": history.size, "root": history.after.root().hex()},
        "archive": {"size": archived.end, "damaged": [block.path.name for block in archived.damaged]}
        | {"mended": done.mended},
        **(_nothing() if done.did is None else _work(done, done.did)),
    }


def recovery_lines(document: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    sizes = {"database": document["database"]["size"], "register": document["register"]["size"]}
    if not document["recovered"] and not document["dry_run"]:
        yield _line("nothing_to_do", **sizes)
    else:
        yield _line("would_recover" if document["dry_run"] else "recovered", **sizes)
        found = document["certificates"]
        yield _line("certificates", restored=found["restored"], lost=found["lost"])
        yield _line("changes", restored=document["status_changes"]["restored"])
        yield _line("listings", institutions=len(document["institutions"]), keys=document["keys"])
        yield from _doubtful_lines(document)
    yield from (_line("damaged", file=name) for name in document["archive"]["damaged"])


def _doubtful_lines(document: dict[str, Any]) -> Iterator[str]:
    for number in document["status_changes"]["reason_unknown"]:
        yield _line("reason_unknown", number=number)
    for lost in document["lost"]:
        yield _line("lost", place=lost["leaf_index"], institution=lost["institution"] or "–")
    for void in document["void_numbers"]:
        yield _line("void", first=void["first"], last=void["last"], count=void["count"])
    for batch in document["batches"]:
        if batch["waiting"]:
            yield _line("batch", batch=batch["batch"], waiting=batch["waiting"])
    if not document["has_newest_trust_list"]:
        yield _line("list_missing")


def _line(code: str, **params: Any) -> str:
    said = words(_SAID, code, **params)
    return f"{said.zh} / {said.en}"


def _nothing() -> dict[str, Any]:
    none: dict[str, Any] = {name: [] for name in ("institutions", "batches", "lost", "void_numbers")}
    return none | {
        "certificates": {"restored": 0, "lost": 0},
        "status_changes": {"restored": 0, "reason_unknown": [], "of_lost_certificates": 0},
        "keys": 0,
        "counters": {},
        "has_newest_trust_list": True,
    }


def _work(done: Recovered, work: Work) -> dict[str, Any]:
    keys, replayed = done.history.newest.trust.keys, work.replayed
    return {
        "institutions": list(work.listings.institutions),
        "keys": work.listings.keys,
        "certificates": {"restored": len(replayed.papers), "lost": len(replayed.lost)},
        "status_changes": {
            "restored": len(replayed.changes),
            "reason_unknown": [change.number for change in replayed.changes if not change.is_whole],
            "of_lost_certificates": len(replayed.unknown_changes),
        },
        "batches": [
            {"batch": each.id, "state": each.state.value} | {"certificates": each.certificates, "waiting": each.waiting}
            for each in work.batches
        ],
        "lost": [
            {
                "leaf_index": lost.leaf_index,
                "digest": lost.envelope_digest.hex(),
                "institution": keys[lost.kid].institution.code if lost.kid in keys else None,
            }
            for lost in replayed.lost
        ],
        "void_numbers": [
            {"first": void.first, "last": void.last, "count": void.numbers} for void in work.moved.void
        ],
        "counters": {"serials": dict(work.moved.serials), "status_place": work.moved.status_place},
        "has_newest_trust_list": work.has_newest_list,
    }
