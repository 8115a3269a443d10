"""What thefts of machines and papers buy: a database, a backup, a public machine or mirror, a certificate's QR."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from register_desk import Desk, id_number, institution_toml, name_of, people
from simulator import World
from site_simulator import make_site, payload_of
from thief import (
    ASSESSOR,
    FALSE_NAME,
    MINUTE,
    Verifier,
    at_the_site,
    envelope_of,
    found,
    pinned_root,
    publish,
    sealed_by_thief,
    text_of,
    verifier,
)

from certs.certificate import decode_claims, encode_claims
from certs.cose import assemble, take_apart
from certs.errors import KezhengError
from certs.evidence import STATUS_FILE, TRUST_LIST_FILE
from certs.qr import qr_text
from certs.status import State
from registry.checking import check_own_log
from registry.home import open_home
from registry.initialise import initialise
from registry.settings import load_settings
from registry.store.engine import open_public_store

# --- database, write: wrong look-ups and delays


def test_database_what_is_shown_comes_from_the_envelope(desk: Desk) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    desk.now += MINUTE
    assert desk.tamper("UPDATE roster_row SET name = :name, grade = 'senior'", name=FALSE_NAME) == 1
    assert desk.tamper("UPDATE certificate_logged SET logged_at = '2020-01-01 00:00:00.000000'") == 1
    report = desk.report(certificate.number)
    assert (report["verdict"], report["certificate"]["name"]) == ("valid", name_of(1))
    assert report["certificate"]["grade"] == "intermediate"
    assert report["log"]["logged_at"] == "2026-11-20T10:00:00+08:00"


def test_database_a_forged_envelope_is_not_in_the_register(desk: Desk) -> None:
    """The thief has the institution's key too, and puts his paper where the look-up by number finds it."""
    desk.now += MINUTE
    [certificate] = desk.certify(people(1), ASSESSOR)
    claims = decode_claims(take_apart(envelope_of(certificate)).payload)
    envelope = sealed_by_thief(desk, claims._replace(name=FALSE_NAME))
    assert desk.tamper("UPDATE certificate_sealed SET envelope = :envelope", envelope=envelope) == 1
    assert desk.report(certificate.number)["checks"][2]["code"] == "not_logged"
    assert desk.verdict(certificate.number) == "not_genuine"


def test_database_a_revocation_that_is_deleted_is_missed(desk: Desk) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    desk.now += MINUTE
    desk.change(certificate.number, State.REVOKED, "false_documents")
    assert desk.tamper("DELETE FROM status_event") == 1
    desk.now += MINUTE
    with desk.home.recording() as tx:
        desk.home.publish_status(tx, desk.now)
    report = desk.report(certificate.number)
    assert report["verdict"] == "undetermined"
    assert "status_behind_log" in {check["code"] for check in report["checks"]}


def test_database_an_entry_that_is_changed_stops_the_register(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    thief = "UPDATE log_entry SET entry = CAST(substr(entry, 1, 17) || zeroblob(32) AS BLOB) WHERE kind = 1"
    assert desk.tamper(thief) == 1
    checked = check_own_log(desk.home, pinned_root(desk), lambda _done, _total: None)
    assert not checked.is_right
    with open_home(desk.home.settings, {}) as reopened, pytest.raises(KezhengError, match="log_damaged"):
        Desk(reopened, desk.now + MINUTE).certify(people(2), ASSESSOR)


def test_database_a_ciphertext_opens_only_where_it_lies(desk: Desk) -> None:
    desk.bring(people(1, 2), ASSESSOR)
    first, second = (desk.value(f"SELECT {which}(id) FROM person_document") for which in ("min", "max"))
    moved = desk.value("SELECT number_ciphertext FROM person_document WHERE id = :id", id=first)
    desk.tamper("UPDATE person_document SET number_ciphertext = :moved WHERE id = :id", moved=moved, id=second)
    cipher = desk.home.keyring.cipher
    assert cipher.open("person_document", "number_ciphertext", first, moved) == id_number(1)
    with pytest.raises(KezhengError, match="data_damaged"):
        cipher.open("person_document", "number_ciphertext", second, moved)


# --- backup: encrypted ID numbers and envelopes


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def backup(desk: Desk, tmp_path: Path) -> Path:
    """Database and register of a home in which two people are certified, without its keys."""
    desk.certify(people(1, 2), ASSESSOR)
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o700)
    with (
        closing(sqlite3.connect(desk.folder / "kezheng.db")) as source,
        closing(sqlite3.connect(folder / "kezheng.db")) as copy,
    ):
        source.backup(copy)
    shutil.copytree(desk.home.settings.log_folder, folder / "log")
    return folder


def test_backup_holds_no_id_number(backup: Path) -> None:
    content = b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
    for place in (1, 2):
        assert id_number(place).encode() not in content
        assert id_number(place)[6:14].encode() not in content
    assert name_of(1).encode() in content, "the search itself finds what is in clear"


def test_backup_is_no_register_without_its_keys(desk: Desk, backup: Path) -> None:
    """Neither as it is, nor with keys of the thief's own in the place of those that its delegation names."""
    with pytest.raises(KezhengError, match="home_not_initialised"), open_home(load_settings(backup, {}), {}):
        pass
    with pytest.raises(KezhengError, match="key_not_found"):
        initialise(load_settings(backup, {}), {}, desk.now)


def test_backup_opens_with_no_other_keys(desk: Desk, tmp_path: Path) -> None:
    desk.bring(people(1), ASSESSOR)
    sealed = desk.value("SELECT number_ciphertext FROM person_document")
    settings = load_settings(tmp_path / "thief", {})
    initialise(settings, {}, desk.now)
    with open_home(settings, {}) as thief, pytest.raises(KezhengError, match="data_key_unknown"):
        thief.keyring.cipher.open("person_document", "number_ciphertext", 1, sealed)


# --- public machine or mirror: what it displays, and what it is asked


def test_mirror_under_a_root_of_its_own_means_nothing_to_a_pinned_root(desk: Desk, tmp_path: Path) -> None:
    """The thief runs a whole register of his own behind the stolen machine."""
    stranger = verifier(desk, tmp_path)
    settings = load_settings(tmp_path / "thief", {})
    initialise(settings, {}, desk.now)
    with open_home(settings, {}) as home:
        own = Desk(home, desk.now)
        code = own.list_institution(institution_toml())
        [certificate] = own.certify(people(1), code)
        publish(own, tmp_path / "false")
        text = text_of(own, certificate.number)
        assert own.verdict(certificate.number) == "valid"
    asked = Verifier(stranger.home, tmp_path / "false")
    made = asked.ask(text, desk.now)
    assert found(made) == ("undetermined", "trust_list_unsigned")
    assert made.genuine is None


@pytest.mark.parametrize(
    ("name", "verdict", "code"),
    [
        (TRUST_LIST_FILE, "undetermined", "trust_list_unsigned"),
        (STATUS_FILE, "undetermined", "status_unavailable"),
        ("catalogue/occupations.toml", "undetermined", "data_file_unlisted"),
        ("log/checkpoint", "undetermined", "checkpoint_untrusted"),
    ],
)
def test_mirror_changes_no_published_file(desk: Desk, tmp_path: Path, name: str, verdict: str, code: str) -> None:
    [certificate] = desk.certify(people(1), ASSESSOR)
    stranger = verifier(desk, tmp_path)
    path = stranger.folder / name
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(bytes(content))
    assert found(stranger.ask(text_of(desk, certificate.number), desk.now)) == (verdict, code)


def test_mirror_holds_no_key_and_no_name(desk: Desk, tmp_path: Path) -> None:
    desk.certify(people(1), ASSESSOR)
    folder = publish(desk, tmp_path / "published")
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (name_of(1), id_number(1), id_number(1)[-4:] + '"'):
        assert secret.encode() not in content
    keys = orjson.loads((folder / "jwks.json").read_bytes())["keys"]
    assert keys
    assert all("d" not in key for key in keys)


def test_public_machine_reads_no_name_and_no_number(desk: Desk) -> None:
    desk.certify(people(1), ASSESSOR)
    store = open_public_store(desk.home.settings.database_url)
    with closing(store), store.reading() as tx:
        for column, table in (("name", "roster_row"), ("number_ciphertext", "person_document")):
            with pytest.raises(Exception, match="prohibited"):
                tx.connection.exec_driver_sql(f"SELECT {column} FROM {table}")


# --- a certificate's QR: the record, not the person


@pytest.mark.anyio
async def test_qr_proves_the_record_and_says_what_to_compare(tmp_path: Path) -> None:
    """Any copy is answered alike; the page tells who looks at it to compare it with the bearer's card."""
    world = World()
    text = world.issue(world.institution(), name="张小明", id_tail="123X")
    made = make_site(world, tmp_path)
    async with made.client(Accept="text/html") as client:
        page = (await client.get(f"/v/{payload_of(text)}")).text
    assert "张小明" in page
    assert "123X" in page
    assert "请与本人证件核对。本页证明登记记录，不证明持有人身份" in page


def test_qr_of_another_name_needs_another_signature(desk: Desk) -> None:
    """What can be changed in a copy is nothing: with another name the same code is refused."""
    [certificate] = desk.certify(people(1), ASSESSOR)
    sign1 = take_apart(envelope_of(certificate))
    payload = encode_claims(decode_claims(sign1.payload)._replace(name=FALSE_NAME))
    text = qr_text(desk.home.settings.public_url, assemble(sign1.kid, payload, sign1.signature))
    assert found(at_the_site(desk, text)) == ("not_genuine", "signature_mismatch")
