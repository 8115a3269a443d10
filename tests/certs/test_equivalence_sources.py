"""Every quotation is really in its text: in the copy that ships and in the received policies."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from certs.equivalence import load_policies, policy_text
from certs.package_data import list_files, read_bytes
from certs.title_policy import QuoteSource

RECEIVED = Path(__file__).resolve().parents[3] / "shared" / "policies"

# The sentences that are quoted, by policy text. Written out here a second time, and not read from the data.
IN_TEXT = {
    "guangxi-2022-15.txt": [
        "参加数字技术工程师培育项目，取得培训合格证书的，按照有关规定申领职业培训补贴；"
        "取得高级专业技术等级证书的，可作为申报高级职称评审的重要参考；"
        "取得中级、初级专业技术等级证书的，可认定相应中级、初级职称。",
        "专业技术人员参加工程学习情况作为个人专业技术经历，高级研修、能力提升和数字技术工程师培育等项目的学员名单均可"
        "上传至国家专业技术人才知识更新工程公共服务平台（网址：zsgx.mohrss.gov.cn），"
        "相应学时记入《专业技术人员继续教育证书》。",
    ],
    "neimenggu-2022-33.txt": [
        "参加数字技术工程师培育项目，取得培训合格证书的，按照有关规定申领职业培训补贴；"
        "取得高级专业技术等级证书的，可作为申报高级职称评审的重要参考；"
        "取得中初级专业技术等级证书的，可纳入中初级职称认定范围。",
    ],
    "neimenggu-2023-204.txt": [
        "制定出台项目实施方案，在继续教育、职称评审、就业创业、选拔资助、管理服务等方面提供政策支持，"
        "指导内蒙古大学等5家数字技术工程师培训机构按照国家职业标准，分职业、分方向、分等级开展“线上+线下”培训，"
        "在大数据、物联网、人工智能等数字技术领域开展培训。",
    ],
    "shandong-2022-2030.txt": [
        "参加数字技术工程师培育项目，取得培训合格证书的，按照有关规定申领职业培训补贴；"
        "取得高级专业技术等级证书的，可作为申报高级职称评审的重要参考；"
        "取得中级、初级专业技术等级证书的，可纳入各市各部门中级、初级职称认定范围。",
        "专业技术人员参加工程学习情况作为个人专业技术经历，高级研修、能力提升和数字技术工程师培育等项目的学员名单均可"
        "上传至“山东省专业技术人员继续教育公共服务平台”，相应学时记入《专业技术人员继续教育证书》。",
    ],
    "national-2022-task-plan.txt": [
        "各地人力资源社会保障部门负责将培训机构目录、评价机构目录等信息纳入本地职业技能提升行动“两目录一系统”，"
        "结合实际自行研究制定具体职业培训补贴政策、职称认定或衔接办法。",
    ],
}
# Phrases known from reports only; anything else in a file without a text would be an invention.
REPORTED_PHRASES = {
    "可纳入各地各部门中级、初级职称认定范围",
    "可作为申报高级职称评审的重要参考",
    "可衔接认定相应职称",
}


def policy_tables() -> dict[str, dict[str, object]]:
    names = list_files("title_policies", ".toml")
    return {name: tomllib.loads(read_bytes("title_policies", name).decode()) for name in names}


def quotations_of(table: dict[str, object]) -> list[str]:
    clauses = table.get("clauses", {})
    assert isinstance(clauses, dict)
    return [clause["quote"] for clause in clauses.values() if "quote" in clause]


def test_the_files_quote_exactly_the_listed_sentences() -> None:
    quoted: dict[str, list[str]] = {}
    for table in policy_tables().values():
        if "text" in table:
            quoted.setdefault(str(table["text"]), []).extend(quotations_of(table))
    assert {name: sorted(sentences) for name, sentences in quoted.items()} == {
        name: sorted(sentences) for name, sentences in IN_TEXT.items()
    }
    assert sum(map(len, quoted.values())) == 7


@pytest.mark.parametrize("name", IN_TEXT)
def test_each_sentence_is_in_the_text_that_ships(name: str) -> None:
    for sentence in IN_TEXT[name]:
        assert policy_text(name).count(sentence) == 1


@pytest.mark.parametrize("name", IN_TEXT)
def test_each_sentence_is_in_the_received_text_and_the_copy_is_exact(name: str) -> None:
    if not RECEIVED.is_dir():
        pytest.skip(f"the received policy texts are not beside this checkout: {RECEIVED} is absent")
    received = (RECEIVED / name).read_bytes()
    assert read_bytes("title_policies", "texts", name) == received
    for sentence in IN_TEXT[name]:
        assert sentence.encode() in received


def test_no_received_text_is_left_out() -> None:
    assert set(list_files("title_policies/texts", ".txt")) == set(IN_TEXT)
    if not RECEIVED.is_dir():
        pytest.skip(f"the received policy texts are not beside this checkout: {RECEIVED} is absent")
    assert {path.name for path in RECEIVED.glob("*.txt")} == set(IN_TEXT)


def test_files_without_a_text_quote_only_reported_phrases() -> None:
    phrases = [
        quote for table in policy_tables().values() if "text" not in table for quote in quotations_of(table)
    ]
    assert set(phrases) == REPORTED_PHRASES


def test_documents_without_a_text_say_so_and_name_their_source() -> None:
    tables = policy_tables()
    for document in load_policies().documents:
        is_held = "text" in tables[document.file]
        assert document.quote_source is (QuoteSource.TEXT if is_held else QuoteSource.SECONDARY)
        assert is_held or tables[document.file]["sources"]
        for rule in document.rules:
            assert is_held or (rule.clause.place is None and not rule.open_points)
            assert is_held or rule.clause.quote is None or rule.clause.is_fragment


def test_only_printed_days_and_numbers_are_given() -> None:
    documents = {document.file: document for document in load_policies().documents}
    assert documents["guangxi-2022-15.toml"].issued_on is None
    assert documents["neimenggu-2022-33.toml"].issued_on is None
    assert documents["neimenggu-2022-33.toml"].issuer is None
    assert documents["shandong-2022-2030.toml"].number is None
    assert str(documents["shandong-2022-2030.toml"].issued_on) == "2022-12-28"
    assert documents["national-2022-task-plan.toml"].number is None
    assert documents["tianjin-2022.toml"].number is None
    assert all(document.in_force_from is None for document in documents.values())
    assert all(document.in_force_to is None for document in documents.values())
