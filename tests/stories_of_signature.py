"""How a verification ends at the signature: keys, and the trust list that names them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from simulator import NOW, PUBLIC_URL, Key, World
from verification_story import ISSUED, SECOND, Asked, ends, signed_by, without

from certs.evidence import TRUST_LIST_FILE, Seen, gather_evidence
from certs.qr import qr_text

# --- signature


@ends("not_genuine", "signature", "signature_mismatch")
def an_altered_signature(world: World) -> Asked:
    world.issue(world.institution())
    [envelope] = world.envelopes.values()
    return Asked(qr_text(PUBLIC_URL, envelope[:-1] + bytes([envelope[-1] ^ 1])), world.evidence())


@ends("not_genuine", "signature", "signature_mismatch")
def a_stranger_s_key_under_an_institution_s_key_id(world: World) -> Asked:
    code = world.institution()
    envelope = world.seal(world.claims(code), Key("stranger"), world.keys[code].kid)
    return Asked(qr_text(PUBLIC_URL, envelope), world.evidence())


@ends("not_genuine", "signature", "key_unknown")
def an_unknown_key_older_than_the_list(world: World) -> Asked:
    return Asked(signed_by(world, Key("stranger"), world.institution()), world.evidence())


@ends("not_genuine", "signature", "key_unknown")
def a_key_of_another_role(world: World) -> Asked:
    return Asked(signed_by(world, world.list_key, world.institution()), world.evidence())


@ends("undetermined", "signature", "trust_list_older_than_certificate")
def an_unknown_key_newer_than_the_list(world: World) -> Asked:
    code = world.institution()
    claims = world.claims(code, issued_at=NOW - timedelta(minutes=1))
    return Asked(qr_text(PUBLIC_URL, world.seal(claims, Key("new"))), world.evidence())


@ends("not_genuine", "signature", "issued_in_future")
def an_unknown_key_and_a_time_to_come(world: World) -> Asked:
    code = world.institution()
    claims = world.claims(code, issued_at=NOW + timedelta(minutes=6))
    return Asked(qr_text(PUBLIC_URL, world.seal(claims, Key("new"))), world.evidence())


@ends("not_genuine", "signature", "issued_in_future")
def a_certificate_from_the_future(world: World) -> Asked:
    return Asked(world.issue(world.institution(), issued_at=NOW + timedelta(minutes=6)), world.evidence())


@ends("not_genuine", "signature", "key_of_other_institution")
def a_key_of_another_institution(world: World) -> Asked:
    code, other = world.institution(), world.institution("外地评价中心")
    return Asked(signed_by(world, world.keys[other], code), world.evidence())


@ends("not_genuine", "signature", "key_not_yet_valid")
def a_key_before_its_time(world: World) -> Asked:
    code = world.institution()
    [key] = world.institutions[code].keys
    world.change_institution(code, keys=(replace(key, not_before=ISSUED + SECOND),))
    return Asked(world.issue(code), world.evidence())


@ends("not_genuine", "signature", "key_retired")
def a_key_after_its_time(world: World) -> Asked:
    code = world.institution()
    [key] = world.institutions[code].keys
    world.change_institution(code, keys=(replace(key, retired_at=ISSUED - SECOND),))
    return Asked(world.issue(code), world.evidence())


@ends("undetermined", "signature", "root_not_pinned")
def no_root_is_pinned(world: World) -> Asked:
    return Asked(world.issue(world.institution()), gather_evidence(world.files(), None))


@ends("undetermined", "signature", "trust_list_unavailable")
def no_trust_list(world: World) -> Asked:
    return Asked(world.issue(world.institution()), without(world, TRUST_LIST_FILE))


@ends("undetermined", "signature", "trust_list_stale")
def a_stale_trust_list(world: World) -> Asked:
    text, evidence = world.issue(world.institution()), world.evidence()
    return Asked(text, evidence, NOW + timedelta(days=30))


@ends("undetermined", "signature", "trust_list_rolled_back")
def a_trust_list_older_than_one_seen(world: World) -> Asked:
    text = world.issue(world.institution())
    return Asked(text, gather_evidence(world.files(), world.root_key(), seen=Seen(1, 2, "", 0, 0)))


@ends("undetermined", "signature", "trust_list_unsigned")
def a_trust_list_of_another_root(world: World) -> Asked:
    other = world.root_key()._replace(public_key=Key("another root").public_key)
    return Asked(world.issue(world.institution()), gather_evidence(world.files(), other))
