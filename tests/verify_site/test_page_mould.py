"""A page poured from a mould is the template's own page, byte for byte, and escaped like it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import NOW
from site_simulator import SAMPLES, TestSite, make_site, payload_of, sample_world

from certs.evidence import Evidence
from certs.verification import verify_payload
from verify_site.answers import Answer, answer
from verify_site.language import CHINESE, ENGLISH, Language
from verify_site.page_mould import MAX_MOULDS, PageContent, PageMoulds
from verify_site.page_renderer import Pages, other_language
from verify_site.record_view import Line, Way
from verify_site.result_pages import RESULT, ResultPages


class Rendering:
    """The template, counting how often it is used."""

    def __init__(self, made: TestSite) -> None:
        self.pages = Pages(made.site)
        self.count = 0

    def __call__(self, content: PageContent) -> str:
        self.count += 1
        return self.pages.render(RESULT, content.values())


def content_of(made: TestSite, given: Answer, language: Language, evidence: Evidence) -> PageContent:
    results = ResultPages(Pages(made.site))
    return results._content(given, Way.SCAN, language, evidence, "", other_language(language))


def answered(payload: str, evidence: Evidence) -> Answer:
    return answer(verify_payload(payload, evidence, NOW), evidence, NOW)


@pytest.mark.parametrize("language", [CHINESE, ENGLISH], ids=lambda language: language.code)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_is_the_templates_page(name: str, language: Language, tmp_path: Path) -> None:
    world, first = sample_world()
    payload = payload_of(SAMPLES[name](world, first))
    made, evidence = make_site(world, tmp_path), world.evidence()
    rendering = Rendering(made)
    moulds = PageMoulds(rendering)
    for _ in range(2):
        content = content_of(made, answered(payload, evidence), language, evidence)
        assert moulds.page(content).decode() == made_by_template(made, content)
    assert rendering.count == 1


def made_by_template(made: TestSite, content: PageContent) -> str:
    return Pages(made.site).render(RESULT, content.values())


def test_one_mould_serves_all_certificates_of_one_shape(made: TestSite, first: str) -> None:
    second = made.world.institution("另一家数字技术评价中心")
    payloads = [
        payload_of(made.world.issue(code, name=name, id_tail=tail))
        for code in (first, second)
        for name, tail in (("张小明", "123X"), ("李大文", "7788"))
    ]
    evidence, rendering = made.world.evidence(), Rendering(made)
    moulds = PageMoulds(rendering)
    pages = [moulds.page(content_of(made, answered(p, evidence), CHINESE, evidence)).decode() for p in payloads]
    assert rendering.count == 1
    assert len(set(pages)) == len(pages)
    assert "李大文" in pages[1]
    assert not any("7788" in page for page in pages[::2])


def test_nothing_of_a_certificate_stays_in_a_mould(made: TestSite, first: str) -> None:
    payload = payload_of(made.world.issue(first, name="留不下的人", id_tail="7788"))
    evidence, moulds = made.world.evidence(), PageMoulds(Rendering(made))
    given = answered(payload, evidence)
    moulds.page(content_of(made, given, CHINESE, evidence))
    genuine = given.verification.genuine
    assert genuine is not None
    kept = b"".join(piece for mould in moulds._moulds.values() for piece in mould._pieces).decode()
    for text in ("留不下的人", "7788", genuine.number.text, given.check_id, genuine.institution.names[0].name):
        assert text not in kept
        assert text not in str(list(moulds._moulds))


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
MARKS = st.sampled_from(["", "<script>", "&amp;", "\x00", "\ue0000\ue001", "\ue000", '"', "'", "{{ 7 }}", "\u2028"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(TEXT, MARKS), min_size=12, max_size=12), st.booleans())
def test_whatever_a_text_holds_is_escaped_as_the_template_does(texts: list[str], is_wide: bool) -> None:
    view, record = CONTENT.view, CONTENT.view.record
    assert record is not None
    changed = view._replace(
        headline=texts[0],
        second=texts[1],
        next_step=texts[2],
        notices=tuple(texts[3:5]),
        record=record._replace(name=texts[5], direction=texts[6] or None, issuer=texts[7], id_tail=texts[8] or None),
        facts=(*view.facts, Line(texts[9], texts[10], texts[11], is_wide)),
        checks=tuple(check._replace(text=texts[0], advice=texts[3]) for check in view.checks),
    )
    content = replace(CONTENT, view=changed)
    assert MOULDS.page(content).decode() == made_by_template(MADE, content)


def test_moulds_are_bounded() -> None:
    moulds = PageMoulds(Rendering(MADE))
    for number in range(MAX_MOULDS + 20):
        view = CONTENT.view._replace(notices=("说明",) * number)
        moulds.page(replace(CONTENT, view=view))
    assert len(moulds._moulds) == MAX_MOULDS


WORLD, FIRST = sample_world()
PAYLOAD = payload_of(WORLD.issue(FIRST))
MADE = make_site(WORLD, Path())
EVIDENCE = WORLD.evidence()
CONTENT = content_of(MADE, answered(PAYLOAD, EVIDENCE), CHINESE, EVIDENCE)
MOULDS = PageMoulds(Rendering(MADE))
