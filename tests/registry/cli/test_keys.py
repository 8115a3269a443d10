"""``kezheng keys …`` as scripts rely on it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certs.signing_key import base64url
from certs.timestamps import format_instant
from certs.tlog.note import ED25519_COSIGNATURE, NoteKey, encode_vkey

ASSESSOR = "P000115000001"
PROBLEM = {"type", "title", "detail", "code", "advice_zh", "advice_en"}
THEFT = ("--by", "机构甲", "--officer", "登记官乙")
TWO = ("--operator", "甲", "--approver", "乙")
LONG_AGO = "2026-01-01"


def problem(answer: Any, code: str, exit_code: int = 1) -> None:
    assert (answer.code, answer.document["code"]) == (exit_code, code)
    assert set(answer.document) >= PROBLEM
    assert "Traceback" not in answer.err


def key_ids(kezheng: Any, state: str = "in_use") -> list[str]:
    """The ids of the institution's keys in a state."""
    listed = kezheng.json("keys", "list", "--institution", ASSESSOR)["keys"]
    return [key["kid"] for key in listed if key["state"] == state]


def test_list_shows_every_key_and_nothing_private(kezheng: Any) -> None:
    listed = kezheng.json("keys", "list")
    roles = {key["role"] for key in listed["keys"]}
    assert roles == {
        *("list", "log", "log_cosignature", "status", "receipt", "document_ca", "document"),
        *("institution", "data_encryption", "blind_index", "status_index"),
    }
    assert {key["state"] for key in listed["keys"]} == {"in_use"}
    assert set(listed["root"]) == {"fingerprint", "next", "here", "next_here"}
    assert listed["root"]["here"] is listed["root"]["next_here"] is True
    assert (listed["delegation"]["epoch"], listed["delegation"]["log"]["quorum"]) == (1, 0)
    text = kezheng("keys", "list").out
    assert "sealed" not in text
    assert listed["root"]["fingerprint"] in text
    shutil.rmtree(kezheng.home / "keys" / "root")
    assert kezheng.json("keys", "list")["root"]["here"] is False


def test_a_key_from_its_first_to_its_last_day(kezheng: Any) -> None:
    [first] = key_ids(kezheng)
    added = kezheng.json("keys", "generate", "--institution", ASSESSOR, "--by", "丙")["added"]
    assert set(key_ids(kezheng)) == {first, added["kid"]}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    retired = kezheng.json("keys", "retire", added["kid_base64url"], "--on", tomorrow)
    assert (retired["kid"], retired["retired_at"][11:]) == (added["kid"], "00:00:00+08:00")
    assert set(key_ids(kezheng)) == {first, added["kid"]}
    problem(kezheng("keys", "retire", added["kid"], "--json"), "key_state_changed")
    problem(kezheng("keys", "retire", first, "--on", LONG_AGO, "--json"), "retirement_in_past")
    rotated = kezheng.json("keys", "rotate", "--institution", ASSESSOR)
    assert [key["kid"] for key in rotated["retired"]] == [first]
    assert rotated["added"]["institution"] == ASSESSOR
    assert kezheng("keys", "list").code == 0
    (kezheng.home / "keys" / f"institution-{ASSESSOR}-{first}.key.json").unlink()
    listed = {key["kid"]: key for key in kezheng.json("keys", "list")["keys"]}
    assert (listed[first]["has_file"], listed[rotated["added"]["kid"]]["has_file"]) == (False, True)


WRONG = [
    (("retire", "xyz"), "usage", 64),
    (("retire", "00" * 7), "usage", 64),
    (("retire", "00" * 8), "signing_key_unknown", 1),
    (("retire", "00" * 8, "--on", "gestern"), "time_invalid", 64),
    (("rotate",), "usage", 64),
    (("rotate", "list", "--institution", ASSESSOR), "usage", 64),
    (("rotate", "root"), "usage", 64),
    (("generate", "--institution", "P999915000009"), "institution_unknown", 1),
    (("compromise", "00" * 8, *THEFT), "usage", 64),
    (("compromise", "--at", LONG_AGO, *THEFT), "usage", 64),
    (("compromise", "00" * 8, "--at", LONG_AGO, *THEFT, "--confirm", "--dry-run"), "usage", 64),
    (("compromise", "00" * 8, "--at", LONG_AGO, *THEFT), "signing_key_unknown", 1),
    (("compromise", "00" * 8, "--at", "gestern", *THEFT), "time_invalid", 64),
    (("compromise", "--role", "list", "--by", "甲", "--confirm"), "registry_officer_needed", 1),
    (("reissue", "00" * 8, *TWO), "usage", 64),
    (("reissue", "00" * 8, *TWO, "--all"), "signing_key_unknown", 1),
    (("reissue", "00" * 8, "--operator", "甲", "--approver", "甲", "--all"), "approver_is_operator", 1),
    (("delegate", "--witness", "none"), "log_key_malformed", 1),
    (("delegate", "--quorum", "1"), "witnesses_invalid", 1),
]


@pytest.mark.parametrize(("arguments", "code", "exit_code"), WRONG)
def test_refusals(kezheng: Any, arguments: tuple[str, ...], code: str, exit_code: int) -> None:
    problem(kezheng("keys", *arguments, "--json"), code, exit_code)


@pytest.mark.parametrize("role", ["list", "status", "log", "log_cosignature", "receipt", "document"])
def test_a_role_is_rotated_while_the_root_is_here(kezheng: Any, certificates: Any, role: str) -> None:
    before = {key["kid"] for key in kezheng.json("keys", "list")["keys"] if key["role"] == role}
    assert kezheng.json("keys", "rotate", role)["epoch"] == 2
    listed = [key for key in kezheng.json("keys", "list")["keys"] if key["role"] == role]
    assert {key["kid"] for key in listed if key["state"] == "former"} == before
    assert kezheng("verify", certificates[0]["qr"]).code == 0
    shutil.rmtree(kezheng.home / "keys" / "root")
    problem(kezheng("keys", "rotate", role, "--json"), "root_key_off_line")


def test_a_stolen_key_of_the_register_is_replaced_by_two_people(kezheng: Any, certificates: Any) -> None:
    shown = kezheng.json("keys", "compromise", "--role", "list", *THEFT)
    assert shown == {"role": "list", "dry_run": True}
    assert kezheng.json("keys", "list")["delegation"]["epoch"] == 1
    done = kezheng.json("keys", "compromise", "--role", "list", *THEFT, "--confirm")
    assert done == {"role": "list", "dry_run": False, "epoch": 2}
    assert kezheng("verify", certificates[0]["qr"]).code == 0


def test_delegate_names_witnesses(kezheng: Any) -> None:
    vkey = encode_vkey(NoteKey("witness.example", ED25519_COSIGNATURE, bytes(range(32))))
    given = kezheng.json("keys", "delegate", "--witness", vkey, "--quorum", "0")
    assert (given["epoch"], given["log"]["witnesses"], given["log"]["quorum"]) == (2, ["witness.example"], 0)
    assert kezheng.json("keys", "delegate")["log"]["witnesses"] == ["witness.example"]


def test_an_old_pin_follows_a_change_of_root(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    pin = shutil.copy(kezheng.home / "pinned-root.jwk", tmp_path / "old.jwk")
    before = kezheng.json("init")["root_fingerprint"]
    root = kezheng.json("keys", "rotate-root", "--by", "丙")
    assert root["root_fingerprint"] != before
    assert kezheng.json("init")["root_fingerprint"] == root["root_fingerprint"]
    published = tmp_path / "published"
    kezheng.json("publish", published)
    stranger = tmp_path / "stranger"
    arguments = ("verify", certificates[0]["qr"], "--evidence", published, "--root", pin)
    assert kezheng.json(*arguments, home=stranger)["verdict"] == "valid"
    (published / "root-chain.jws").unlink()
    answer = kezheng(*arguments, "--json", home=tmp_path / "another")
    assert (answer.code, answer.document["verdict"]) == (2, "undetermined")
    assert kezheng("verify", certificates[0]["qr"]).code == 0
    shutil.move(kezheng.home / "keys" / "next-root", tmp_path / "vault")
    problem(kezheng("keys", "rotate-root", "--json"), "root_key_off_line")


def test_data_is_sealed_again(kezheng: Any, certificates: Any) -> None:
    first, second = kezheng.json("keys", "rotate-data"), kezheng.json("keys", "rotate-data", "--by", "丙")
    assert (first["new_key"], first["rows"], second["rows"]) == (True, 6, 6)
    assert first["key"] != second["key"]
    batch = Path(certificates[0]["pdf"]).parent.name
    assert kezheng("batch", "export", batch).code == 0


def test_a_theft_from_the_dry_run_to_new_papers(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    """S-13 through the command line: counted, declared, confirmed, issued again; the old code says so."""
    [stolen] = key_ids(kezheng)
    numbers = [entry["number"] for entry in certificates]
    declared = ("keys", "compromise", stolen, "--at", LONG_AGO, *THEFT)
    counted = kezheng.json(*declared)
    assert (counted["dry_run"], counted["new_kid"]) == (True, None)
    assert (counted["logged_before"], counted["logged_since"], counted["not_logged"]) == (0, 3, 0)
    assert kezheng.json(*declared, "--dry-run") == counted
    assert kezheng("verify", certificates[0]["qr"]).code == 0
    affected = tmp_path / "affected.txt"
    page = kezheng.json(*declared, "--limit", "2", "--offset", "1", "--numbers-out", affected)
    assert [entry["number"] for entry in page["certificates"]] == numbers[1:]
    assert affected.read_text("ascii").split() == numbers
    assert affected.stat().st_mode & 0o777 == 0o600
    problem(kezheng("keys", "reissue", stolen, *TWO, "--all", "--json"), "key_not_compromised")

    done = kezheng.json(*declared, "--confirm")
    assert (done["dry_run"], done["logged_since"], done["institution"]) == (False, 3, ASSESSOR)
    assert key_ids(kezheng) == [done["new_kid"]]
    assert key_ids(kezheng, "compromised") == [stolen]
    assert kezheng("verify", certificates[0]["qr"]).code == 1
    later = format_instant(datetime.now(UTC) - timedelta(minutes=1))
    problem(kezheng("keys", "compromise", stolen, "--at", later, *THEFT, "--confirm", "--json"), "key_state_changed")

    affected.write_text("\ufeff" + "\n".join([*numbers[:2], "", ""]), "utf-8")
    again = kezheng.json("keys", "reissue", stolen, *TWO, "--numbers", affected)
    assert (again["count"], again["numbers"], again["not_in_force"]) == (2, numbers[:2], [])
    new = {entry["number"]: entry for entry in again["certificates"]}
    assert set(new) == set(numbers[:2])
    for old in certificates[:2]:
        assert new[old["number"]]["qr"] != old["qr"]
        assert kezheng("verify", new[old["number"]]["pdf"]).code == 0
        report = kezheng("verify", old["qr"], "--json")
        assert (report.code, report.document["verdict"]) == (1, "not_genuine")
        assert "reissued" in {notice["code"] for notice in report.document["notices"]}
        assert report.document["certificate"] is None
    rest = kezheng.json("keys", "reissue", base64url(bytes.fromhex(stolen)), *TWO, "--all", "--no-files")
    assert (rest["count"], rest["numbers"], rest["certificates"]) == (1, numbers[2:], [])
    assert kezheng.json("keys", "reissue", stolen, *TWO, "--all")["count"] == 0


def test_a_stranger_among_the_numbers_stops_everything(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    [stolen] = key_ids(kezheng)
    kezheng.json("keys", "compromise", stolen, "--at", LONG_AGO, *THEFT, "--confirm")
    listed = tmp_path / "confirmed.txt"
    listed.write_text(f"{certificates[0]['number']}\nP000115000001261000001X\n", "ascii")
    problem(kezheng("keys", "reissue", stolen, *TWO, "--numbers", listed, "--json"), "reissue_not_affected")
    assert kezheng("verify", certificates[0]["qr"]).code == 1


def test_it_is_said_to_people_in_both_languages(kezheng: Any, certificates: Any) -> None:
    [stolen] = key_ids(kezheng)
    said = kezheng("keys", "compromise", stolen, "--at", LONG_AGO, *THEFT).out
    assert "失窃后登记，须逐一确认" in said
    assert "a dry run: nothing was changed" in said
    assert certificates[0]["number"] in said
    said = kezheng("keys", "compromise", stolen, "--at", LONG_AGO, *THEFT, "--confirm").out
    assert "新密钥 / new key" in said
    assert "已申报失窃 / compromised" in kezheng("keys", "list").out
