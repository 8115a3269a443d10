"""Receipts of a register in memory, as its registry role would make them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulated_status_list import status_list_files
from simulator import World

from certs.evidence import LOG_FOLDER, gather_evidence
from certs.jws import RECEIPT_TYPE
from certs.qr import read_qr_text
from certs.receipt import receipt_document
from certs.receipt_bundle import CheckMade, Published, receipt_bundle
from certs.verification import verify

CHECK_ID = "7K3F-92QD"


def published(world: World) -> Published:
    """What the world has published."""
    files = world.files() | status_list_files(world)
    return Published(files, lambda path: files.get(LOG_FOLDER + path))


def bundle_of(world: World, text: str, at: datetime | None = None, given: Published | None = None) -> dict[str, Any]:
    """The bundle of a check of a QR text."""
    given, at = given or published(world), at or world.now
    evidence = gather_evidence(given.files, world.root_key())
    envelope = read_qr_text(text).envelope
    made = CheckMade(envelope, verify(envelope, evidence, at), evidence, CHECK_ID, at)
    return receipt_bundle(made, given)


def signed(world: World, bundle: dict[str, Any], **members: str) -> bytes:
    """The bundle under the registry's counter-signature."""
    header = {"delegation": world.delegation().decode()} | members
    return receipt_document(bundle, world.jws(RECEIPT_TYPE, world.receipt_key, bundle, **header), b"")


def unsigned(world: World, bundle: dict[str, Any]) -> bytes:
    """The bundle as a mirror gives it."""
    return receipt_document(bundle, None, world.delegation())


def receipt_of(world: World, text: str) -> bytes:
    """A counter-signed receipt."""
    return signed(world, bundle_of(world, text))
