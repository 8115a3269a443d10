"""`make drill`: a key is stolen in the middle of 100,000 certificates, and everything about it is counted twice.

Five institutions issue in turn through the real flow, on disk. The key of the first is declared stolen as of a moment
amid its certificates. What the program counts and decides is held against counts made from the register's files by
code of their own. Later certificates are confirmed and issued again, but for every hundredth, which stands for the
thief's. Exits with 1 on any difference.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.count_leaves import Leaf, certificate_leaves
from bench.phases import Phases, Say
from bench.sample import PUBLIC_URL
from bench.sample_home import APPROVER, OPERATOR, approved_batch, make_home, now, roster_file
from certs.qr import qr_text
from certs.verification import verify_qr_text
from registry.checking import check_own_log
from registry.compromise import Compromise, affected_certificates, declare, foresee
from registry.home import Home, open_home, read_pinned_root
from registry.issuing.issue import issue_batch
from registry.issuing.reissue import finish_reissue, start_reissue
from registry.settings import load_settings
from registry.store.certificate_store import certificates_of_batch
from registry.verifying import evidence_of_home

CERTIFICATES = 100_000
INSTITUTIONS = 5
LARGEST_BATCH = 10_000
FEWEST_BATCHES = 2
"""Of each institution: the theft lies in the middle."""
STOLEN_FROM = 5 / 8
"""Where among the certificates of the stolen key the theft lies."""
NOT_CONFIRMED = 100
"""One of so many later certificates is not confirmed."""
DECLARED_BY, OFFICER = "institution officer", "registry officer"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Papers = dict[str, bytes]
"""Envelope by certificate number."""


@dataclass(frozen=True, slots=True)
class Theft:
    """The stolen key, since when, and the digests of what it signed before and from then on, by the files' account."""

    kid: bytes
    since_ms: int
    before: frozenset[bytes]
    since: frozenset[bytes]

    @property
    def declared(self) -> Compromise:
        """The declaration of it, by two people."""
        return Compromise(self.kid, EPOCH + timedelta(milliseconds=self.since_ms), DECLARED_BY, OFFICER)


@dataclass(frozen=True)
class Drill:
    """One home and what is said of it."""

    home: Home
    codes: list[str]
    phases: Phases
    batches: list[str] = field(default_factory=list)

    def issue_all(self, certificates: int) -> None:
        """Every institution in turn, batch by batch; nobody is certified twice."""
        of_each = certificates // INSTITUTIONS
        size = min(LARGEST_BATCH, -(-of_each // FEWEST_BATCHES))
        with self.phases.phase(f"issuing {certificates:,} certificates of {INSTITUTIONS} institutions", certificates):
            for start in range(0, of_each, size):
                for place, code in enumerate(self.codes):
                    first = place * of_each
                    self._issue(code, range(first + start, first + min(start + size, of_each)))
                    self.phases.progress("issued", self._issued(place, start, size, of_each), certificates)

    @staticmethod
    def _issued(place: int, start: int, size: int, of_each: int) -> int:
        earlier = start * INSTITUTIONS
        return earlier + (place + 1) * (min(start + size, of_each) - start)

    def _issue(self, code: str, people: range) -> None:
        batch = approved_batch(self.home, code, roster_file(people))
        issue_batch(self.home, batch, now, lambda _done: None)
        self.batches.append(batch)

    def leaves(self) -> list[Leaf]:
        """The certificates in the register's files."""
        return certificate_leaves(self.home.settings.log_folder)

    def papers(self) -> Papers:
        """The present envelope of every certificate."""
        found: Papers = {}
        for batch in self.batches:
            with self.home.store.reading() as tx:
                certificates = certificates_of_batch(tx, batch)
            found |= {each.number: each.envelope for each in certificates if each.envelope is not None}
        return found

    def theft(self, leaves: list[Leaf]) -> Theft:
        """The first institution's key, stolen as of the entry of one of its certificates."""
        kid = leaves[0].kid
        own = [leaf for leaf in leaves if leaf.kid == kid]
        since_ms = own[int(len(own) * STOLEN_FROM)].logged_ms
        before = frozenset(leaf.digest for leaf in own if leaf.logged_ms < since_ms)
        return Theft(kid, since_ms, before, frozenset(leaf.digest for leaf in own) - before)

    def verdicts(self, papers: Iterable[bytes], kind: str) -> Counter[str]:
        """What a stranger is told of papers, from the site's evidence."""
        evidence, at, asked = evidence_of_home(self.home.settings), now(), list(papers)
        found: Counter[str] = Counter()
        with self.phases.phase(f"verifying {len(asked):,} {kind}", len(asked)):
            for envelope in asked:
                made = verify_qr_text(qr_text(PUBLIC_URL, envelope), evidence, at)
                found[" ".join([made.verdict, made.deciding.code, *(notice.code for notice in made.notices)])] += 1
        return found


def play(certificates: int, folder: Path, say: Say) -> Phases:
    """The whole drill in a folder; what it found."""
    phases = Phases(say)
    settings = load_settings(folder / "home", {"KEZHENG_PUBLIC_URL": PUBLIC_URL})
    with phases.phase(f"a register with {INSTITUTIONS} institutions"):
        codes = make_home(settings, INSTITUTIONS)
    with open_home(settings, {}) as home:
        drill = Drill(home, codes, phases)
        drill.issue_all(certificates)
        papers, theft = _count(drill, certificates)
        _declare(drill, theft)
        _judge(drill, papers, theft)
        again = _issue_again(drill, papers, theft)
        _judge_again(drill, papers, theft, again)
        _check_register(drill, certificates + len(again))
    return phases


def _count(drill: Drill, certificates: int) -> tuple[Papers, Theft]:
    """What the register's files say, before the program is asked."""
    with drill.phases.phase("counting from the register's files"):
        leaves, papers = drill.leaves(), drill.papers()
        by_key = Counter(leaf.kid for leaf in leaves)
        theft = drill.theft(leaves)
    drill.phases.same("certificates logged", len(leaves), certificates)
    drill.phases.same("each key's", sorted(by_key.values()), [certificates // INSTITUTIONS] * INSTITUTIONS)
    drill.phases.same("papers logged once each", {leaf.digest for leaf in leaves} == digests(papers), True)
    return papers, theft


def _declare(drill: Drill, theft: Theft) -> None:
    """A dry run and the declaration: the same exact counts."""
    expected = (len(theft.before), len(theft.since), 0)
    with drill.phases.phase("dry run of the declaration"):
        foreseen = foresee(drill.home, theft.declared, now())
    drill.phases.same("foreseen before, since, not logged", tuple(foreseen.counts), expected)
    with drill.phases.phase("declaration, published"):
        effect = declare(drill.home, theft.declared, now())
    drill.phases.same("declared before, since, not logged", tuple(effect.counts), expected)


def _judge(drill: Drill, papers: Papers, theft: Theft) -> None:
    """Every certificate: only what the stolen key signed since is refused."""
    later = papers_of(papers, theft.since)
    rest = [envelope for number, envelope in papers.items() if number not in later]
    drill.phases.same("verdicts of all others", drill.verdicts(rest, "others"), {"valid in_force": len(rest)})
    refused = drill.verdicts(later.values(), "that were logged since")
    drill.phases.same("verdicts since", refused, {"not_genuine key_compromised_before": len(later)})


def _issue_again(drill: Drill, papers: Papers, theft: Theft) -> list[str]:
    """Two people confirm the listed certificates but for every hundredth; the numbers issued again."""
    with drill.phases.phase("listing what is affected"):
        listed = affected_certificates(drill.home, theft.kid, theft.declared.at)
    numbers = [found.number for found in listed]
    drill.phases.same("listed are those", set(numbers) == set(papers_of(papers, theft.since)), True)
    confirmed = [number for place, number in enumerate(numbers, 1) if place % NOT_CONFIRMED]
    with drill.phases.phase(f"issuing {len(confirmed):,} again", len(confirmed)):
        started = start_reissue(drill.home, theft.kid, confirmed, OPERATOR, APPROVER, now())
        finish_reissue(drill.home, theft.kid, now, lambda _done: None)
    drill.phases.same("issued again", (len(started.numbers), started.not_in_force), (len(confirmed), ()))
    return confirmed


def _judge_again(drill: Drill, former: Papers, theft: Theft, again: list[str]) -> None:
    """New papers under the old numbers are good, the former ones say so, the unconfirmed stay refused."""
    present, chosen = drill.papers(), set(again)
    drill.phases.same("numbers", present.keys() == former.keys(), True)
    changed = {number for number, envelope in present.items() if envelope != former[number]}
    drill.phases.same("papers that changed are those", changed == chosen, True)
    new = drill.verdicts((present[number] for number in again), "new papers")
    drill.phases.same("verdicts of new papers", new, {"valid in_force": len(again)})
    old = drill.verdicts((former[number] for number in again), "former papers")
    drill.phases.same("verdicts of former papers", old, {"not_genuine key_compromised_before reissued": len(again)})
    kept = [envelope for number, envelope in present.items() if number not in chosen]
    refused = len(theft.since) - len(again)
    expected = {"valid in_force": len(kept) - refused}
    expected |= {"not_genuine key_compromised_before": refused} if refused else {}
    drill.phases.same("verdicts of the others", drill.verdicts(kept, "others"), expected)


def _check_register(drill: Drill, leaves: int) -> None:
    """The register as a whole, and that nothing else was logged."""
    drill.phases.same("certificates logged in the end", len(drill.leaves()), leaves)
    root = read_pinned_root(drill.home.settings.pinned_root_file)
    assert root is not None
    with drill.phases.phase("checking the whole register"):
        checked = check_own_log(drill.home, root, lambda _done, _total: None)
    drill.phases.same("the register is right", checked.is_right, True)


def digests(papers: Mapping[str, bytes]) -> set[bytes]:
    return {hashlib.sha256(envelope).digest() for envelope in papers.values()}


def papers_of(papers: Papers, wanted: frozenset[bytes]) -> Papers:
    """The papers with these digests."""
    return {number: envelope for number, envelope in papers.items() if hashlib.sha256(envelope).digest() in wanted}


def main() -> int:
    parser = argparse.ArgumentParser(prog="drill", description=__doc__)
    parser.add_argument("--certificates", type=int, default=CERTIFICATES, help="rounded down to tens")
    chosen = parser.parse_args()
    fewest = INSTITUTIONS * FEWEST_BATCHES
    if chosen.certificates < fewest:
        parser.error(f"at least {fewest} certificates")
    with TemporaryDirectory() as folder:
        return play(chosen.certificates // fewest * fewest, Path(folder), lambda line: print(line, flush=True)).close()


if __name__ == "__main__":
    sys.exit(main())
