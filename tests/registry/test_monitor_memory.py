"""The file in which a monitor remembers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from growing_register import register_of_two
from register_crash import exit_code, in_child

from certs.errors import KezhengError
from registry.log_monitor import Question, look
from registry.monitor_memory import Memory, load_memory, memory_lock, save_memory


@pytest.fixture
def memory() -> Memory:
    register, first, _ = register_of_two()
    register.certify(first, 3)
    register.publish()
    ahead = register.note()
    found = look(register.source(), Question(register.root), None, register.now).memory
    assert found is not None
    return Memory(**{name: getattr(found, name) for name in Memory.__slots__} | {"gossip": (ahead,)})


def test_what_is_saved_is_loaded(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "monitor.json"
    assert load_memory(path) is None
    save_memory(path, memory)
    assert load_memory(path) == memory
    assert [file.name for file in tmp_path.iterdir()] == ["monitor.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"origin": 7},
        {"size": -1},
        {"root": "00"},
        {"newest": "00"},
        {"newest": "zz"},
        {"list": {}},
        {"kinds": []},
        {"per_key": {"00": 1}},
        {"files": [[1]]},
        {"gossip": [7]},
        {"note": None},
    ],
)
def test_a_damaged_memory_is_refused(memory: Memory, tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "monitor.json"
    save_memory(path, memory)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(KezhengError) as refused:
        load_memory(path)
    assert refused.value.code == "monitor_memory_unreadable"


def test_rubbish_is_refused_and_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "monitor.json"
    for content in (b"", b"{", b"[]", b"null"):
        path.write_bytes(content)
        with pytest.raises(KezhengError) as refused:
            load_memory(path)
        assert refused.value.code == "monitor_memory_unreadable"


def test_one_monitor_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "monitor.json"

    def second() -> None:
        with pytest.raises(KezhengError) as refused, memory_lock(path):
            pytest.fail("two monitors at once")
        assert refused.value.code == "monitor_memory_in_use"

    with memory_lock(path):
        assert exit_code(in_child(second)) == 0
    with memory_lock(path):
        assert path.parent.is_dir()
