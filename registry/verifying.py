"""``kezheng verify``: what the input holds, the evidence at hand, and the report. All reading happens here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from certs.equivalence import effects_json_for_all
from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER, ROOT_CHAIN_FILE, Evidence, gather_evidence, what_was_seen
from certs.finding import Verification
from certs.log_follower import LogFollower
from certs.report import ReportContext, format_check_id, report_json
from certs.root_chain import RootKey, root_from_jwk
from certs.timestamps import shanghai_day
from certs.unavailable import Unavailable
from certs.verification import verify, verify_qr_text
from registry.home import read_pinned_root
from registry.log_cache.cache import DiskLogCache
from registry.log_cache.reading import Progress
from registry.publishing.documents import ROOT_FILE, published_files
from registry.publishing.log_folder import read_log_file
from registry.publishing.static_files import read_published
from registry.receipts.check import PresentedReceipt, receipt_report
from registry.scanning.scan import scan_file
from registry.settings import Settings
from registry.store.engine import open_read_store
from registry.trust_memory import newest_seen, remember_seen

KEEP_FROM = 16_384
"""From so many new entries on, what was read of a register is kept for the next time."""


def read_input(given: str) -> str | bytes | PresentedReceipt:
    """What an input is: a QR text, the envelope attached to a certificate PDF, or a receipt (JSON or PDF).

    Raises KezhengError for a file with none of them: ``no_code_found``, ``multiple_codes``, ``file_unreadable``,
    ``image_too_large``.
    """
    path = _existing_file(given)
    if path is None:
        return given
    data = path.read_bytes()
    if data.lstrip().startswith(b"{"):
        return PresentedReceipt(data)
    found = scan_file(data)
    if found.receipt is not None:
        return PresentedReceipt(found.receipt, data)
    read = found.attachment if found.qr_text is None else found.qr_text
    assert read is not None
    return read


def verify_input(read: str | bytes, evidence: Evidence, at: datetime) -> Verification:
    """Verify a QR text or an envelope. Raises KezhengError ``not_a_certificate_code``."""
    return verify_qr_text(read, evidence, at) if isinstance(read, str) else verify(read, evidence, at)


def verify_receipt(
    presented: PresentedReceipt, settings: Settings, folder: Path | None, root_file: Path | None
) -> dict[str, Any]:
    """The report of a receipt under a root file or the root pinned in the home.

    ``folder`` may hold the chain of roots, else the home's own is used. Raises KezhengError as `check_receipt` does,
    ``receipt_root_missing``, ``file_not_found``.
    """
    root = read_pinned_root(root_file or settings.pinned_root_file)
    if root is None:
        missing = KezhengError("receipt_root_missing")
        raise missing if root_file is None else KezhengError("file_not_found", path=str(root_file))
    return receipt_report(presented, root, _chain_of_roots(settings, folder))


def _chain_of_roots(settings: Settings, folder: Path | None) -> bytes | None:
    if folder is not None:
        return read_published(folder).get(ROOT_CHAIN_FILE)
    try:
        return _files_of_home(settings).get(ROOT_CHAIN_FILE)
    except KezhengError as error:
        if error.code == "database_missing":  # a home that only verifies
            return None
        raise


def _files_of_home(settings: Settings) -> dict[str, bytes]:
    store = open_read_store(settings.database_url)
    try:
        with store.reading() as tx:
            return published_files(tx)
    finally:
        store.close()


def evidence_of_home(settings: Settings, reading: Progress | None = None) -> Evidence:
    """The evidence in this home's own database, under its pinned root. ``reading`` is told how far the register is."""
    files, root = _files_of_home(settings), read_pinned_root(settings.pinned_root_file)
    return _gather(settings, files, root, _follower(settings, settings.log_folder, reading, is_own=True))


def evidence_of_folder(
    settings: Settings, folder: Path, root_file: Path | None, reading: Progress | None = None
) -> Evidence:
    """The evidence in published files, under a root file or the root pinned in the home, never under its own."""
    root = read_pinned_root(root_file or settings.pinned_root_file)
    if root_file is not None and root is None:
        raise KezhengError("file_not_found", path=str(root_file))
    follower = _follower(settings, folder / LOG_FOLDER, reading, is_own=False)
    return _gather(settings, read_published(folder), root, follower)


def _follower(settings: Settings, log_folder: Path, reading: Progress | None, *, is_own: bool) -> LogFollower:
    """The register in a folder. What is read of it is kept in the home, where there is one."""
    is_kept = settings.cache is not None or settings.home.is_dir()
    cache = DiskLogCache(settings.cache_folder, reading) if is_kept else None
    return LogFollower(
        lambda path: read_log_file(log_folder, path), is_own=is_own, cache=cache, patience=KEEP_FROM
    )


def _gather(
    settings: Settings, files: Mapping[str, bytes], root: RootKey | None, follower: LogFollower
) -> Evidence:
    """The evidence, refusing what is older than the newest that this home has seen under the same root."""
    evidence = gather_evidence(files, root, None if root is None else newest_seen(settings, root), follower.open)
    if root is None:
        return _with_fingerprint(evidence, files)
    seen = what_was_seen(files, evidence)
    if seen is not None:
        remember_seen(settings, root, seen)
    return evidence


def _with_fingerprint(evidence: Evidence, files: Mapping[str, bytes]) -> Evidence:
    """Say which root came with the evidence: to be compared with an official source, not to be believed."""
    try:
        shown = root_from_jwk(orjson.loads(files.get(ROOT_FILE, b"null"))).fingerprint
    except (orjson.JSONDecodeError, KezhengError):
        return evidence
    missing = Unavailable("root_not_pinned", (("fingerprint", shown),))
    return Evidence(missing, evidence.status, missing, evidence.log)


def full_report(verification: Verification, evidence: Evidence, checked_at: datetime) -> dict[str, Any]:
    """The report with the title effects of all jurisdictions whose texts are known."""
    context = ReportContext(format_check_id(secrets.token_bytes(8)), checked_at, _effects(verification, evidence))
    return report_json(verification, context)


def _effects(verification: Verification, evidence: Evidence) -> Sequence[Mapping[str, Any]]:
    genuine = verification.genuine
    if genuine is None or isinstance(evidence.data, Unavailable):
        return ()
    day = shanghai_day(verification.at)
    return effects_json_for_all(evidence.data.policies, genuine.number.kind, genuine.claims.grade, day)


def _existing_file(given: str) -> Path | None:
    """The file that the input names, if there is one; a QR text is never a path."""
    if "://" in given or len(given) > 1024 or "\x00" in given:
        return None
    path = Path(given)
    with suppress(OSError):  # a name that no file can have, such as a payload alone
        if path.is_file():
            return path
    if path.suffix.lower() in {".png", ".jpg", ".jpeg", ".pdf", ".json"}:
        raise KezhengError("file_not_found", path=given)
    return None
