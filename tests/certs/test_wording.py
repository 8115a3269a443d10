"""The table of words: both languages, the same parameters, the register of the glossary, and no bare code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from certs.institution import EventKind
from certs.status import State
from certs.status_reasons import LISTING_REASONS, REASONS
from certs.wording import Words, all_codes, namespaces, words

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("certs", "keys", "registry", "verify_site")
EVERYTHING = [(name, code) for name in namespaces() for code in all_codes(name)]

EXAMPLES = {"workbook"}
"""Here the second Chinese text of a column is its example value, which has no English."""
CHINESE_NAMES_ONLY = {
    ("roster", "id_length"): {"id_type"},
    ("roster", "id_length_either"): {"id_type"},
    ("roster", "direction_unknown"): {"occupation"},
    ("roster", "direction_required"): {"occupation"},
    ("roster", "direction_not_at_grade"): {"occupation"},
}
"""Parameters that exist in Chinese alone and that the English sentence does without."""

NEVER = {
    r"您": "no form of address",
    r"抱歉|对不起|非常遗憾": "no apology",
    r"[！!]": "no exclamation mark",
    r"(?<!查)验证|核验|校验(?!位)": "查验 is the public act, 核对 the comparing",
    r"认证|资质": "目录内, 退出目录, 移出目录",
    r"考试|鉴定|测评": "考核",
    r"颁证|颁发": "发证",
    r"证书号": "证书编号",
    r"技能等级": "专业技术等级",
    r"头衔|等价|等效": "职称, 对应职称规定",
    r"操作员|审批者": "经办人, 复核人",
    r"收据|透明日志|检查点|信任列表|平台方": "查验凭证, 公开登记簿, 登记簿快照, 机构名录, 登记机构",
    r"(?<!主)考点": "考核站点",
    r"课时": "学时",
    r"假证|伪造": "never our conclusion: signatures are known, persons are not",
    r"干跑": "试检",
    r"身份证号码错误": "says which",
}
NEVER_IN_PUBLIC = {
    r"日志|哈希|树大小": "technical words stay below the fold",
    r"授权": "目录内",
    r"用户": "查验人, 持证人",
}
PUBLIC = {"verdict", "check", "outcome", "reason", "notice", "status", "status_reason", "term", "page", "effect"}


def parameters(text: str) -> set[str]:
    """The parameters of a text; those that carry one language in their name count as one."""
    names = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    return {re.sub(r"_(zh|en)$", "", name) for name in names}


@pytest.mark.parametrize("namespace", namespaces())
def test_every_code_is_said_in_both_languages(namespace: str) -> None:
    for code in all_codes(namespace):
        said = words(namespace, code)
        assert said.zh.strip() == said.zh, code
        assert said.zh, code
        assert said.en, code
        assert bool(said.advice_zh) == bool(said.advice_en) or namespace in EXAMPLES, code


@pytest.mark.parametrize("namespace", namespaces())
def test_both_languages_have_the_same_parameters(namespace: str) -> None:
    for code in all_codes(namespace):
        said = words(namespace, code)
        more = CHINESE_NAMES_ONLY.get((namespace, code), set())
        assert parameters(said.zh) - more == parameters(said.en), code
        if namespace not in EXAMPLES:
            assert parameters(said.advice_zh) == parameters(said.advice_en), code


def test_chinese_is_chinese_and_english_has_no_chinese_but_terms() -> None:
    for namespace, code in EVERYTHING:
        said = words(namespace, code)
        assert re.search(r"[\u4e00-\u9fff]", said.zh) or parameters(said.zh) or namespace in ("workbook", "page"), code
        assert not re.search(r"[，。；：？！“”]", said.en + said.advice_en), (namespace, code)


def offences(namespace: str, text: str) -> list[str]:
    rules = NEVER | (NEVER_IN_PUBLIC if namespace in PUBLIC else {})
    return [rule for rule in rules if re.search(rule, text)]


@pytest.mark.parametrize("namespace", namespaces())
def test_words_keep_the_register_of_the_glossary(namespace: str) -> None:
    for code in all_codes(namespace):
        said = words(namespace, code)
        assert offences(namespace, said.zh + said.advice_zh) == [], (code, said.zh, said.advice_zh)


@pytest.mark.parametrize("bad", ["您的证书", "抱歉", "未通过！", "请验证证书", "核验", "无法校验", "认证机构"])
def test_the_rules_can_fail(bad: str) -> None:
    assert offences("reason", bad) != []


def test_the_rules_leave_what_is_right() -> None:
    for good in ("查验证书", "证书编号校验位不符", "主考点", "查验证明登记记录"):
        assert offences("reason", good) == []


def test_a_code_without_words_is_an_error_of_the_program() -> None:
    with pytest.raises(LookupError):
        words("reason", "no_such_code")
    with pytest.raises(FileNotFoundError):
        words("no_such_namespace", "valid")


def test_parameters_are_filled_once_and_never_read_again() -> None:
    said = words("notice", "host_foreign", url="https://{x}.example.org/{0}")
    assert said.zh.endswith("https://{x}.example.org/{0}")
    assert words("notice", "occupation_code_changed", code="2-02-38-05").zh == "现行职业编码：2-02-38-05"
    with pytest.raises(KeyError):
        words("notice", "host_foreign", other="x")


def test_words_without_parameters_are_given_as_they_are() -> None:
    assert words("verdict", "valid") == Words("证书有效", "Valid", "查验通过", "All checks passed")


# --- every code that the program makes has words


def test_states_and_reasons_have_words() -> None:
    assert set(all_codes("status")) == {state.value for state in State}
    known = set(all_codes("status_reason"))
    used = {reason for reasons in (*REASONS.values(), *LISTING_REASONS.values()) for reason in reasons}
    assert used == known
    assert set(LISTING_REASONS) == set(EventKind)


def codes_raised() -> dict[str, str]:
    """Code → file, of every ``KezhengError("…")`` that is written out in the source."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "KezhengError" and node.args:
                    found |= dict.fromkeys(literal_codes(node.args[0]), path.name)
    return found


def literal_codes(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    return [*literal_codes(node.body), *literal_codes(node.orelse)] if isinstance(node, ast.IfExp) else []


TURNED_INTO_OTHERS = {"jws_malformed", "jws_header_refused", "jws_type_wrong", "jws_signature_wrong", "json_malformed"}
"""What is wrong with a signed file is said as one reason, that it is not signed as it must be."""


def test_every_code_raised_has_words() -> None:
    raised = codes_raised()
    assert len(raised) > 100
    known = {code for namespace in ("error", "reason", "roster", "verdict") for code in all_codes(namespace)}
    assert {code: file for code, file in raised.items() if code not in known | TURNED_INTO_OTHERS} == {}
