"""The paragraph that a clerk pastes into a file."""

from __future__ import annotations

from datetime import date

from certs.equivalence import load_policies, title_effects
from certs.grades import CertificateKind, Grade
from certs.title_citation import CertificateFacts, citation_text_zh
from certs.title_effect import TitleEffect

GUANGXI = """\
依据《广西壮族自治区专业技术人才知识更新工程实施方案》（桂人社发〔2022〕15号）四、组织实施（二）支持人才培训第二自然段：\
“参加数字技术工程师培育项目，取得培训合格证书的，按照有关规定申领职业培训补贴；取得高级专业技术等级证书的，可作为申报高级职称评审的重要参考；\
取得中级、初级专业技术等级证书的，可认定相应中级、初级职称。”
条件：①参加数字技术工程师培育项目（证明：培训合格证书编号 …／未提供）；②取得中级专业技术等级证书（已查验）。
文本未规定：成文及施行日期、有效期；初级对应员级还是助理级；职称系列和专业名称；认定程序、年限；发证机构所在地是否限于本区。
提示：“可认定”不等于已取得职称，由有认定权限的部门决定；条款所称证书为人力资源社会保障部统一样式和编码的专业技术等级证书，请同时核对国家证书编号。"""
VERIFIED = CertificateFacts(is_verified=True)


def first(jurisdiction: str, grade: Grade = Grade.INTERMEDIATE) -> TitleEffect:
    return title_effects(
        load_policies(), jurisdiction, CertificateKind.ASSESSMENT, grade, date(2026, 11, 20)
    )[0]


def test_the_guangxi_paragraph_is_exact() -> None:
    assert citation_text_zh(first("45"), VERIFIED) == GUANGXI


def test_the_training_number_fills_the_blank() -> None:
    text = citation_text_zh(
        first("45"), CertificateFacts(is_verified=True, training_number="T000115000001242000123")
    )
    assert "（证明：培训合格证书编号 T000115000001242000123）" in text
    assert "未提供" not in text


def test_without_facts_nothing_is_called_verified() -> None:
    assert "②取得中级专业技术等级证书（待查验）" in citation_text_zh(first("45"))
    assert "已查验" not in citation_text_zh(first("45"), CertificateFacts(is_verified=False))


def test_shandong_says_that_no_number_is_printed_and_that_the_city_decides() -> None:
    text = citation_text_zh(first("37"), VERIFIED)
    assert text.startswith(
        "依据《山东省专业技术人才知识更新工程（2022-2030年）实施方案》（所存文本未载明文号）四、"
    )
    assert "③所在市或主管部门已纳入认定范围（待核：该市或部门的文件）。" in text
    assert "“可纳入认定范围”不等于已取得职称" in text


def test_a_report_is_never_cited_as_a_sentence() -> None:
    text = citation_text_zh(first("12"), VERIFIED)
    assert text.startswith(
        "依据《数字经济领域技术技能人才培育项目实施方案》（文号未查到）（条款序号未存）：（转引，条款原句未存，不作引文）"
    )
    assert "文本未规定" not in text
    assert "题名未核实" in citation_text_zh(first("14"), VERIFIED)
    assert "（转引片段，非全句）" in citation_text_zh(
        title_effects(load_policies(), "00", CertificateKind.ASSESSMENT, Grade.SENIOR, date(2026, 11, 20))[1]
    )


def test_an_absence_cites_nothing() -> None:
    assert citation_text_zh(first("13"), VERIFIED) == (
        "河北省：本系统未收录该地规定。不表示不能认定；下列国家层面文本供参考，请咨询当地人社部门。"
    )
    assert citation_text_zh(first("21"), VERIFIED) == (
        "辽宁省：该地已有文件，本系统未收录条款。"
        "文件名称 《辽宁省数字技术工程师培育项目实施方案》，请向当地人社部门核实。"
    )
