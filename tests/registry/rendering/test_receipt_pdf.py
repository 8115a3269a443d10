"""The page of a receipt: what stands on it, what must not, and the data attached to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from certs.errors import KezhengError
from certs.timestamps import parse_instant
from certs.wording import words
from registry.rendering.receipt_face import ReceiptCheck, ReceiptFace, ReceiptIssue, receipt_face
from registry.rendering.receipt_pdf import ReceiptPrinter

BUNDLE = b'{"format":1}'
ISSUE = ReceiptIssue(
    registry_name="北疆登记",
    public_url="https://verify.example.cn",
    root_fingerprint=" ".join(["3f2a9c01"] * 8),
    envelope_digest=bytes(range(32)),
)
Json = dict[str, Any]


def check(name: str, outcome: str, code: str) -> Json:
    said = words("reason", code)
    return {"name": name, "outcome": outcome, "code": code, "zh": said.zh, "en": said.en}


def notice(code: str, /, **params: str) -> Json:
    said = words("notice", code, **params)
    return {"code": code, "zh": said.zh, "en": said.en}


@pytest.fixture
def report() -> Json:
    """A valid certificate, in the shape of a report."""
    return {
        "headline": {"zh": "证书有效", "en": "Valid"},
        "summary": {"zh": "查验通过", "en": "All checks passed"},
        "tone": "ok",
        "check_id": "7K3F-92QD",
        "checked_at": "2026-11-20T14:02:33+08:00",
        "checks": [
            check("form", "passed", "form_ok"),
            check("signature", "passed", "signature_ok"),
            check("authority", "passed", "authorised_at_assessment"),
            check("status", "passed", "in_force"),
        ],
        "notices": [],
        "certificate": {
            "number": "P000115000001242000123M",
            "kind": "assessment",
            "title_zh": "专业技术等级证书",
            "name": "张小明",
            "id_type": None,
            "id_tail": "9527",
            "occupation": {
                "code": "2-02-38-05",
                "name_zh": "智能制造工程技术人员",
                "name_en": "Intelligent Manufacturing Engineering Technician",
                "code_edition": "2022",
            },
            "direction": "智能装备与产线应用",
            "grade": "intermediate",
            "assessed_on": "2024-05-18",
            "issued_at": "2024-05-20T10:11:33+08:00",
            "valid_until": None,
            "official_number": None,
        },
        "institution": {
            "code": "P000115000001",
            "name": "北疆数字技术评价中心",
            "name_at_issue": "北疆数字技术评价中心",
        },
        "status": {"state": "valid", "since": None, "reason_code": None, "superseded_by": None},
    }


@pytest.fixture
def revoked(report: Json) -> Json:
    report["headline"] = {"zh": "证书已撤销", "en": "Revoked"}
    report["summary"] = {"zh": "2026年3月1日撤销，自始无效", "en": "Revoked on 2026-03-01, void from the start"}
    report["tone"] = "stop"
    report["checks"][3]["outcome"] = "failed"
    report["status"] = {
        "state": "revoked",
        "since": "2026-03-01T09:00:00+08:00",
        "reason_code": "exam_misconduct",
        "reason_zh": "考核违纪舞弊",
        "reason_en": "misconduct in the exam",
        "superseded_by": None,
    }
    return report


@pytest.fixture
def longest(revoked: Json) -> Json:
    """Everything at once, at its longest: more than any one verification says."""
    certificate = revoked["certificate"]
    certificate["name"] = "阿卜杜热合曼·买买提艾力·吐尔逊江·阿布都克里木汗"
    certificate["occupation"]["name_en"] = "Additive Manufacturing Engineering and Technical Personnel (Large Systems)"
    certificate["direction"] = "工业互联网边缘计算与异构网络集成部署应用"
    certificate["valid_until"] = "2029-05-20"
    certificate["official_number"] = "S000015000001243000001"
    revoked["institution"]["name_at_issue"] = "北疆自治区数字技术工程专业人才等级评价服务中心"
    revoked["institution"]["name"] = "北疆自治区数字技术工程专业人才等级评价服务总中心"
    revoked["status"]["superseded_by"] = "P000115000001262000007X"
    revoked["checks"].insert(2, check("form", "indeterminate", "root_not_pinned") | {"zh": "已登记" * 12})
    revoked["notices"] = [
        notice("listed_then_removed", date="2024-06-01"),
        notice("issued_in_run_off"),
        notice("superseded", successor="P000115000001262000007X"),
        notice("institution_renamed", name="北疆自治区数字技术工程专业人才等级评价服务总中心"),
        notice("occupation_code_changed", code="2-02-38-05"),
        notice("demo_environment"),
    ]
    return revoked


@pytest.fixture(scope="module")
def receipts() -> ReceiptPrinter:
    return ReceiptPrinter()


@dataclass
class Page:
    """The only page of a PDF."""

    pdf: bytes

    @property
    def document(self) -> pypdfium2.PdfDocument:
        document = pypdfium2.PdfDocument(self.pdf)
        assert len(document) == 1
        return document

    @property
    def words(self) -> str:
        """All text without line breaks and spaces."""
        return re.sub(r"\s", "", self.document[0].get_textpage().get_text_range())

    @property
    def picture(self) -> Image.Image:
        picture: Image.Image = self.document[0].render(scale=1).to_pil()
        return picture.convert("RGB")


def page_of(report: Json, receipts: ReceiptPrinter, issue: ReceiptIssue = ISSUE) -> Page:
    return Page(receipts.render_pdf(receipt_face(report, issue), BUNDLE))


def test_whoever_files_it_finds_what_he_needs(report: Json, receipts: ReceiptPrinter) -> None:
    said = page_of(report, receipts).words
    for expected in (
        "查验凭证",
        "证书有效",
        "查验通过",
        "2026-11-2014:02:33",
        "北京时间",
        "7K3F-92QD",
        "专业技术等级证书",
        "P000115000001242000123M",
        "智能制造工程技术人员·中级",
        "智能装备与产线应用",
        "张小明",
        "北疆数字技术评价中心",
        "P000115000001",
        "2024-05-18",
        "2024-05-20",
        "未设有效期",
        "发证机构考核时在评价机构目录内",
        "3f2a9c01" * 8,
        bytes(range(32)).hex(),
        "kezhengverify",
        "verify.example.cn",
        "电子签名：北疆登记",
        "本凭证不是证书，也不证明持证人身份",
    ):
        assert expected in said
    for absent in ("提示", "演示", "国家证书编号", "原因", "新证书编号", "现名"):
        assert absent not in said


def test_the_tail_of_the_id_number_is_not_shown(report: Json, receipts: ReceiptPrinter) -> None:
    assert "9527" not in page_of(report, receipts).words


def test_a_revoked_certificate_says_since_when_and_why(revoked: Json, receipts: ReceiptPrinter) -> None:
    said = page_of(revoked, receipts).words
    assert "证书已撤销" in said
    assert "2026年3月1日撤销，自始无效" in said
    assert "已撤销（2026-03-01）" in said
    assert "考核违纪舞弊" in said
    assert "不通过" in said
    assert "证书有效" not in said


@pytest.mark.parametrize(
    ("tone", "strongest"), [("ok", "green"), ("stop", "red"), ("notice", "blue"), ("unknown", None)]
)
def test_tones_differ_in_colour_and_sign(
    report: Json, receipts: ReceiptPrinter, tone: str, strongest: str | None
) -> None:
    """The bar at the top has the colour; the sign beside the headline differs without any colour."""
    report["tone"] = tone
    page = page_of(report, receipts).picture
    found = page.getpixel((300, 5))
    assert isinstance(found, tuple)
    colours = dict(zip(("red", "green", "blue"), found, strict=True))
    if strongest is None:
        assert max(found) - min(found) < 30
    else:
        assert max(colours, key=lambda name: colours[name]) == strongest
        assert max(found) - min(found) > 60


def test_signs_differ_without_colour(report: Json, receipts: ReceiptPrinter) -> None:
    signs = set()
    for tone in ("ok", "stop", "notice", "unknown"):
        report["tone"] = tone
        sign = page_of(report, receipts).picture.crop((80, 115, 115, 170))
        signs.add(sign.convert("L").point(lambda level: 255 if level > 220 else 0).tobytes())
    assert len(signs) == 4


def test_nothing_of_a_certificate_is_shown_when_its_signature_did_not_pass(
    report: Json, receipts: ReceiptPrinter
) -> None:
    report |= {"certificate": None, "institution": None, "status": None, "tone": "stop"}
    report["headline"] = {"zh": "查验不通过", "en": "Verification failed"}
    report["checks"][1] = check("signature", "failed", "signature_mismatch")
    page = page_of(report, receipts, ISSUE._replace(envelope_digest=None))
    for absent in ("P0001", "张小明", "中级", "证书摘要"):
        assert absent not in page.words
    assert "查验不通过" in page.words


def test_a_look_up_without_a_name_has_no_holder(report: Json, receipts: ReceiptPrinter) -> None:
    report["certificate"]["name"] = None
    assert "Holder" not in page_of(report, receipts).words


def test_a_status_that_could_not_be_had_is_not_shown(report: Json, receipts: ReceiptPrinter) -> None:
    report["status"] = None
    assert "当时状态" not in page_of(report, receipts).words


def test_a_mirror_says_that_nobody_signed(report: Json, receipts: ReceiptPrinter) -> None:
    said = page_of(report, receipts, ISSUE._replace(counter_signed=False)).words
    assert "未经登记机构签名" in said
    assert "电子签名" not in said


def test_a_sample_says_so(report: Json, receipts: ReceiptPrinter) -> None:
    said = page_of(report, receipts, ISSUE._replace(environment="demo")).words
    assert "演示数据，没有效力，不得使用" in said


def test_the_longest_keeps_to_one_page_and_nothing_overlaps(longest: Json, receipts: ReceiptPrinter) -> None:
    page = page_of(longest, receipts)
    for value in ("S000015000001243000001", "P000115000001262000007X", "总中心", "工业互联网边缘计算", "演示数据"):
        assert value in page.words
    boxes = list(text_boxes(page))
    for index, (left, bottom, right, top) in enumerate(boxes):
        assert 0 < left < right < 595
        assert 0 < bottom < top < 842
        for other in boxes[index + 1 :]:
            assert right <= other[0] or other[2] <= left or top <= other[1] or other[3] <= bottom


def text_boxes(page: Page) -> Iterator[tuple[float, float, float, float]]:
    """Left, bottom, right, top in points, a little smaller than the text."""
    document = page.document
    text_page = document[0].get_textpage()
    for index in range(text_page.count_rects()):
        left, bottom, right, top = text_page.get_rect(index)
        if right - left > 1 and top - bottom > 1.6:
            yield left + 0.5, bottom + 0.8, right - 0.5, top - 0.8


def test_the_bundle_is_attached_as_it_is(report: Json, receipts: ReceiptPrinter) -> None:
    bundle = bytes(range(256)) * 40
    pdf = receipts.render_pdf(receipt_face(report, ISSUE), bundle)
    document = pypdfium2.PdfDocument(pdf)
    assert document.count_attachments() == 1
    attachment = document.get_attachment(0)
    assert attachment.get_name() == "receipt.json"
    assert bytes(attachment.get_data()) == bundle
    assert b"application#2Fjson" in pdf
    assert b"/AFRelationship/Data" in pdf
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert document.get_metadata_value("Title") == "查验凭证 7K3F-92QD"
    assert document.get_metadata_value("Author") == "北疆登记"


def test_the_same_receipt_gives_the_same_bytes(report: Json, receipts: ReceiptPrinter) -> None:
    face = receipt_face(report, ISSUE)
    assert receipts.render_pdf(face, BUNDLE) == ReceiptPrinter().render_pdf(face, BUNDLE)
    assert face.checked_at == parse_instant("2026-11-20T14:02:33+08:00")


def test_text_cannot_become_markup(report: Json, receipts: ReceiptPrinter) -> None:
    name = '#panic("x")\\"*$<b>'
    report["certificate"]["name"] = name
    assert name in page_of(report, receipts).words


def test_what_cannot_be_set_is_refused_in_words(receipts: ReceiptPrinter) -> None:
    unknown = ReceiptCheck("no such outcome", *("证书格式", "Form") * 3)
    face = ReceiptFace("ok", ("", ""), ("", ""), "7K3F-92QD", parse_instant("2026-11-20"), (), (unknown,), (), ISSUE)
    with pytest.raises(KezhengError, match="receipt_not_rendered"):
        receipts.render_pdf(face, BUNDLE)


def test_a_page_can_be_read_in_grey(report: Json, receipts: ReceiptPrinter) -> None:
    """Fax and cheap copies: headline and band stay far apart in lightness."""
    picture = BytesIO()
    page_of(report, receipts).picture.convert("L").crop((140, 110, 240, 160)).save(picture, "PNG")
    darkest, lightest = Image.open(picture).getextrema()
    assert isinstance(darkest, int)
    assert isinstance(lightest, int)
    assert lightest - darkest > 120
