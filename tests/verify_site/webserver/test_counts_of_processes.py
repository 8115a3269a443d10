"""Counters of several processes: one sum, which never goes back, whoever dies and whoever is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify_site.webserver.counts_of_processes import CountsOfProcesses

REQUESTS, OTHER = ("requests", "/v/{payload}"), ("refusals", "look_ups")


def total(process: CountsOfProcesses) -> Counter[tuple[str, ...]]:
    return Counter(process.read().counts)


def test_all_processes_give_the_same_sum(tmp_path: Path) -> None:
    one, other = CountsOfProcesses(tmp_path), CountsOfProcesses(tmp_path)
    one.write({REQUESTS: 3, OTHER: 1}, {("fresh",): 1.0}, 10.0)
    other.write({REQUESTS: 4}, {("fresh",): 0.0}, 11.0)
    assert total(one) == total(other) == {REQUESTS: 7, OTHER: 1}
    assert sorted(one.read().gauges, key=lambda told: told[0]) == [(10.0, {("fresh",): 1.0}), (11.0, {("fresh",): 0.0})]


def test_what_a_process_counted_stays_when_it_has_gone_and_its_gauges_do_not(tmp_path: Path) -> None:
    one, other = CountsOfProcesses(tmp_path), CountsOfProcesses(tmp_path)
    one.write({REQUESTS: 3}, {("fresh",): 1.0}, 10.0)
    other.write({REQUESTS: 4}, {("fresh",): 0.0}, 11.0)
    other.leave()
    for _ in range(3):
        assert total(one) == {REQUESTS: 7}
    assert one.read().gauges == [(10.0, {("fresh",): 1.0})]
    assert len(list(tmp_path.glob("*.lock"))) == 1


def test_who_died_between_two_steps_of_being_added_counts_once(tmp_path: Path) -> None:
    """The past names it already, and its file is still there."""
    one, other = CountsOfProcesses(tmp_path), CountsOfProcesses(tmp_path)
    other.write({REQUESTS: 4}, {}, 11.0)
    [file] = tmp_path.glob("*.json")
    content = file.read_bytes()
    other.leave()
    assert total(one) == {REQUESTS: 4}
    file.write_bytes(content)
    assert total(one) == {REQUESTS: 4}
    assert not file.exists()


def test_a_process_that_was_killed_is_known_by_its_lock(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from verify_site.webserver.counts_of_processes import CountsOfProcesses\n"
        "mine = CountsOfProcesses(Path(sys.argv[1])); mine.write({('requests', 'x'): 5}, {}, 1.0)\n"
        "print('written', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"written\n"
        one = CountsOfProcesses(tmp_path)
        assert (total(one), len(one.read().gauges)) == ({("requests", "x"): 5}, 1)
    finally:
        other.kill()
        other.communicate()
    assert (total(one), len(one.read().gauges)) == ({("requests", "x"): 5}, 0)
    assert os.listdir(tmp_path)


STEP = st.one_of(
    st.tuples(st.just("start")),
    st.tuples(st.just("count"), st.integers(0, 5), st.integers(1, 9)),
    st.tuples(st.just("die"), st.integers(0, 5)),
    st.tuples(st.just("ask"), st.integers(0, 5)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, max_size=30))
def test_whatever_happens_the_sum_is_right_and_never_goes_back(steps: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        living, counts, before = [CountsOfProcesses(Path(folder))], [0], 0
        written = 0
        for step in steps:
            place = int(step[1]) % len(living) if len(step) > 1 else 0
            if step[0] == "start":
                living.append(CountsOfProcesses(Path(folder)))
                counts.append(0)
            elif step[0] == "count":
                counts[place] += int(step[2])
                written += int(step[2])
                living[place].write({REQUESTS: counts[place]}, {}, 0.0)
            elif step[0] == "die" and len(living) > 1:
                living.pop(place).leave()
                counts.pop(place)
            elif step[0] == "ask":
                found = total(living[place])[REQUESTS]
                assert found == written >= before
                before = found
        assert total(living[0])[REQUESTS] == written
        for process in living:
            process.leave()


def test_no_reader_meets_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content comes into place by its name alone: a write that breaks off leaves what was there."""
    one = CountsOfProcesses(tmp_path)
    one.write({REQUESTS: 1}, {}, 1.0)

    def full(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        one.write({REQUESTS: 2}, {}, 2.0)
    monkeypatch.undo()
    assert total(one) == {REQUESTS: 1}


def test_a_forked_process_takes_a_place_of_its_own(tmp_path: Path) -> None:
    one = CountsOfProcesses(tmp_path)
    one.write({REQUESTS: 3}, {}, 10.0)
    child = os.fork()
    if child == 0:
        one.write({REQUESTS: 4}, {}, 11.0)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    one.write({REQUESTS: 5}, {}, 12.0)
    assert total(one) == {REQUESTS: 9}
    assert len(one.read().gauges) == 1
