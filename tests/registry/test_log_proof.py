"""The proof of one certificate, checked the way a stranger would: RFC 9162 §2.1.3.2 written out again."""

from __future__ import annotations

import base64
import hashlib

import pytest
from register_desk import Desk, people

from certs.cose import take_apart
from certs.errors import KezhengError
from certs.log_entry import clock_body
from certs.tlog.proof_file import parse_tlog_proof
from registry.log_proof import prove_certificate

ASSESSOR = "P000115000001"


def root_of_path(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 9162 §2.1.3.2, steps 1 to 5."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        assert sn > 0
        if fn % 2 == 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


def test_a_stranger_can_check_a_proof(desk: Desk) -> None:
    issued = desk.certify(people(1, 2, 3), ASSESSOR)
    with desk.home.recording() as tx:
        desk.home.log(tx, [clock_body()] * 300, desk.now)
    for certificate in issued:
        assert certificate.envelope is not None
        found = prove_certificate(desk.home, certificate.number)
        head, _, note = found.text.partition("\n\n")
        lines = head.split("\n")
        assert lines[0] == "c2sp.org/tlog-proof@v1"
        entry = base64.b64decode(lines[1].removeprefix("extra "))
        index, path = int(lines[2].removeprefix("index ")), [base64.b64decode(line) for line in lines[3:]]
        _, size, root = note.split("\n")[:3]
        assert root_of_path(index, int(size), hashlib.sha256(b"\0" + entry).digest(), path) == base64.b64decode(root)
        envelope = certificate.envelope
        assert entry[9:] == take_apart(envelope).kid + hashlib.sha256(envelope).digest()
        assert (index, found.logged_at) == (found.leaf_index, desk.now)
        assert note.encode() == desk.home.checkpoint() == parse_tlog_proof(found.text.encode()).checkpoint_note


def test_a_changed_row_does_not_change_the_proof(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    before = prove_certificate(desk.home, number)
    desk.tamper("UPDATE certificate_logged SET logged_at = '2026-01-01 00:00:00.000000'")
    assert prove_certificate(desk.home, number) == before


def test_only_released_certificates_are_proved(desk: Desk) -> None:
    with pytest.raises(KezhengError) as refused:
        prove_certificate(desk.home, "P00011500000126200000100")
    assert refused.value.code == "certificate_unknown"


def test_a_lost_entry_is_told(desk: Desk) -> None:
    number = desk.certify(people(1), ASSESSOR)[0].number
    desk.tamper("DELETE FROM certificate_logged")
    desk.tamper("DELETE FROM log_entry WHERE kind = 1")
    with pytest.raises(KezhengError) as refused:
        prove_certificate(desk.home, number)
    assert refused.value.code == "log_damaged"
