"""The Token Status List of a register in memory, as it would be published beside the status file."""

from __future__ import annotations

from datetime import timedelta

from simulator import PUBLIC_URL, World

from certs.jws import assemble
from certs.status_list_token import jwt_file, jwt_signing_input
from certs.token_status_list import Period, derive_token_list


def status_list_files(world: World) -> dict[str, bytes]:
    """The first list as a JWT, by its published name."""
    issued_at = (world.now - timedelta(minutes=10)).replace(microsecond=0)
    period = Period(issued_at, issued_at + timedelta(hours=72), timedelta(minutes=5))
    name = jwt_file(0)
    derived = derive_token_list(world.entries, 0, f"{PUBLIC_URL}/published/{name}", period)
    signed = jwt_signing_input(derived, world.status_key.public_key)
    return {name: assemble(signed, world.status_key.sign(signed))}
