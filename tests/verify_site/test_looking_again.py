"""Before a certificate is called missing: what was logged since, what another machine logged, what cannot be asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import orjson
import pytest
from simulated_log import Happened
from simulator import NOW, World
from site_simulator import TestSite, WorldSource, payload_of, sample_world

from certs.finding import Verification
from certs.log_entry import status_body
from certs.qr import read_payload
from certs.status import State
from certs.verification import verify_payload
from verify_site.looking_again import PAUSE_SECONDS, TRIES, look_again, wants_another_look

pytestmark = pytest.mark.anyio
JSON = {"accept": "application/json"}


@dataclass
class LaggingSource(WorldSource):
    """A machine whose folder is behind: ``arrives_after`` looks it shows the world as it is, if ever."""

    arrives_after: int = 1_000_000
    fails: bool = False
    looks: int = 0
    pauses: list[float] = field(default_factory=list)

    def look_now(self) -> bool:
        self.looks += 1
        if self.looks >= self.arrives_after:
            self.publish()
        return not self.fails


@contextmanager
def unlogged_here(**behaviour: object) -> Iterator[tuple[World, str, LaggingSource]]:
    """A certificate that the register has and this machine's folder does not; a world, its payload, its source."""
    world, first = sample_world()
    source = LaggingSource(world, **behaviour)  # type: ignore[arg-type]
    yield world, payload_of(world.issue(first)), source


def judged(payload: str, source: LaggingSource) -> Verification:
    made = verify_payload(payload, source.snapshot().evidence, NOW)
    assert wants_another_look(made)
    found, evidence = look_again(
        source, lambda given: verify_payload(payload, given, NOW), read_payload(payload), source.pauses.append
    )
    assert verify_payload(payload, evidence, NOW) == found
    return found


def test_what_was_logged_since_the_last_look_is_found() -> None:
    with unlogged_here(arrives_after=1) as (_, payload, source):
        assert judged(payload, source).verdict == "valid"
        assert (source.looks, source.pauses, source.looked_up) == (1, [], [])


def test_what_another_machine_has_logged_is_waited_for() -> None:
    with unlogged_here(arrives_after=4) as (_, payload, source):
        assert judged(payload, source).verdict == "valid"
        assert source.pauses == [PAUSE_SECONDS] * 3


def test_what_the_database_has_and_the_folder_never_gets_is_open() -> None:
    with unlogged_here() as (_, payload, source):
        found = judged(payload, source)
        assert (found.verdict, found.deciding.code) == ("undetermined", "log_unavailable")
        assert source.looks == TRIES


def test_what_the_database_does_not_have_is_missing() -> None:
    with unlogged_here() as (world, payload, source):
        world.envelopes.clear()
        found = judged(payload, source)
        assert (found.verdict, found.deciding.code) == ("not_genuine", "not_logged")
        assert (source.looks, source.pauses) == (1, [])


def test_another_envelope_under_the_number_is_no_release() -> None:
    with unlogged_here() as (world, payload, source):
        world.envelopes = dict.fromkeys(world.envelopes, b"another envelope")
        assert judged(payload, source).deciding.code == "not_logged"


@pytest.mark.parametrize("away", ["is_down", "fails"])
def test_nothing_is_called_missing_while_it_cannot_be_asked(away: str) -> None:
    with unlogged_here(**{away: True}) as (_, payload, source):
        found = judged(payload, source)
        assert (found.verdict, found.deciding.code) == ("undetermined", "log_unavailable")
        assert (source.looks, source.pauses) == (1, [])


@contextmanager
def revoked_in_the_register_alone(**behaviour: object) -> Iterator[tuple[str, LaggingSource]]:
    """A certificate whose revocation the register here shows and the status file does not yet."""
    world, first = sample_world()
    payload = payload_of(world.issue(first, status_index=77))
    source = LaggingSource(world, **behaviour)  # type: ignore[arg-type]
    before = source.current.evidence.status
    world.status_event(77, State.REVOKED, reason_code="exam_misconduct")
    [event] = world.entries[77].events
    entry = status_body(hashlib.sha256(read_payload(payload)).digest(), event)
    world.logged.append(Happened(event.recorded_at, entry))
    source.publish()
    source.current = replace(source.current, evidence=replace(source.current.evidence, status=before))
    yield payload, source


def test_a_status_file_that_follows_its_entry_is_waited_for() -> None:
    with revoked_in_the_register_alone(arrives_after=3) as (payload, source):
        assert judged(payload, source).verdict == "not_in_force"
        assert (source.pauses, source.looked_up) == ([PAUSE_SECONDS] * 2, [])


@pytest.mark.parametrize(("fails", "looks"), [(False, TRIES), (True, 1)])
def test_a_status_file_that_does_not_follow_is_open(fails: bool, looks: int) -> None:
    with revoked_in_the_register_alone(fails=fails) as (payload, source):
        found = judged(payload, source)
        assert (found.verdict, found.deciding.code) == ("undetermined", "status_behind_log")
        assert source.looks == looks


Ask = Callable[[TestSite, str], object]


async def test_every_way_of_asking_looks_again(made: TestSite, first: str) -> None:
    """A scan, the same to a program, a form, a batch, and a look-up by number."""
    made.source.publish()
    texts = [made.world.issue(first, name=name) for name in ("张小明", "李大文", "王小红", "赵小兰")]
    older = made.source.current
    verdicts = []
    async with made.client() as client:
        for asking, text in enumerate(texts):
            made.source.current = older
            if asking == 0:
                verdicts.append((await client.get(f"/v/{payload_of(text)}", headers=JSON)).json()["verdict"])
            elif asking == 1:
                verdicts.append((await client.post("/api/v1/verify", json={"qr": text})).json()["verdict"])
            elif asking == 2:
                answer = await client.post("/api/v1/verify/batch", json={"items": [{"qr": text}]})
                verdicts += orjson.loads(answer.content)["verdicts"]
            else:
                page = (await client.post("/check", data={"code": text})).text
                verdicts.append("valid" if "<h1>证书有效</h1>" in page else page)
    assert verdicts == ["valid"] * 4


async def test_a_forgery_with_a_stolen_key_is_refused_on_every_way(made: TestSite, first: str) -> None:
    text = made.world.issue(first)
    made.world.envelopes.clear()
    made.world.logged.clear()
    async with made.client() as client:
        report = (await client.get(f"/v/{payload_of(text)}", headers=JSON)).json()
        page = (await client.get(f"/v/{payload_of(text)}")).text
        batch = (await client.post("/api/v1/verify/batch", json={"items": [{"qr": text}]})).json()
    assert (report["verdict"], report["checks"][2]["code"]) == ("not_genuine", "not_logged")
    assert "<h1>查验不通过</h1>" in page
    assert batch["verdicts"] == {"not_genuine": 1}
