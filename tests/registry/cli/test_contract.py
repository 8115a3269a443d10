"""The commands as scripts rely on them: documents, exit codes, and where the two common options may stand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from register_desk import id_number, people, person, workbook

ASSESSOR = "P000115000001"
PROBLEM = {"type", "title", "detail", "code", "advice_zh", "advice_en"}


def problem(answer: Any, code: str, exit_code: int) -> None:
    """One problem document on stdout, one sentence (and perhaps the next step) on stderr."""
    assert (answer.code, answer.document["code"]) == (exit_code, code)
    assert set(answer.document) >= PROBLEM
    assert answer.document["type"] == f"urn:kezheng:error:{code}"
    lines = answer.err.strip().split("\n")
    assert lines[0].endswith(f"[{code}]")
    assert len(lines) <= 2
    assert "Traceback" not in answer.err


def roster(tmp_path: Path, rows: list[dict[str, str]]) -> Path:
    path = tmp_path / "名册.xlsx"
    path.write_bytes(workbook(rows))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--home", "HOME", "institution", "list"),
        ("institution", "--json", "list", "--home", "HOME"),
        ("institution", "list", "--home=HOME", "--json"),
        ("--home=HOME", "institution", "list", "--json"),
    ],
)
def test_common_options_stand_anywhere(kezheng: Any, arguments: tuple[str, ...]) -> None:
    answer = kezheng.bare(*(part.replace("HOME", str(kezheng.home)) for part in arguments))
    assert (answer.code, answer.err) == (0, "")
    assert [entry["code"] for entry in answer.document["institutions"]] == [ASSESSOR]


def test_the_home_of_the_environment(kezheng: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEZHENG_HOME", str(kezheng.home))
    assert kezheng.bare("institution", "list", "--json").code == 0


def test_init_is_idempotent(kezheng: Any) -> None:
    first = kezheng.json("init")
    assert set(first) == {"home", "root_fingerprint", "created_keys", "passphrase_file"}
    assert (first["created_keys"], first) == (0, kezheng.json("init"))


def test_institution_add_list_and_show(kezheng: Any, tmp_path: Path) -> None:
    from_sample = Path(__file__).parents[3] / "registry" / "sample" / "caoyuan.toml"
    added = kezheng.json("institution", "add", from_sample)
    assert (added["code"], added["kind"], added["name"]) == ("T000115000001", "training", "草原数字技能培训中心")
    assert kezheng.json("institution", "show", added["code"]) == added
    assert [i["code"] for i in kezheng.json("institution", "list")["institutions"]] == [ASSESSOR, added["code"]]
    again = kezheng("institution", "add", from_sample, "--json")
    problem(again, "institution_exists", 1)
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ", "utf-8")
    problem(kezheng("institution", "add", broken, "--json"), "institution_file_invalid", 1)


def test_what_becomes_of_a_listing(kezheng: Any) -> None:
    for verb, on, reason in (
        ("suspend", "2026-01-05", "under_review"),
        ("reinstate", "2026-01-06", "review_closed"),
        ("withdraw", "2026-02-01", "own_wish"),
        ("remove", "2026-02-02", "rules_violated"),
    ):
        changed = kezheng.json("institution", verb, ASSESSOR, "--on", on, "--reason", reason)
        assert changed["events"][-1]["kind"] == verb
    problem(
        kezheng("institution", "suspend", ASSESSOR, "--on", "2026-03-01", "--reason", "under_review", "--json"),
        "institution_event_not_allowed",
        1,
    )
    problem(
        kezheng("institution", "remove", ASSESSOR, "--on", "gestern", "--reason", "rules_violated", "--json"),
        "time_invalid",
        64,
    )


def test_roster_template_is_not_written_over(kezheng: Any, tmp_path: Path) -> None:
    target = tmp_path / "模板.xlsx"
    assert kezheng.json("roster", "template", target) == {"file": str(target)}
    problem(kezheng("roster", "template", target, "--json"), "file_exists", 1)


def test_roster_check_without_faults(kezheng: Any, tmp_path: Path, assessed: str) -> None:
    path = roster(tmp_path, people(7, 8, 考核日期=assessed))
    checked = kezheng.json("roster", "check", path, "--institution", ASSESSOR)
    assert (set(checked), checked["rows"], checked["faults"]) == ({"rows", "faults", "warnings"}, 2, [])


def test_roster_check_with_faults(kezheng: Any, tmp_path: Path, assessed: str) -> None:
    rows = [person(7, 考核日期="2999-01-01"), person(8, 证件号码=id_number(8)[:-1] + "A", 考核日期=assessed)]
    marked = tmp_path / "标错件.xlsx"
    answer = kezheng("roster", "check", roster(tmp_path, rows), "--institution", ASSESSOR, "--marked", marked, "--json")
    assert (answer.code, answer.err) == (1, "")
    assert answer.document["rows"] == 2
    first, second = answer.document["faults"]
    assert set(first) == {"row", "column", "code", "value", "zh", "en"}
    assert (first["row"], first["column"], first["value"]) == (2, "考核日期", "2999-01-01")
    assert (second["row"], second["column"]) == (3, "证件号码")
    assert id_number(8)[:-1] not in answer.out
    assert all(set(warning) == set(first) for warning in answer.document["warnings"])
    assert marked.stat().st_mode & 0o777 == 0o600


def test_issue_answers_with_its_files(kezheng: Any, tmp_path: Path, assessed: str) -> None:
    out = tmp_path / "out"
    two = ("--operator", "甲", "--approver", "乙")
    path = roster(tmp_path, people(11, 12, 考核日期=assessed))
    issued = kezheng.json("issue", path, "--institution", ASSESSOR, *two, "--out", out)
    assert {"batch", "count", "certificates"} <= set(issued)
    assert issued["count"] == len(issued["certificates"]) == 2
    assert [entry["row"] for entry in issued["certificates"]] == [2, 3]
    for entry in issued["certificates"]:
        assert {"number", "row", "qr", "png", "pdf"} <= set(entry)
        assert entry["qr"].startswith("HTTP://127.0.0.1:8000/V/")
        assert Path(entry["png"]).parent == Path(entry["pdf"]).parent == out
        assert (Path(entry["png"]).read_bytes()[:4], Path(entry["pdf"]).read_bytes()[:5]) == (b"\x89PNG", b"%PDF-")
    assert kezheng.json("issue", path, "--institution", ASSESSOR, *two, "--out", out) == issued
    shown = kezheng.json("batch", "show", issued["batch"])
    assert (shown["state"], shown["certificates"], shown["names_declared"]) == ("released", {"released": 2}, True)
    assert kezheng.json("batch", "resume") == {"batches": [], "refused": []}


def test_files_of_another_register_are_drawn_anew(kezheng: Any, tmp_path: Path, certificates: Any) -> None:
    """Numbers begin anew with every register: a file of the same name may be of another one."""
    out = Path(certificates[0]["pdf"]).parent
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    for place, certificate in enumerate(certificates):
        Path(certificate["svg"]).write_bytes(b"<svg/>")
        Path(certificate["png"]).write_bytes(b"of another register %d" % place)
    batch = out.name
    kezheng.json("batch", "export", batch, "--out", out)
    assert {path.name: path.read_bytes() for path in out.glob("*-qr.*")} == {
        name: content for name, content in whole.items() if "-qr." in name
    }
    assert tmp_path.exists()


REFUSED_ISSUES = [
    (("--operator", "甲", "--approver", " 甲"), "approver_is_operator", 1),
    (("--operator", "", "--approver", "乙"), "person_missing", 1),
    (("--operator", "甲"), "usage", 64),
]


@pytest.mark.parametrize(("people_named", "code", "exit_code"), REFUSED_ISSUES)
def test_issue_takes_two_people(
    kezheng: Any, tmp_path: Path, people_named: tuple[str, ...], code: str, exit_code: int
) -> None:
    path = roster(tmp_path, people(11))
    problem(kezheng("issue", path, "--institution", ASSESSOR, *people_named, "--json"), code, exit_code)


def test_issue_with_faults_names_them_and_stores_nothing(kezheng: Any, tmp_path: Path) -> None:
    path = roster(tmp_path, [person(11, 理论成绩="12")])
    arguments = ("issue", path, "--institution", ASSESSOR, "--operator", "甲", "--approver", "乙")
    refused = kezheng(*arguments, "--json")
    problem(refused, "roster_has_faults", 1)
    assert [(fault["row"], fault["code"]) for fault in refused.document["faults"]] == [(2, "mark_below_pass")]
    plain = kezheng(*arguments)
    assert (plain.code, plain.out) == (1, "")
    assert "第2行" in plain.err
    assert len(kezheng.json("batch", "list", "--institution", ASSESSOR)["batches"]) == 1


def test_a_batch_can_be_given_up(kezheng: Any, certificates: Any) -> None:
    batch = Path(certificates[0]["pdf"]).parent.name
    problem(kezheng("batch", "void", batch, "--by", "甲", "--json"), "batch_state", 1)
    problem(kezheng("batch", "void", "none", "--by", "甲", "--json"), "batch_unknown", 1)


def test_status_changes(kezheng: Any, certificates: Any) -> None:
    first, second = (entry["number"] for entry in certificates[:2])
    told = kezheng.json("status", "suspend", first, "--reason", "under_review", "--by", "甲", "--note", "举报")
    assert (told["number"], told["state"], told["reason_code"]) == (first, "suspended", "under_review")
    assert "举报" not in json.dumps(told, ensure_ascii=False)
    assert kezheng("verify", certificates[0]["qr"]).code == 1
    assert kezheng.json("status", "reinstate", first, "--reason", "review_closed", "--by", "甲")["state"] == "valid"
    assert kezheng("verify", certificates[0]["qr"]).code == 0
    assert kezheng.json("status", "cancel", first, "--reason", "holder_request", "--by", "甲")["state"] == "cancelled"
    revoked = kezheng.json("status", "revoke", second, "--reason", "exam_misconduct", "--by", "甲")
    assert (revoked["state"], revoked["void_from_start"]) == ("revoked", True)
    again = kezheng("status", "suspend", second, "--reason", "under_review", "--by", "甲", "--json")
    problem(again, "status_final", 1)
    bad = kezheng("status", "revoke", certificates[2]["number"], "--reason", "不想要了", "--by", "甲", "--json")
    problem(bad, "status_reason_not_allowed", 1)
    assert "exam_misconduct" in bad.document["title"]
    lacks = kezheng("status", "supersede", certificates[2]["number"], "--reason", "correction", "--by", "甲", "--json")
    problem(lacks, "successor_needed", 64)


def test_numbers_are_taken_as_people_type_them(kezheng: Any, certificates: Any) -> None:
    typed = " ".join(certificates[0]["number"][place : place + 5] for place in range(0, 23, 5)).lower()
    assert kezheng.json("equivalence", typed, "--jurisdiction", "45")["effects"]


def test_correct_and_reprint(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    number = certificates[0]["number"]
    out = tmp_path / "更正"
    two = ("--operator", "甲", "--approver", "乙")
    corrected = kezheng.json("correct", number, "--name", "测试改正", *two, "--out", out)
    assert (set(corrected), corrected["supersedes"]) == ({"batch", "supersedes", "certificate"}, number)
    old = kezheng("verify", certificates[0]["qr"], "--json")
    assert (old.code, old.document["status"]["superseded_by"]) == (1, corrected["certificate"]["number"])
    assert kezheng("verify", corrected["certificate"]["qr"]).code == 0
    printed = kezheng.json("reprint", certificates[1]["number"], "--out", out)
    assert Path(printed["pdf"]).read_bytes() != Path(certificates[1]["pdf"]).read_bytes()
    assert printed["qr"] == certificates[1]["qr"]


def test_equivalence_by_occupation(kezheng: Any) -> None:
    arguments = ("equivalence", "--occupation", "2-02-38-05", "--grade", "intermediate", "--jurisdiction", "45")
    found = kezheng.json(*arguments, "--on", "2026-11-20")
    assert set(found) == {"effects"}
    effect = next(entry for entry in found["effects"] if "可认定相应中级、初级职称" in entry["quote_zh"])
    assert {
        *("jurisdiction", "effect", "title_level", "title_name", "conditions", "open_points", "document"),
        *("document_number", "clause", "quote_zh", "quote_source", "in_force_from", "in_force_to", "confidence"),
        "delegated_to",
    } <= set(effect)
    assert effect["document_number"] == "桂人社发〔2022〕15号"


WRONG_USAGE = [
    ("equivalence", "--jurisdiction", "45"),
    ("equivalence", "P000115000001262000001B"),
    ("equivalence", "--occupation", "2-02-38-05", "--grade", "expert", "--jurisdiction", "45"),
    ("nosuch",),
    (),
    ("institution",),
    ("status", "revoke", "P000115000001262000001B"),
    ("verify",),
    ("verify", "x", "--at", "yesterday"),
    ("verify", "x", "--at", "2999-01-01"),
    ("verify", "x", "--root", "root.jwk"),
    ("serve", "--host", "0.0.0.0"),
    ("serve", "--host", "0.0.0.0", "--role", "all"),
    ("serve", "--port", "99999"),
    ("demo", "--port", "http"),
]


@pytest.mark.parametrize("arguments", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_is_64(kezheng: Any, arguments: tuple[str, ...]) -> None:
    answer = kezheng(*arguments, "--json")
    problem(answer, answer.document["code"], 64)
    plain = kezheng(*arguments)
    assert (plain.code, plain.out) == (64, "")


def test_a_home_option_without_a_folder(kezheng: Any) -> None:
    problem(kezheng.bare("--json", "init", "--home"), "usage", 64)


def test_a_home_that_was_never_made(kezheng: Any, tmp_path: Path) -> None:
    answer = kezheng("institution", "list", "--json", home=tmp_path / "nowhere")
    problem(answer, "home_not_initialised", 1)
    assert not (tmp_path / "nowhere").exists()


def test_a_failure_of_the_program_itself_is_70(kezheng: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("15010219040101201X")

    monkeypatch.setattr("registry.cli.institution_commands.listed_institutions", fail)
    answer = kezheng("institution", "list", "--json")
    assert (answer.code, answer.document["code"]) == (70, "internal")


def test_stopping_by_hand_is_130(kezheng: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("registry.cli.institution_commands.listed_institutions", stop)
    answer = kezheng("institution", "list")
    assert (answer.code, answer.out) == (130, "")


@pytest.mark.slow
def test_the_installed_command(kezheng: Any, certificates: Any, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("kezheng")
    home = ["--home", str(kezheng.home), "--json"]

    def say(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([command, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False)

    valid = say("verify", certificates[0]["qr"], *home)
    assert (valid.returncode, json.loads(valid.stdout)["verdict"], valid.stderr) == (0, "valid", "")
    unreadable = say("verify", "你好", *home)
    assert (unreadable.returncode, json.loads(unreadable.stdout)["code"]) == (3, "not_a_certificate_code")
    assert list(tmp_path.iterdir()) == [kezheng.home]
