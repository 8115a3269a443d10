"""The draft's own examples against our array and our claims, and other implementations that read our tokens."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certs.canonical import decode_json, encode_cbor
from certs.jws import assemble
from certs.signing_key import base64url, from_base64url, public_jwk
from certs.status import State, StatusEvent
from certs.status_array import compress, expand, pack, unpack, value_at
from certs.status_list import LIST_SIZE, NO_FACTS, StatusEntry
from certs.status_list_token import assemble_cwt, cwt_claims, cwt_signing_input, jwt_claims, jwt_signing_input
from certs.token_status_list import Period, TokenStatusList, derive_token_list

Files = Callable[[str], list[Path]]
HERE = Path(__file__).resolve().parent
ORACLE = HERE.parents[1] / ".venv-oracle"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw()
OTHER_PUBLIC_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key().public_bytes_raw()
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)

with_the_others = pytest.mark.skipif(
    not list(ORACLE.glob("lib/python*/site-packages/token_status_list.py")),
    reason="the other implementations are not installed; `make test` installs them",
)


# --- the draft's examples


def vectors(vector_files: Files) -> list[dict[str, Any]]:
    [file] = vector_files("token-status-list/vectors.json")
    found: list[dict[str, Any]] = json.loads(file.read_bytes())["vectors"]
    assert {vector["bits"] for vector in found} == {1, 2, 4, 8}
    return found


def test_every_array_of_the_draft_is_read_and_made(vector_files: Files) -> None:
    for vector in vectors(vector_files):
        bits, size, name = vector["bits"], vector["size"], vector["name"]
        values = {int(place): value for place, value in vector["nonzero"].items()}
        array = expand(from_base64url(vector["lst"]), size * bits // 8)
        assert {place: value for place, value in enumerate(unpack(array, bits)) if value} == values, name
        assert array == pack(values, size, bits), name
        assert all(value_at(array, bits, place) == value for place, value in values.items()), name
        assert expand(compress(array), len(array)) == array


def example(vector_files: Files, name: str) -> str:
    [file] = vector_files(f"token-status-list/examples/{name}.md")
    return file.read_text("utf-8")


def list_of_the_draft(claims: dict[str, Any]) -> TokenStatusList:
    """The list of the draft's example tokens: 16 places of one bit, so only its frame is ours."""
    start = datetime.fromtimestamp(claims["iat"], UTC)
    end = datetime.fromtimestamp(claims["exp"], UTC)
    compressed = from_base64url(claims["status_list"]["lst"])
    return TokenStatusList(claims["sub"], start, end, timedelta(seconds=claims["ttl"]), compressed, b"")


def test_our_jwt_claims_are_those_of_the_draft(vector_files: Files) -> None:
    _, _, payload = example(vector_files, "status_list_jwt").partition("\n.\n")
    claims = decode_json(payload.encode())
    ours = jwt_claims(list_of_the_draft(claims))
    ours["status_list"]["bits"] = 1
    assert ours == claims


def test_our_cwt_claims_and_header_are_those_of_the_draft(vector_files: Files) -> None:
    their_token = cbor2.loads(bytes.fromhex("".join(example(vector_files, "status_list_cwt").split())))
    assert their_token.tag == 18
    their_protected, _, their_payload, _ = their_token.value
    _, _, payload = example(vector_files, "status_list_jwt").partition("\n.\n")
    made = list_of_the_draft(decode_json(payload.encode()))
    ours = cwt_claims(made)
    ours[65533]["bits"] = 1
    assert ours == cbor2.loads(their_payload)
    our_protected = cbor2.loads(cbor2.loads(assemble_cwt(made, PUBLIC_KEY, bytes(64))).value[0])
    assert our_protected[16] == cbor2.loads(their_protected)[16]
    assert len(encode_cbor(ours)) == len(their_payload)


# --- other implementations


def event(state: State, until: datetime | None = None) -> StatusEntry:
    return StatusEntry((StatusEvent(state, NOW, until, "under_review", False, None, NOW),), NO_FACTS)


UNTIL = NOW + timedelta(hours=1)
PERIOD = Period(NOW, NOW + timedelta(hours=72), timedelta(minutes=5))
ENTRIES = {
    LIST_SIZE: event(State.REVOKED),
    LIST_SIZE + 1: event(State.SUSPENDED),
    LIST_SIZE + 2: event(State.SUSPENDED, UNTIL),
    LIST_SIZE + 3: event(State.CANCELLED),
    LIST_SIZE + 70_001: event(State.SUPERSEDED),
    2 * LIST_SIZE - 1: event(State.REVOKED),
    7: event(State.REVOKED),
}
STATES = {"0": 1, "1": 2, "2": 2, "3": 1, "70001": 1, "131071": 1}
ADDRESS = "https://verify.example.cn/published/status/lists/1"


def token(suffix: str, at: datetime = NOW) -> bytes:
    period = PERIOD._replace(issued_at=at)
    made = derive_token_list(ENTRIES, 1, ADDRESS + suffix, period)
    if suffix == ".jwt":
        signed = jwt_signing_input(made, PUBLIC_KEY)
        return assemble(signed, KEY.sign(signed))
    return assemble_cwt(made, PUBLIC_KEY, KEY.sign(cwt_signing_input(made, PUBLIC_KEY)))


def read(content: bytes, folder: Path, *jwks: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    (folder / "jwks.json").write_text(json.dumps({"keys": jwks}), encoding="utf-8")
    (folder / "token").write_bytes(content)
    script = str(HERE / "read_status_list.py")
    paths = (str(folder / "token"), str(folder / "jwks.json"))
    command = [str(ORACLE / "bin" / "python"), "-I", "-X", "utf8", script, *paths]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)


@with_the_others
@pytest.mark.parametrize(("suffix", "typ"), [(".jwt", "statuslist+jwt"), (".cwt", "application/statuslist+cwt")])
def test_they_read_what_we_signed(suffix: str, typ: str, tmp_path: Path) -> None:
    run = read(token(suffix), tmp_path, public_jwk(OTHER_PUBLIC_KEY), public_jwk(PUBLIC_KEY))
    assert run.returncode == 0, run.stderr
    start, end = int(NOW.timestamp()), int(UNTIL.timestamp())
    assert json.loads(run.stdout) == {
        "typ": typ,
        "claims": {"sub": ADDRESS + suffix, "iat": start, "exp": end, "ttl": 300},
        "size": LIST_SIZE,
        "states": STATES,
    }


@with_the_others
@pytest.mark.parametrize("suffix", [".jwt", ".cwt"])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_they_see_a_suspension_lapse(suffix: str, off: int, tmp_path: Path) -> None:
    run = read(token(suffix, UNTIL + timedelta(seconds=off)), tmp_path, public_jwk(PUBLIC_KEY))
    states = STATES if off < 0 else {place: state for place, state in STATES.items() if place != "2"}
    assert json.loads(run.stdout)["states"] == states
    end = UNTIL if off < 0 else PERIOD.expires_at
    assert json.loads(run.stdout)["claims"]["exp"] == int(end.timestamp())


@with_the_others
@pytest.mark.parametrize("suffix", [".jwt", ".cwt"])
def test_they_refuse_what_we_refuse(suffix: str, tmp_path: Path) -> None:
    content = token(suffix)
    impostor = public_jwk(OTHER_PUBLIC_KEY) | {"kid": public_jwk(PUBLIC_KEY)["kid"]}
    assert "signature does not pass" in read(content, tmp_path, impostor).stderr
    assert "no such key" in read(content, tmp_path, public_jwk(OTHER_PUBLIC_KEY)).stderr
    altered = _with_another_subject(content)
    assert altered != content
    run = read(altered, tmp_path, public_jwk(PUBLIC_KEY))
    assert (run.returncode, run.stdout) == (1, "")
    assert "signature does not pass" in run.stderr


def _with_another_subject(content: bytes) -> bytes:
    if content[:1] == b"\xd2":
        return content.replace(b"/lists/1", b"/lists/2")
    head, payload, signature = content.decode().split(".")
    claims = from_base64url(payload).replace(b"/lists/1", b"/lists/2")
    return f"{head}.{base64url(claims)}.{signature}".encode()
