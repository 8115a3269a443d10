"""The drill over a stolen key, small, and that it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulated_log import Happened
from simulator import NOW, World

from bench.count_leaves import certificate_leaves
from bench.drill import play
from bench.phases import Phases
from certs.log_entry import certificate_body


@pytest.mark.slow
def test_a_small_drill_finds_no_difference(tmp_path: Path) -> None:
    said: list[str] = []
    phases = play(200, tmp_path, said.append)
    assert phases.differences == []
    assert phases.close() == 0
    assert "  ✓ foreseen before, since, not logged: (20, 20, 0)" in said
    assert "  ✓ verdicts since: Counter({'not_genuine key_compromised_before': 20})" in said


def test_a_difference_is_told_and_ends_with_one() -> None:
    said: list[str] = []
    phases = Phases(said.append)
    phases.same("counts", (19, 21, 0), (20, 20, 0))
    phases.same("others", 3, 3)
    assert phases.differences == ["counts"]
    assert phases.close() == 1
    assert said[0] == "  ✗ counts: (19, 21, 0), not (20, 20, 0)"


def test_leaves_are_counted_from_the_files_alone(tmp_path: Path) -> None:
    world = World()
    log = world.log()
    kid, known = b"kid no 1", []
    for place in range(600):
        digest = place.to_bytes(32, "big")
        log.append(Happened(NOW, certificate_body(kid, digest)))
        known.append((kid, digest))
        if place == 100:
            write(tmp_path, log.files(world.log_origin, world.log_key, world.cosigner()))
    write(tmp_path, log.files(world.log_origin, world.log_key, world.cosigner()))
    leaves = certificate_leaves(tmp_path)
    assert [(leaf.kid, leaf.digest) for leaf in leaves] == known
    assert {leaf.logged_ms for leaf in leaves} == {int(NOW.timestamp() * 1000)}


def test_files_that_do_not_hold_the_checkpoints_entries_are_not_counted(tmp_path: Path) -> None:
    world = World()
    files = world.log().files(world.log_origin, world.log_key, world.cosigner())
    shorter = {path: content for path, content in files.items() if "tile/entries" not in path}
    write(tmp_path, shorter)
    with pytest.raises(ValueError, match="the checkpoint says"):
        certificate_leaves(tmp_path)


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
