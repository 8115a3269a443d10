"""Lists checked here and in other processes: the same answers, in order, never much at once, no process missed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from register_desk import NOW, Desk, name_of, people

from certs.errors import KezhengError
from certs.list_answer import ListAnswer
from certs.list_sheet import Asked
from registry import line_checker
from registry.bulk_check import CHUNK, MANY, BulkCheck, bulk_check
from registry.checking_process import CheckingProcess
from registry.line_checker import BulkSource
from registry.settings import load_settings
from registry.store.engine import PublicTransaction

ASSESSOR = "P000115000001"
RESULTS = ["valid", "malformed", "valid", "no_match"]


@pytest.fixture
def source(desk: Desk) -> BulkSource:
    return BulkSource(desk.home.settings)


@pytest.fixture
def questions(desk: Desk) -> list[Asked]:
    """Two certificates by number and name, and lines between them that find nothing."""
    issued = desk.certify(people(1, 2), ASSESSOR)
    named = [Asked(each.number, name_of(place)) for place, each in enumerate(issued, 1)]
    return [named[0], Asked("hello"), named[1], Asked(named[1].text, name_of(1))]


def results(answers: Iterable[ListAnswer]) -> list[str]:
    return [answer.result for answer in answers]


class Echo:
    """Answers every line with its own text. ``most_at_once`` counts who answer at the same time."""

    at_once, most_at_once = 0, 0
    _counting = threading.Lock()

    def __init__(self, wait: Callable[[], object] = lambda: None) -> None:
        self._wait = wait

    def answers(self, asked: Sequence[Asked], at: datetime) -> list[ListAnswer]:
        assert at == NOW
        with self._counting:
            Echo.at_once += 1
            Echo.most_at_once = max(Echo.most_at_once, Echo.at_once)
        self._wait()
        with self._counting:
            Echo.at_once -= 1
        if asked[0].text == "fails":
            raise KezhengError("store_unavailable")
        return [ListAnswer("valid", each.text) for each in asked]


@contextmanager
def checking(*checkers: Echo) -> Iterator[BulkCheck]:
    with ThreadPoolExecutor(len(checkers)) as threads:
        yield BulkCheck(checkers, threads)


def lines(count: int) -> list[Asked]:
    return [Asked(str(number)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 7 * CHUNK + 3, 20 * CHUNK])
@pytest.mark.parametrize("checkers", [1, 2, 3])
def test_answers_come_in_the_order_of_the_lines(count: int, checkers: int) -> None:
    with checking(*(Echo() for _ in range(checkers))) as check:
        assert [answer.said for answer in check.answers(iter(lines(count)), NOW)] == [str(n) for n in range(count)]


def test_never_more_than_a_few_chunks_are_on_their_way() -> None:
    read = 0

    def asked() -> Iterator[Asked]:
        nonlocal read
        for line in lines(40 * CHUNK):
            read += 1
            yield line

    with checking(Echo(), Echo()) as check:
        for done, _ in enumerate(check.answers(asked(), NOW)):
            assert read - done <= 6 * CHUNK
    assert read == 40 * CHUNK


def test_each_is_asked_one_thing_at_a_time_and_all_are_asked() -> None:
    three, Echo.most_at_once = threading.Barrier(3, timeout=60), 0
    with checking(*(Echo(three.wait) for _ in range(3))) as check:
        assert len(list(check.answers(lines(30 * CHUNK), NOW))) == 30 * CHUNK
    assert Echo.most_at_once == 3


def test_who_stops_asking_leaves_nothing_to_be_done() -> None:
    pause = threading.Event()
    with checking(Echo(pause.wait)) as check:
        answers = check.answers(lines(20 * CHUNK), NOW)
        threading.Timer(0.02, pause.set).start()
        next(answers)
        answers.close()
        assert results(check.answers(lines(1), NOW)) == ["valid"]


def test_what_one_refuses_ends_the_answers_where_they_are() -> None:
    asked = lines(3 * CHUNK)
    asked[CHUNK] = Asked("fails")
    answers: list[ListAnswer] = []
    with checking(Echo(), Echo()) as check, pytest.raises(KezhengError, match=r"^store_unavailable$"):
        answers.extend(check.answers(asked, NOW))
    assert len(answers) == CHUNK


def test_a_short_list_is_checked_in_this_process(source: BulkSource, questions: list[Asked]) -> None:
    before = multiprocessing.active_children()
    with bulk_check(source, MANY - 1) as check:
        assert results(check.answers(questions, NOW)) == RESULTS
        assert multiprocessing.active_children() == before


def test_one_look_up_serves_all_numbers(
    source: BulkSource, questions: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    find = line_checker.public_envelopes

    def spy(tx: PublicTransaction, numbers: Sequence[str]) -> dict[str, bytes]:
        asked.append(list(numbers))
        return find(tx, numbers)

    monkeypatch.setattr(line_checker, "public_envelopes", spy)
    with line_checker.opened(source) as checker:
        assert results(checker.answers(questions, NOW)) == RESULTS
        assert results(checker.answers(questions[1:2], NOW)) == ["malformed"]
    assert asked == [[question.text for question in questions if question.name is not None]]


@pytest.mark.slow
def test_processes_give_the_same_answers_and_are_missed(source: BulkSource, questions: list[Asked]) -> None:
    asked = (questions * MANY)[: 2 * CHUNK + 1]
    before = set(multiprocessing.active_children())
    with bulk_check(source, MANY, processes=2) as check:
        found = list(check.answers(asked, NOW))
        started = set(multiprocessing.active_children()) - before
        assert len(started) == 2
        for process in started:
            os.kill(process.pid or 0, signal.SIGKILL)
        with pytest.raises(KezhengError, match=r"^bulk_check_stopped$"):
            list(check.answers(asked, NOW))
    with line_checker.opened(source) as checker:
        assert found == checker.answers(asked, NOW)
    assert set(multiprocessing.active_children()) == before


@pytest.mark.slow
def test_a_process_says_what_it_cannot_open_and_ends_with_its_parent(tmp_path: Path) -> None:
    with closing(CheckingProcess(BulkSource(load_settings(tmp_path / "none", {})))) as process:
        for _ in range(2):
            with pytest.raises(KezhengError, match=r"^database_missing"):
                process.answers([Asked("x")], NOW)
        [started] = multiprocessing.active_children()
    with pytest.raises(ValueError, match="closed"):
        started.is_alive()
