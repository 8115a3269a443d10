"""``kezheng log …`` as scripts and people use it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from certs.tlog.note import parse_note
from certs.tlog.proof_file import parse_tlog_proof
from certs.tlog.tiles import bundle_path, tile_path


@pytest.fixture
def public(kezheng: Any, tmp_path: Path) -> Path:
    """What the home publishes."""
    folder = tmp_path / "public"
    kezheng.json("publish", folder)
    return folder


@pytest.fixture
def watch(kezheng: Any, public: Path, tmp_path: Path) -> Any:
    """Watches that publication from a machine without a home."""

    def run(*arguments: object, where: Path = public) -> Any:
        options = ("--root", public / "root.jwk", "--state", tmp_path / "state.json")
        return kezheng("log", "monitor", where, *options, *arguments, home=tmp_path / "no-home")

    return run


def size_of(public: Path) -> int:
    """How many entries a publication has, fewer than a tile: older partial tiles may lie beside the present one."""
    size = int((public / "log" / "checkpoint").read_text("utf-8").split("\n")[1])
    assert size < 256
    return size


def change_last_bit(path: Path) -> None:
    """Another content for certain: a fixed byte would now and then be the one that is there."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_check_of_the_home_and_of_a_publication(kezheng: Any, public: Path, tmp_path: Path) -> None:
    own = kezheng.json("log", "check")
    assert (own["is_right"], own["faults"]) == (True, [])
    assert set(own) == {"checked_at", "is_right", "faults", "tree", "signatures", "kinds"}
    assert own["kinds"]["certificate"] == 3
    copied = kezheng.json("log", "check", public, "--root", public / "root.jwk", home=tmp_path / "no-home")
    assert copied["tree"] == own["tree"]
    bare = kezheng.json("log", "check", public / "log")
    assert bare["tree"] == own["tree"]
    lines = kezheng("log", "check").out.strip().split("\n")
    assert lines[-1] == "核对无误 / everything fits"
    assert lines[0].split()[1:] == [str(own["tree"]["size"]), own["tree"]["root"]]


def test_check_of_what_was_changed(kezheng: Any, public: Path) -> None:
    bundle = public / "log" / bundle_path(0, size_of(public))
    change_last_bit(bundle)
    answer = kezheng("log", "check", public, "--json")
    assert (answer.code, answer.document["is_right"]) == (1, False)
    assert {"log_entries_differ", "log_tile_differs"} <= {fault["code"] for fault in answer.document["faults"]}
    assert all(fault["zh"] and fault["en"] and fault["count"] == 1 for fault in answer.document["faults"])
    spoken = kezheng("log", "check", public)
    assert spoken.code == 1
    assert "[log_entries_differ]" in spoken.out


def test_check_needs_a_root_and_a_register(kezheng: Any, public: Path, tmp_path: Path) -> None:
    for code, exit_code, arguments in (
        ("root_needed", 1, ("check", public)),
        ("file_not_found", 1, ("check", public, "--root", tmp_path / "no.jwk")),
        ("log_source_unreachable", 2, ("check", tmp_path / "nowhere", "--root", public / "root.jwk")),
        ("home_not_initialised", 2, ("check", "--root", public / "root.jwk")),
    ):
        answer = kezheng("log", *arguments, "--json", home=tmp_path / "no-home")
        assert (answer.code, answer.document["code"]) == (exit_code, code)


def test_prove(kezheng: Any, certificates: list[dict[str, Any]], tmp_path: Path) -> None:
    number, out = certificates[0]["number"], tmp_path / "one.tlog-proof"
    proved = kezheng.json("log", "prove", number, "--out", out)
    assert set(proved) == {"number", "leaf_index", "logged_at", "tree_size", "root", "entry", "proof", "file"}
    assert out.read_text("utf-8") == proved["proof"]
    assert parse_tlog_proof(out.read_bytes()).extra == bytes.fromhex(proved["entry"])
    assert kezheng("log", "prove", number).out == proved["proof"]
    again = kezheng("log", "prove", number, "--out", out, "--json")
    assert (again.code, again.document["code"]) == (1, "file_exists")


def test_monitor_counts_and_remembers(watch: Any, tmp_path: Path, kezheng: Any, public: Path) -> None:
    answer = watch("--institution", "P000115000001", "--json")
    assert answer.code == 0
    first = answer.document
    assert first["is_consistent"]
    assert [key["certificates"] for key in first["keys"]] == [3]
    assert len(first["leaves"]) == 3
    assert first["known_before"] is None
    remembered = json.loads((tmp_path / "state.json").read_text("utf-8"))
    assert remembered["size"] == first["tree"]["size"] == first["new_entries"]
    sample = Path(__file__).parents[3] / "registry" / "sample" / "caoyuan.toml"
    kezheng.json("institution", "add", sample)
    kezheng.json("publish", public)
    second = watch("--json").document
    assert second["known_before"]["size"] == first["tree"]["size"]
    assert [event["code"] for event in second["events"]] == ["listing_granted"] * 2 + ["key_added", "trust_list_logged"]
    assert second["leaves"] == []
    assert {key["institution"]: key["certificates"] for key in second["keys"]} == {
        "P000115000001": 3,
        "T000115000001": 0,
    }


def test_a_register_that_went_back_is_an_alarm(watch: Any, kezheng: Any, public: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(public, before)
    kezheng.json("institution", "rename", "P000115000001", "--on", "2026-01-01", "--name", "北疆评价中心")
    kezheng.json("publish", public)
    assert watch().code == 0
    kept = (tmp_path / "state.json").read_bytes()
    answer = watch("--json", "--out", tmp_path / "note", where=before)
    assert answer.code == 1
    assert {"log_rolled_back", "trust_list_rolled_back"} == {alarm["code"] for alarm in answer.document["alarms"]}
    forked = next(alarm for alarm in answer.document["alarms"] if alarm["code"] == "log_rolled_back")
    assert len(forked["evidence"]) == 2
    assert (tmp_path / "state.json").read_bytes() == kept
    assert not (tmp_path / "note").exists()
    assert "! 登记簿比此前所见少" in watch(where=before).out


def test_a_witness_signs_what_holds_and_the_registry_is_told(watch: Any, kezheng: Any, tmp_path: Path) -> None:
    key, out = tmp_path / "witness.key", tmp_path / "note"
    nameless = watch("--cosign", key, "--json")
    assert (nameless.code, nameless.document["code"]) == (1, "cosigner_name_needed")
    document = watch("--cosign", key, "--name", "witness.example/w1", "--out", out, "--json").document
    assert document["cosigned"]["note"] == out.read_text("utf-8")
    assert parse_note(out.read_bytes()).signatures[-1].name == "witness.example/w1"
    assert document["cosigned"]["vkey"].startswith("witness.example/w1+")
    assert document["cosigned"]["vkey"] in watch("--cosign", key).out
    stranger = kezheng("log", "cosign", out, "--json")
    assert (stranger.code, stranger.document["code"]) == (1, "witness_unknown")


def test_a_witness_signs_nothing_after_an_alarm(watch: Any, public: Path, tmp_path: Path) -> None:
    bundle = public / "log" / bundle_path(0, size_of(public))
    change_last_bit(bundle)
    out = tmp_path / "note"
    answer = watch("--cosign", tmp_path / "witness.key", "--name", "w", "--out", out, "--json")
    assert (answer.code, answer.document["cosigned"]) == (1, None)
    assert not out.exists()
    assert not (tmp_path / "state.json").exists()


def test_gossip_files_are_compared(watch: Any, public: Path, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("rubbish", "utf-8")
    document = watch("--gossip", public / "log" / "checkpoint", "--gossip", rubbish, "--json").document
    assert [notice["code"] for notice in document["notices"]] == ["gossip_untrusted"]
    missing = watch("--gossip", tmp_path / "none", "--json")
    assert (missing.code, missing.document["code"]) == (1, "file_not_found")


def test_a_register_that_cannot_be_looked_at(watch: Any, public: Path, tmp_path: Path) -> None:
    away = watch("--json", where=tmp_path / "nowhere")
    assert (away.code, away.document["code"]) == (2, "log_source_unreachable")
    (public / "log" / "checkpoint").unlink()
    gone = watch("--json")
    assert (gone.code, [alarm["code"] for alarm in gone.document["alarms"]]) == (2, ["log_unavailable"])



def test_following_goes_on_until_there_is_an_alarm(
    watch: Any, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden, lapses = public.with_name("hidden"), []

    def sleep(seconds: float) -> None:
        """The publication goes away, comes back, and then goes back in time."""
        lapses.append(seconds)
        if len(lapses) == 1:
            public.rename(hidden)
        elif len(lapses) == 2:
            hidden.rename(public)
        else:
            assert len(lapses) == 3
            tile = public / "log" / tile_path(0, 0, size_of(public))
            tile.write_bytes(bytes(len(tile.read_bytes())))

    monkeypatch.setattr(time, "sleep", sleep)
    shutil.copy(public / "root.jwk", public.with_name("root.jwk"))
    answer = watch("--follow", "30", "--json", "--root", public.with_name("root.jwk"))
    looks = [json.loads(line) for line in answer.out.strip().split("\n")]
    assert (answer.code, lapses) == (1, [30, 30, 30])
    assert [len(seen["alarms"]) for seen in looks] == [0, 0, 1]
    assert "[log_source_unreachable]" in answer.err


def test_following_stops_when_it_is_stopped(watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", stop)
    assert watch("--follow", "1").code == 130
