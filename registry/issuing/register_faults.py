"""What the register knows about the candidates of a roster: certificates they hold, and the training they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from certs.candidate import Candidate
from certs.institution import InstitutionRecord
from certs.roster_fault import Fault
from certs.roster_held import Held, TrainingCertificate, candidate_faults, held_finding, training_finding
from registry.issuing.reserve import direction_key
from registry.issuing.roster_people import RosterPeople
from registry.store.certificate_store import certificates_by_number, live_certificates
from registry.store.engine import ReadTransaction
from registry.store.states import CertificateState


def register_faults(
    tx: ReadTransaction,
    candidates: Sequence[Candidate],
    people: RosterPeople,
    institution: InstitutionRecord,
    *,
    own_only: bool,
) -> list[Fault]:
    """Faults and warnings; with ``own_only`` nothing is told of what other institutions have certified."""
    pairs = zip(candidates, people.blind, strict=True)
    persons = {c.row: people.known[index] for c, index in pairs if index in people.known}
    held: dict[int, list[Held]] = defaultdict(list)
    for live in live_certificates(tx, set(persons.values())):
        if not own_only or live.institution_code == institution.code:
            held[live.person_id].append(Held(live.occupation_id, live.direction_key, live.grade, live.kind))
    training = _training_certificates(tx, candidates)

    def judge_held(candidate: Candidate) -> str | None:
        certificates = held.get(persons.get(candidate.row, 0))
        if not certificates:
            return None
        return held_finding(candidate, direction_key(candidate.direction), institution.kind, certificates)

    def judge_training(candidate: Candidate) -> str | None:
        named = training.get(candidate.training_certificate)
        return training_finding(candidate, persons.get(candidate.row), named)

    naming = [candidate for candidate in candidates if candidate.training_certificate]
    return candidate_faults(candidates if held else (), "id_number", judge_held) + candidate_faults(
        naming, "training_certificate", judge_training
    )


def _training_certificates(tx: ReadTransaction, candidates: Sequence[Candidate]) -> dict[str, TrainingCertificate]:
    numbers = sorted({c.training_certificate for c in candidates if c.training_certificate})
    return {
        number: TrainingCertificate(found.person_id, found.occupation_id, found.grade)
        for number, found in certificates_by_number(tx, numbers).items()
        if number.startswith("T") and found.state is CertificateState.RELEASED
    }
