"""``kezheng jobs …``: jobs given to the workers, looked at, cancelled, gone on with."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from register_desk import Desk, people

from registry.cli import job_engine
from registry.home import open_home
from registry.jobs.attempts import AttemptState
from registry.jobs.job import JobKind
from registry.jobs.job_desk import open_job_desk
from registry.left_lists import check_list
from registry.settings import load_settings

ASSESSOR = "P000115000001"


@pytest.fixture
def approved(kezheng: Any, assessed: str) -> str:
    """The id of a batch of three that is approved and not issued."""
    with open_home(load_settings(kezheng.home, {}), os.environ) as home:
        desk = Desk(home, datetime.now(UTC))
        return desk.approve(desk.bring(people(11, 12, 13, 考核日期=assessed), ASSESSOR)).id


def name(batch: str, kind: JobKind = JobKind.ISSUE) -> str:
    return f"{kind.value}.{ASSESSOR}.{batch}"


def test_a_job_is_left_to_the_workers_and_looked_at(kezheng: Any, approved: str) -> None:
    given = kezheng.json("jobs", "submit", "issue", approved)
    assert given == {
        "job": name(approved),
        "kind": "issue",
        "institution": ASSESSOR,
        "subject": approved,
        "state": "waiting",
        "attempt": 1,
        "total": 3,
        "done": 0,
        "process": None,
        "created_at": given["created_at"],
        "ended_at": None,
        "error": None,
    }
    assert kezheng.json("jobs", "show", name(approved)) == given
    assert given in kezheng.json("jobs", "list")["jobs"]
    assert name(approved) in kezheng("jobs", "list").out
    assert "waiting" in kezheng("jobs", "show", name(approved)).out


def test_a_job_is_cancelled_and_gone_on_with(kezheng: Any, approved: str) -> None:
    kezheng.json("jobs", "submit", "issue", approved)
    assert kezheng.json("jobs", "cancel", name(approved))["state"] == "cancelled"
    again = kezheng("jobs", "cancel", name(approved), "--json")
    assert (again.code, again.document["code"]) == (1, "job_ended")
    resumed = kezheng.json("jobs", "resume", name(approved))
    assert (resumed["state"], resumed["attempt"]) == ("waiting", 2)


def test_what_waits_for_a_worker_can_be_finished_here(kezheng: Any, approved: str) -> None:
    kezheng.json("jobs", "submit", "issue", approved)
    assert kezheng.json("batch", "resume") == {"batches": [approved], "refused": []}
    shown = kezheng.json("jobs", "show", name(approved))
    assert (shown["state"], shown["attempt"], shown["done"], shown["total"]) == ("done", 2, 3, 3)
    assert kezheng.json("batch", "show", approved)["state"] == "released"


def test_a_refused_job_says_why(kezheng: Any, approved: str) -> None:
    with open_home(load_settings(kezheng.home, {}), os.environ) as home:
        Desk(home).tamper("UPDATE batch SET rows_digest = :digest WHERE id = :id", digest=b"x" * 32, id=approved)
    resumed = kezheng("batch", "resume", "--json")
    assert resumed.code == 1
    assert [refused["code"] for refused in resumed.document["refused"]] == ["approval_stale"]
    shown = kezheng.json("jobs", "show", name(approved))
    assert (shown["state"], shown["error"]["code"]) == ("refused", "approval_stale")
    assert shown["error"]["detail"] in kezheng("jobs", "list").out


@pytest.mark.parametrize("job", ["nonsense", "issue.P000115000001.B20261120-0000000000"])
@pytest.mark.parametrize("act", ["show", "cancel", "resume"])
def test_a_job_nobody_knows(kezheng: Any, act: str, job: str) -> None:
    answer = kezheng("jobs", act, job, "--json")
    assert (answer.code, answer.document["code"]) == (1, "job_unknown")


def test_a_list_is_left_and_its_result_fetched(kezheng: Any, tmp_path: Path) -> None:
    listed, out = tmp_path / "list.txt", tmp_path / "out.xlsx"
    listed.write_text("HTTPS://VERIFY.EXAMPLE.CN/V/2KCE\n")
    given = kezheng.json("jobs", "check", listed)
    assert (given["kind"], given["institution"], given["total"], given["state"]) == ("check", "registry", 1, "waiting")
    early = kezheng("jobs", "result", given["job"], "--out", out, "--json")
    assert (early.code, early.document["code"]) == (1, "list_not_kept")
    with open_home(load_settings(kezheng.home, {}), os.environ) as home:
        check_list(home, given["subject"], lambda: datetime.now(UTC), lambda _: None)
    assert kezheng.json("jobs", "result", given["job"], "--out", out) == {"job": given["job"], "file": str(out)}
    assert out.read_bytes().startswith(b"PK")
    assert kezheng("jobs", "result", given["job"], "--out", out, "--json").document["code"] == "file_exists"


def test_an_unknown_kind_is_wrong_usage(kezheng: Any) -> None:
    assert kezheng("jobs", "submit", "paint", "x").code == 64


def test_an_interrupt_stops_issuing_and_the_batch_can_be_resumed(
    kezheng: Any, approved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job_engine, "advance", interrupt)
        assert kezheng("batch", "resume").code == 130
    with open_job_desk(load_settings(kezheng.home, {})) as desk:
        (stopped,) = [attempt for attempt in desk.recent() if attempt.job.subject == approved]
        assert stopped.state is AttemptState.CANCELLED
    # The part it was at was gone on with; here that was all of it.
    assert kezheng.json("batch", "resume")["refused"] == []
    assert kezheng.json("batch", "show", approved)["state"] == "released"
