"""A process that answers lines of lists: one question at a time, JSON both ways, nothing else shared.

It opens its evidence when it is first asked, ends when its parent closes the connection or is gone, and is noticed when
it ends before.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection

import orjson

from certs.errors import KezhengError
from certs.list_answer import ListAnswer
from certs.list_sheet import Asked
from registry.line_checker import BulkSource, LineChecker, opened

_SECONDS_TO_END = 10.0


class CheckingProcess:
    """The process as its parent sees it."""

    def __init__(self, source: BulkSource) -> None:
        """Start it; that it cannot open its evidence is said with the first answer."""
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, source), daemon=True)
        self._process.start()
        theirs.close()

    def answers(self, asked: Sequence[Asked], at: datetime) -> list[ListAnswer]:
        """The answers to some lines. Raises KezhengError ``bulk_check_stopped`` when the process ended, and its own."""
        try:
            self._connection.send_bytes(orjson.dumps([at.isoformat(), [list(each) for each in asked]]))
            reply = orjson.loads(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise KezhengError("bulk_check_stopped") from error
        if isinstance(reply, dict):
            raise KezhengError(reply["code"], **reply["params"])
        return [ListAnswer(*fields) for fields in reply]

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(_SECONDS_TO_END)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _serve(connection: Connection, source: BulkSource) -> None:
    """Answer until nobody asks any more. An interrupt from the keyboard is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError), ExitStack() as held:
        question = connection.recv_bytes()
        checker: LineChecker | None = None
        while True:
            try:
                checker = checker or held.enter_context(opened(source))
                reply = _reply(checker, question)
            except KezhengError as error:
                reply = orjson.dumps({"code": error.code, "params": error.params})
            connection.send_bytes(reply)
            question = connection.recv_bytes()


def _reply(checker: LineChecker, question: bytes) -> bytes:
    at, lines = orjson.loads(question)
    answers = checker.answers([Asked(*line) for line in lines], datetime.fromisoformat(at))
    return orjson.dumps([list(answer) for answer in answers])
