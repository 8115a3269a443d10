"""A policy file with a fault is refused when it is read: a wrong citation can never ship."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from certs.equivalence import policy_text
from certs.errors import KezhengError
from certs.package_data import read_bytes
from certs.title_policy_file import is_whole_sentence, read_policy, stands_in_clause

Edit = Callable[[str], str]


def swapped(old: str, new: str, count: int = -1) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, count)

    return edit


def refused(file: str, edit: Edit) -> str:
    raw = edit(read_bytes("title_policies", file).decode()).encode()
    with pytest.raises(KezhengError) as caught:
        read_policy(file, raw, policy_text)
    assert caught.value.params["file"] == file
    return caught.value.code


GUANGXI, TIANJIN = "guangxi-2022-15.toml", "tianjin-2022.toml"
FAULTS = {
    "effect that does not exist": (
        GUANGXI,
        swapped('"may_recognise"', '"has_title"'),
        "policy_effect_unknown",
    ),
    "absence as a rule": (GUANGXI, swapped('"may_recognise"', '"no_rule_known"'), "policy_effect_unknown"),
    "title effect for training": (
        GUANGXI,
        swapped('kinds = ["assessment"]', 'kinds = ["assessment", "training"]', 1),
        "policy_effect_of_other_kind",
    ),
    "subsidy for a grade": (
        GUANGXI,
        swapped('kinds = ["training"]', 'kinds = ["assessment"]'),
        "policy_effect_of_other_kind",
    ),
    "no kind": (GUANGXI, swapped('kinds = ["training"]', "kinds = []"), "policy_effect_of_other_kind"),
    "one character changed": (GUANGXI, swapped("可认定相应", "认定相应"), "policy_quote_not_in_text"),
    "half width comma": (GUANGXI, swapped("项目，取得", "项目,取得"), "policy_quote_not_in_text"),
    "cut at the front": (GUANGXI, swapped('quote = "参加数字', 'quote = "数字'), "policy_quote_not_whole"),
    "cut at the end": (GUANGXI, swapped('初级职称。"', '初级职称"'), "policy_quote_not_whole"),
    "paragraph": (GUANGXI, swapped("lines_below = 1", "lines_below = 0"), "policy_clause_not_found"),
    "other clause": (GUANGXI, swapped('"（二）支持', '"（三）支持'), "policy_clause_not_found"),
    "clause without its headings": (
        GUANGXI,
        swapped('clause = "四、组织实施（二）支持人才培训第二', 'clause = "四（二）第二'),
        "policy_clause_not_found",
    ),
    "no quotation": (GUANGXI, swapped("\nquote =", "\n# quote ="), "policy_field_missing"),
    "number not printed": (GUANGXI, swapped("15号", "16号"), "policy_fact_not_in_text"),
    "title not printed": (
        GUANGXI,
        swapped("知识更新工程实施方案", "知识工程方案"),
        "policy_fact_not_in_text",
    ),
    "day not printed": (GUANGXI, swapped("not_before =", "issued_on ="), "policy_fact_not_in_text"),
    "condition of the sentence left out": (
        GUANGXI,
        swapped('["project_participation", "grade_certificate"]', '["grade_certificate"]', 1),
        "policy_field_missing",
    ),
    "condition without words": (
        GUANGXI,
        swapped('"grade_certificate"', '"good_manners"'),
        "policy_field_malformed",
    ),
    "open point without words": (GUANGXI, swapped('"junior_sublevel"', '"x"'), "policy_field_malformed"),
    "no open points": (
        GUANGXI,
        swapped('open_points = ["issue', 'concerns = ["issue'),
        "policy_field_unknown",
    ),
    "field unknown": (GUANGXI, swapped("confidence =", "certainty ="), "policy_field_unknown"),
    "confidence": (GUANGXI, swapped('"H"', '"A"'), "policy_field_malformed"),
    "jurisdiction": (GUANGXI, swapped('jurisdiction = "45"\n', ""), "policy_field_missing"),
    "clause that is not there": (
        GUANGXI,
        swapped('clause = "study"', 'clause = "none"'),
        "policy_field_missing",
    ),
    "day as text": (GUANGXI, swapped("2022-01-01", '"2022-01-01"'), "policy_field_malformed"),
    "day with time": (GUANGXI, swapped("2022-01-01", "2022-01-01T00:00:00Z"), "policy_field_malformed"),
    "no such day": (GUANGXI, swapped("2022-01-01", "2022-02-30"), "policy_field_malformed"),
    "title level": (GUANGXI, swapped('"as_grade"', '"senior"'), "policy_field_malformed"),
    "grade": (GUANGXI, swapped('"intermediate"', '"middle"'), "policy_field_malformed"),
    "delegate": (
        "shandong-2022-2030.toml",
        swapped('"cities_and_departments"', '"somebody"'),
        "policy_field_malformed",
    ),
    "report without a source": (TIANJIN, swapped("sources =", "period_zh2 ="), "policy_field_unknown"),
    "report with no source": (
        "liaoning-project.toml",
        lambda text: text[: text.index("sources =")],
        "policy_field_missing",
    ),
    "report quoted as a sentence": (
        TIANJIN,
        swapped("[clauses.certificates]", '[clauses.certificates]\nquote = "可直接认定为助理工程师。"'),
        "policy_quote_not_whole",
    ),
    "silence of a text that is not held": (
        TIANJIN,
        swapped("to_check =", 'open_points = ["junior_sublevel"]\nto_check =', 1),
        "policy_field_malformed",
    ),
    "announcement without words": (
        "neimenggu-2023-204.toml",
        swapped('"later_text_announced"', '"x"'),
        "policy_field_malformed",
    ),
    "not TOML": (GUANGXI, lambda text: text + "\n[[", "policy_field_malformed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_refused(fault: str) -> None:
    file, edit, code = FAULTS[fault]
    assert refused(file, edit) == code


def test_a_file_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(KezhengError, match="policy_field_malformed"):
        read_policy("x.toml", b'document = "\xff"', policy_text)


def test_a_sentence_starts_after_a_stop_a_line_or_a_number() -> None:
    assert is_whole_sentence("", "甲。")
    assert is_whole_sentence("乙。", "甲。")
    assert is_whole_sentence("乙\n  ", "甲。")
    assert is_whole_sentence("（四）", "甲。")
    assert not is_whole_sentence("乙，", "甲。")
    assert not is_whole_sentence("", "甲。乙。")
    assert not is_whole_sentence("", "甲")


def test_a_clause_is_found_under_its_nested_headings() -> None:
    text = "一、甲\n（一）子。句一。\n二、乙\n（一）丑。\n\n  句二。\n"
    assert stands_in_clause(text, "句一。", ("一、甲", "（一）子"), 0)
    assert stands_in_clause(text, "句二。", ("二、乙", "（一）丑"), 1)
    assert not stands_in_clause(text, "句一。", ("二、乙", "（一）"), 0)
    assert not stands_in_clause(text, "句二。", ("三、丙",), 0)
    assert not stands_in_clause(text, "句二。", ("二、乙",), 9)
    assert not stands_in_clause(text, "句二。", (), 0)
