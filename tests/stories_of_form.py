"""How a verification ends when all is well, and when the code or what was signed is out of form."""

from __future__ import annotations

from datetime import date

from simulator import NOW, PUBLIC_URL, World
from verification_story import SECOND, TODAY, Asked, ends, number_of

from certs.canonical import encode_cbor
from certs.certificate import encode_claims
from certs.evidence import CATALOGUE_FILE, gather_evidence, package_data_files
from certs.grades import CertificateKind, Grade
from certs.institution import DatedName, EventKind
from certs.qr import qr_text

# --- valid, and what is worth saying beside it


@ends("valid", None, "in_force")
def an_ordinary_certificate(world: World) -> Asked:
    return Asked(world.issue(world.institution()), world.evidence())


@ends("valid", None, "in_force")
def a_completion_certificate(world: World) -> Asked:
    return Asked(world.issue(world.institution("塞上数字技术培训中心", CertificateKind.TRAINING)), world.evidence())


@ends("valid", None, "in_force")
def a_certificate_before_its_end(world: World) -> Asked:
    return Asked(world.issue(world.institution(), expires_at=NOW + SECOND), world.evidence())


@ends("valid", None, "in_force", "demo_environment")
def a_demonstration(world: World) -> Asked:
    world.environment = "demo"
    return Asked(world.issue(world.institution()), world.evidence())


@ends("valid", None, "in_force", "host_foreign")
def a_code_of_a_foreign_host(world: World) -> Asked:
    text = world.issue(world.institution()).replace("VERIFY.EXAMPLE.CN", "COPY.EXAMPLE.ORG")
    return Asked(text, world.evidence())


@ends("valid", None, "in_force", "listed_then_not_now")
def an_institution_that_withdrew_after_issue(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.WITHDRAW, TODAY)
    return Asked(world.issue(code), world.evidence())


@ends("valid", None, "in_force", "listed_then_not_now")
def an_institution_whose_listing_lapsed_after_issue(world: World) -> Asked:
    code = world.institution(scopes=(world.scope(valid_to=date(2026, 11, 19)),))
    return Asked(world.issue(code), world.evidence())


@ends("valid", None, "in_force", "listed_then_removed")
def an_institution_removed_after_issue(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.REMOVE, TODAY)
    return Asked(world.issue(code), world.evidence())


@ends("valid", None, "in_force", "institution_suspended_now")
def an_institution_suspended_after_issue(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.SUSPEND, TODAY)
    return Asked(world.issue(code), world.evidence())


@ends("valid", None, "in_force", "listed_then_not_now", "issued_in_run_off")
def a_certificate_of_the_run_off(world: World) -> Asked:
    code = world.institution()
    world.institution_event(code, EventKind.WITHDRAW, date(2026, 11, 1))
    return Asked(world.issue(code), world.evidence())


@ends("valid", None, "in_force", "institution_renamed")
def an_institution_renamed_after_issue(world: World) -> Asked:
    names = (DatedName("北疆数字技术评价中心", date(2024, 1, 1)), DatedName("草原数字技术评价中心", TODAY))
    return Asked(world.issue(world.institution(names=names)), world.evidence())


@ends("valid", None, "in_force", "occupation_code_changed")
def a_certificate_with_an_older_code_of_the_occupation(world: World) -> Asked:
    return Asked(world.issue(world.institution(), occupation_code="2-02-07-13"), world.evidence())


@ends("valid", None, "in_force")
def a_correction_long_after_the_first_issue(world: World) -> Asked:
    code = world.institution()
    text = world.issue(code, assessed_on=date(2025, 10, 1), status_index=5)
    world.facts(5, supersedes=number_of(code, year=2025), first_issued_on=date(2025, 10, 20))
    return Asked(text, world.evidence())



# --- form


@ends("not_genuine", "form", "payload_truncated")
def a_code_that_breaks_off(world: World) -> Asked:
    code = world.institution()
    world.issue(code)
    [envelope] = world.envelopes.values()
    return Asked(qr_text(PUBLIC_URL, envelope[:-1]), world.evidence())


@ends("not_genuine", "form", "payload_malformed")
def other_bytes_in_the_code(world: World) -> Asked:
    return Asked(qr_text(PUBLIC_URL, b"another kind of token"), world.evidence())


@ends("not_genuine", "form", "payload_malformed")
def a_payload_that_is_not_base32(world: World) -> Asked:
    return Asked(f"{PUBLIC_URL}/V/0189", world.evidence())


@ends("not_genuine", "form", "payload_too_large")
def a_code_that_is_too_long(world: World) -> Asked:
    return Asked(f"{PUBLIC_URL}/V/" + "A" * 2048, world.evidence())


@ends("not_genuine", "form", "payload_too_large")
def a_payload_that_is_too_long(world: World) -> Asked:
    code = world.institution()
    return Asked(qr_text(PUBLIC_URL, world.seal_payload(bytes(1025), world.keys[code])), world.evidence())


@ends("not_genuine", "form", "host_altered")
def an_address_one_character_from_ours(world: World) -> Asked:
    text = world.issue(world.institution()).replace("VERIFY.EXAMPLE.CN", "VERlFY.EXAMPLE.CN")
    return Asked(text, world.evidence())


@ends("not_genuine", "form", "claims_not_canonical")
def signed_content_with_a_byte_too_many(world: World) -> Asked:
    code = world.institution()
    payload = encode_claims(world.claims(code)) + b"\x00"
    return Asked(qr_text(PUBLIC_URL, world.seal_payload(payload, world.keys[code])), world.evidence())


@ends("not_genuine", "form", "claims_malformed")
def signed_content_of_another_shape(world: World) -> Asked:
    code = world.institution()
    return Asked(qr_text(PUBLIC_URL, world.seal_payload(encode_cbor({6: 1}), world.keys[code])), world.evidence())


@ends("not_genuine", "form", "claims_malformed")
def a_name_that_is_a_telephone_number(world: World) -> Asked:
    return Asked(world.issue(world.institution(), name="请致电13800000000"), world.evidence())


@ends("not_genuine", "form", "envelope_version_unsupported")
def signed_content_of_another_version(world: World) -> Asked:
    code = world.institution()
    payload = encode_cbor({6: 1, 7: b"x", -65538: {}})
    return Asked(qr_text(PUBLIC_URL, world.seal_payload(payload, world.keys[code])), world.evidence())


@ends("not_genuine", "form", "number_check_failed")
def a_number_with_a_wrong_check_character(world: World) -> Asked:
    code = world.institution()
    number = number_of(code)
    wrong = number[:-1] + ("A" if number[-1] != "A" else "B")
    return Asked(world.issue(code, number=wrong), world.evidence())


@ends("not_genuine", "form", "number_layout_unknown")
def a_number_of_no_known_layout(world: World) -> Asked:
    return Asked(world.issue(world.institution(), number="2026-0001"), world.evidence())


@ends("not_genuine", "form", "number_claims_disagree")
def a_number_of_another_grade(world: World) -> Asked:
    code = world.institution()
    return Asked(world.issue(code, number=number_of(code, grade=Grade.SENIOR)), world.evidence())


@ends("not_genuine", "form", "number_claims_disagree")
def a_number_of_another_year(world: World) -> Asked:
    code = world.institution()
    return Asked(world.issue(code, number=number_of(code, year=2025)), world.evidence())


@ends("not_genuine", "form", "occupation_not_in_catalogue")
def an_occupation_that_is_not_catalogued(world: World) -> Asked:
    return Asked(world.issue(world.institution(), occupation_code="2-02-99-99"), world.evidence())


@ends("not_genuine", "form", "occupation_not_in_catalogue")
def an_occupation_named_by_its_name(world: World) -> Asked:
    return Asked(world.issue(world.institution(), occupation_code="智能制造"), world.evidence())


@ends("not_genuine", "form", "direction_not_in_catalogue")
def a_direction_that_is_not_catalogued(world: World) -> Asked:
    return Asked(world.issue(world.institution(), direction=99), world.evidence())


@ends("undetermined", "form", "data_file_unlisted")
def an_altered_catalogue(world: World) -> Asked:
    text = world.issue(world.institution())
    files = world.files() | {CATALOGUE_FILE: package_data_files()[CATALOGUE_FILE] + b"#"}
    return Asked(text, gather_evidence(files, world.root_key()))
