"""The registry role: it checks by itself, signs what it has found, and nothing that was sent to it (S-17)."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image
from registry_role import RegistryRole
from simulator import Key, World

from certs.errors import KezhengError
from certs.finding import Verdict
from certs.jws import unverified_payload
from certs.qr import base32
from certs.receipt import check_receipt
from certs.status import State
from certs.timestamps import epoch_seconds
from keys.document_certificates import LEAF_DAYS
from keys.key_record import KeyRole
from registry.home import Home
from registry.receipts import kept_receipts
from registry.receipts.kept_receipts import KEPT_FOR
from registry.receipts.make_receipt import ReceiptMaker
from registry.receipts.receipt_paper import ReceiptPaper

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


# --- what it signs


async def test_a_receipt_of_a_valid_certificate(role: RegistryRole) -> None:
    receipt = await role.receipt()
    assert (receipt.verdict, receipt.counter_signed) == (Verdict.VALID, True)
    assert receipt.bundle["certificate"]["number"] == role.number
    assert receipt.bundle["checked_at"] == epoch_seconds(role.now)


async def test_each_receipt_is_a_check_of_its_own(role: RegistryRole) -> None:
    first = await role.receipt()
    role.desk.change(role.number, State.REVOKED, "exam_misconduct")
    role.now += SECOND
    second = await role.receipt()
    assert (first.verdict, second.verdict) == (Verdict.VALID, Verdict.NOT_IN_FORCE)
    assert first.bundle["check_id"] != second.bundle["check_id"]


async def test_a_certificate_that_is_not_in_the_register_is_told_as_such(role: RegistryRole) -> None:
    """The role holds the whole register, so it says no and not "could not check"."""
    signer = role.desk.home.keyring.signer(KeyRole.INSTITUTION, "P000115000001")
    claims = World(now=role.now).claims("P000115000001", issued_at=role.now - timedelta(days=9))
    receipt = await role.receipt(base32(World.seal(World(), claims, signer)))  # type: ignore[arg-type]
    assert receipt.verdict is Verdict.NOT_GENUINE
    assert receipt.bundle["checks"][2]["code"] in ("not_logged", "not_reached")
    assert receipt.bundle["certificate"] is None


HOSTILE = [
    "<script>alert(1)</script>",
    "请致电 138 0013 8000 核实",
    "\u202egnp.exe\u2066",
    "A" * 3000,
    "%E8%AF%81",
    "2KCE2AAAAAAAAAAAAAAA",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_nothing_that_was_sent_is_signed_kept_or_shown(role: RegistryRole, text: str) -> None:
    identifier = await role.make(text)
    document = await role.file(identifier, "json")
    bundle = unverified_payload(json.loads(document)["receipt"].encode())
    assert bundle["verdict"] == "not_genuine"
    opened = pypdfium2.PdfDocument(await role.file(identifier, "pdf"))
    page = opened[0].get_textpage().get_text_range()
    opened.close()
    kept = b"".join(path.read_bytes() for path in role.desk.home.settings.receipts_folder.iterdir())
    for shown in (json.dumps(bundle, ensure_ascii=False), document.decode(), page, kept.decode()):
        assert text not in shown
    assert not any(bundle[name] for name in ("certificate", "institution", "log", "status"))


async def test_nothing_of_a_forged_certificate_is_signed_but_its_digest(role: RegistryRole) -> None:
    world = World(now=role.now)
    claims = world.claims("P000115000001", name="请致电李明核实", id_tail="7788")
    kid = role.desk.home.keyring.signer(KeyRole.INSTITUTION, "P000115000001").kid
    payload = base32(world.seal(claims, Key("a thief"), kid))
    identifier = await role.make(payload)
    document = await role.file(identifier, "json")
    bundle = check_receipt(document, role.root()).bundle
    signed = json.dumps(bundle, ensure_ascii=False)
    assert (bundle["verdict"], bundle["checks"][1]["code"]) == ("not_genuine", "signature_mismatch")
    assert len(bundle["envelope_digest"]) == 64
    for submitted in ("请致电李明核实", "7788", claims.number, payload):
        assert submitted not in signed


async def test_no_character_of_an_id_is_in_a_receipt(role: RegistryRole) -> None:
    identifier = await role.make()
    tail = role.desk.report(role.number)["certificate"]["id_tail"]
    document = await role.file(identifier, "json")
    bundle = unverified_payload(json.loads(document)["receipt"].encode())
    assert f'"{tail}"' not in json.dumps(bundle)
    assert "id_tail" not in bundle["certificate"]


async def test_the_key_is_the_one_that_the_delegation_names(role: RegistryRole) -> None:
    """A newer receipt key counts only once the root has delegated to it."""
    role.desk.home.keystore.generate_signing_key(KeyRole.RECEIPT, None, role.now)
    assert (await role.receipt()).counter_signed


async def test_without_its_key_it_signs_nothing(role: RegistryRole) -> None:
    for path in role.desk.home.settings.keys_folder.glob("receipt-*"):
        path.unlink()
    async with role.client() as client:
        answer = await client.post("/receipts", json={"payload": role.payload})
    assert (answer.status_code, answer.json()["code"]) == (503, "receipt_unavailable")


async def test_where_the_register_is_away_there_is_no_receipt(role: RegistryRole) -> None:
    (role.desk.home.settings.log_folder / "checkpoint").unlink()
    async with role.client() as client:
        answer = await client.post("/receipts", json={"payload": role.payload})
    assert (answer.status_code, answer.json()["code"]) == (503, "receipt_unavailable")


async def test_the_register_is_read_on_and_not_anew(role: RegistryRole, monkeypatch: pytest.MonkeyPatch) -> None:
    await role.make()
    read: list[str] = []
    read_file = Home.log_file

    def counted(home: Home, path: str) -> bytes | None:
        read.append(path)
        return read_file(home, path)

    monkeypatch.setattr(Home, "log_file", counted)
    await role.make()
    assert not [path for path in read if "entries" in path]


# --- its forms


async def test_the_pdf_is_one_page_with_the_receipt_attached(role: RegistryRole) -> None:
    identifier = await role.make()
    opened = pypdfium2.PdfDocument(await role.file(identifier, "pdf"))
    assert len(opened) == 1
    assert opened.get_attachment(0).get_name() == "receipt.json"
    assert bytes(opened.get_attachment(0).get_data()) == await role.file(identifier, "json")
    opened.close()


async def test_the_picture_is_wide_enough_and_light(role: RegistryRole) -> None:
    content = await role.file(await role.make(), "png")
    with Image.open(BytesIO(content)) as picture:
        assert (picture.format, picture.width) == ("PNG", 1440)
    assert len(content) < 1_000_000


def test_the_document_key_is_renewed_in_time(role: RegistryRole) -> None:
    maker, paper = ReceiptMaker(role.desk.home), ReceiptPaper(role.desk.home)
    paper.pdf(maker.make(role.payload, role.now))
    before = paper._signer
    bundle_time = role.now + timedelta(days=LEAF_DAYS + 1)
    renewed = paper._signer_for(bundle_time)
    assert before is not None
    assert renewed.certificate != before.certificate
    renewed.require_in_force(bundle_time)


# --- how long it is kept


@pytest.mark.parametrize(("moved", "is_kept"), [(-SECOND, True), (0 * SECOND, False), (SECOND, False)])
async def test_a_receipt_is_kept_for_a_day(role: RegistryRole, moved: timedelta, is_kept: bool) -> None:
    identifier = await role.make()
    role.now += KEPT_FOR + moved
    async with role.client() as client:
        answer = await client.get(f"/receipts/{identifier}.json")
    assert answer.status_code == (200 if is_kept else 404)
    if not is_kept:
        assert answer.json()["code"] == "receipt_unknown"


async def test_the_next_receipt_removes_old_ones(role: RegistryRole) -> None:
    folder = role.desk.home.settings.receipts_folder
    first = await role.make()
    role.now += timedelta(hours=23)
    second = await role.make()
    assert {path.stem for path in folder.iterdir()} == {first, second}
    role.now += timedelta(hours=2)
    third = await role.make()
    assert {path.stem for path in folder.iterdir()} == {second, third}


async def test_receipts_are_for_the_owner_s_eyes_alone(role: RegistryRole) -> None:
    identifier = await role.make()
    folder = role.desk.home.settings.receipts_folder
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / f"{identifier}.json")]
    assert modes == [0o700, 0o600]
    assert len(identifier) == 26


async def test_there_is_an_end_to_what_is_kept(role: RegistryRole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_receipts, "MOST_KEPT", 1)
    await role.make()
    async with role.client() as client:
        answer = await client.post("/receipts", json={"payload": role.payload})
    assert (answer.status_code, answer.json()["code"]) == (503, "receipt_unavailable")


# --- what it refuses


@pytest.mark.parametrize("path", ["", "x.json", "a" * 26 + ".json", "..%2Fkeys.json", "a" * 26, "%2e%2e/kezheng.db"])
async def test_what_is_not_kept_is_unknown(role: RegistryRole, path: str) -> None:
    async with role.client() as client:
        answer = await client.get(f"/receipts/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "receipt_unknown")


async def test_a_kept_receipt_has_three_forms(role: RegistryRole) -> None:
    identifier = await role.make()
    async with role.client() as client:
        for form in ("txt", "html", ""):
            assert (await client.get(f"/receipts/{identifier}.{form}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"payload":7}', 400),
        (b'{"payload":""}', 400),
        (b'{"payload":"A","name":"x"}', 400),
        (b"\xff", 400),
        (b'{"payload":"' + b"A" * 20_000 + b'"}', 413),
    ],
)
async def test_a_request_of_another_shape_is_refused(role: RegistryRole, body: bytes, status: int) -> None:
    async with role.client() as client:
        answer = await client.post("/receipts", content=body)
    assert answer.status_code == status


async def test_it_says_that_it_is_there(role: RegistryRole) -> None:
    async with role.client() as client:
        answer = await client.get("/healthz")
    assert answer.json() == {"status": "ok"}
    assert answer.headers["cache-control"] == "no-store"


async def test_it_is_ready_while_the_register_can_be_read(role: RegistryRole, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_home: Home) -> bytes:
        raise KezhengError("store_unavailable")

    async with role.client() as client:
        ready = await client.get("/readyz")
        monkeypatch.setattr(Home, "checkpoint", away)
        unready, health = await client.get("/readyz"), await client.get("/healthz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert (unready.status_code, unready.json()["code"]) == (503, "receipt_unavailable")
    assert health.status_code == 200
