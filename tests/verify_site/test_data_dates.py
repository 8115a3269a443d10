"""The dates of what an answer rests on: old lists beside a newer register are told with their own, older dates."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from growing_register import register_of_two
from simulator import NOW
from site_simulator import make_site

from certs.cose import take_apart
from certs.evidence import STATUS_FILE, TRUST_LIST_FILE, gather_evidence
from certs.log_entry import certificate_body
from certs.qr import base32
from verify_site.record_view import format_moment
from verify_site.source import Snapshot

pytestmark = pytest.mark.anyio
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("is_held_back", [False, True])
async def test_lists_that_an_attacker_holds_back_show_their_age(tmp_path: Path, is_held_back: bool) -> None:
    """They have not ended yet and the register continues them: the verdict stands, with the older dates beside it."""
    register, code, _ = register_of_two()
    world = register.world
    envelope = world.seal(world.claims(code, issued_at=NOW - HOUR), world.keys[code])
    register.enter(certificate_body(take_apart(envelope).kid, hashlib.sha256(envelope).digest()))
    register.publish()
    old = {name: register.files[name] for name in (TRUST_LIST_FILE, STATUS_FILE)} if is_held_back else {}
    register.publish(DAY)
    made = make_site(world, tmp_path)
    made.clock.now = world.now
    files = register.files | old
    made.source.current = Snapshot(gather_evidence(files, register.root), files, 0.0)
    async with made.client() as client:
        page = (await client.get(f"/v/{base32(envelope)}")).text
    assert "<h1>证书有效</h1>" in page
    older, newer = (format_moment(day - 10 * MINUTE) for day in (NOW, NOW + DAY))
    assert page.count(older if is_held_back else newer) == 2, "of the trust list and of the status file"
    assert (newer in page) is not is_held_back
    assert format_moment(NOW + DAY) in page, "the newest entry of the register"
