"""The printed certificate: what stands on it, what must not, and that its code survives what happens to papers."""

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from io import BytesIO

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from certs.errors import KezhengError
from certs.grades import CertificateKind, Grade
from registry.rendering.certificate_face import CertificateFace
from registry.rendering.certificate_pdf import PICTURE_WIDTH, CertificatePrinter

FORBIDDEN = ("职业资格", "数字技术工程师证书", "上岗证", "国徽", "中华人民共和国", "技能等级")
NOT_A_TITLE = "不是职称证书"


def text_of_page(pdf: bytes) -> str:
    """The words of the only page, without line breaks and spaces between them."""
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    return document[0].get_textpage().get_text_range()


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def codes_in(image: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image.convert("L"))]


def page_at(pdf: bytes, resolution: int) -> Image.Image:
    return pypdfium2.PdfDocument(pdf)[0].render(scale=resolution / 72, grayscale=True).to_pil()


def test_every_field_of_a_grade_certificate_can_be_read(face: CertificateFace, printer: CertificatePrinter) -> None:
    text = text_of_page(printer.render_pdf(face))
    assert "P0001 15 000001 24 2 000123 M" in text
    words = squeezed(text)
    for expected in (
        "专业技术等级证书",
        "张小明",
        "参加智能制造工程技术人员（智能装备与产线应用方向）中级专业技术等级考核，成绩合格，特发此证。",
        "居民身份证",
        "1501**********1234",
        "2-02-38-05",
        "智能装备与产线应用",
        "2024年5月18日",
        "2024年5月20日",
        "未设有效期",
        "北疆数字技术评价中心",
        "P000115000001",
        "主考点",
        "电子签名：北疆数字技术评价中心2024-05-2010:11",
        "扫码查验，以查验结果为准",
        "verify.example.cn",
        "本证书为专业技术等级证书，不是职称证书；对应职称以申报地规定为准。",
        "本样式和编号为本登记系统自有，非人力资源社会保障部统一样式。",
    ):
        assert expected in words
    assert "原证书编号" not in words
    assert "国家证书编号" not in words
    assert "演示" not in words
    assert "补打" not in words


def test_training_certificate_says_what_it_is(training: CertificateFace, printer: CertificatePrinter) -> None:
    words = squeezed(text_of_page(printer.render_pdf(training)))
    assert "培训合格证书" in words
    assert "中级培训，完成规定的80学时和内容，结业考核合格，特发此证。" in words
    assert "培训等级" in words
    assert "评价机构" not in words
    assert "专业技术等级考核" not in words
    without_hours = squeezed(text_of_page(printer.render_pdf(replace(training, hours=None, direction=None))))
    assert "参加智能制造工程技术人员中级培训，完成规定的内容，结业考核合格" in without_hours
    assert "--" in without_hours


def test_the_two_kinds_do_not_look_alike(
    face: CertificateFace, training: CertificateFace, printer: CertificatePrinter
) -> None:
    """The bands alone tell them apart: dark across the top of one, down the left side of the other."""
    grade_page = Image.open(BytesIO(printer.render_picture(face))).convert("RGB")
    training_page = Image.open(BytesIO(printer.render_picture(training))).convert("RGB")
    top_right, left_bottom = (PICTURE_WIDTH - 60, 20), (20, grade_page.height - 200)
    assert sum(grade_page.getpixel(top_right)) < 300 < 700 < sum(training_page.getpixel(top_right))
    assert sum(training_page.getpixel(left_bottom)) < 350 < 700 < sum(grade_page.getpixel(left_bottom))


@pytest.mark.parametrize("of", ["face", "training", "longest"])
def test_nothing_forbidden_is_printed(
    of: str, request: pytest.FixtureRequest, printer: CertificatePrinter, subtests: pytest.Subtests
) -> None:
    words = squeezed(text_of_page(printer.render_pdf(request.getfixturevalue(of))))
    for word in FORBIDDEN:
        with subtests.test(word):
            assert word not in words
    assert "职称证书" not in words.replace(NOT_A_TITLE, "")
    assert words.count("人力资源社会保障部") == words.count("非人力资源社会保障部统一样式") == 1


def test_the_longest_certificate_keeps_to_one_page(longest: CertificateFace, printer: CertificatePrinter) -> None:
    for face in (longest, replace(longest, kind=CertificateKind.TRAINING, hours=800)):
        pdf = printer.render_pdf(face)
        words = squeezed(text_of_page(pdf))
        for value in (longest.holder_name, longest.direction, longest.institution_name, longest.site):
            assert value is not None
            assert words.count(squeezed(value)) >= 1
        assert "国家证书编号" in words
        assert "补打第2次2026-11-20" in words
        assert "首次发证日期" in words
        assert codes_in(page_at(pdf, 200)) == [face.qr_text]


def test_no_two_texts_overlap_on_the_longest(longest: CertificateFace, printer: CertificatePrinter) -> None:
    page = pypdfium2.PdfDocument(printer.render_pdf(replace(longest, environment="production")))[0]
    text_page = page.get_textpage()
    boxes = [text_page.get_rect(index) for index in range(text_page.count_rects())]
    inner = [
        (left + 0.5, bottom + 0.8, right - 0.5, top - 0.8)
        for left, bottom, right, top in boxes
        if right - left > 1 and top - bottom > 1.6
    ]
    for index, (left, bottom, right, top) in enumerate(inner):
        for other_left, other_bottom, other_right, other_top in inner[index + 1 :]:
            apart = right <= other_left or other_right <= left or top <= other_bottom or other_top <= bottom
            assert apart
    assert all(left > 0 and right < 595 and bottom > 0 and top < 842 for left, bottom, right, top in inner)


def test_envelope_is_attached_to_a_pdf_a_3b(face: CertificateFace, printer: CertificatePrinter) -> None:
    pdf = printer.render_pdf(face)
    document = pypdfium2.PdfDocument(pdf)
    assert document.count_attachments() == 1
    attachment = document.get_attachment(0)
    assert attachment.get_name() == "certificate.cose"
    assert bytes(attachment.get_data()) == face.envelope
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in pdf
    assert b"/AFRelationship" in pdf
    assert b"application#2Fcose" in pdf
    assert document.get_metadata_value("Title") == f"专业技术等级证书 {face.number}"


def test_same_certificate_gives_the_same_bytes(face: CertificateFace, printer: CertificatePrinter) -> None:
    assert printer.render_pdf(face) == CertificatePrinter().render_pdf(face)


def test_rare_characters_are_printed_and_not_boxes(face: CertificateFace, printer: CertificatePrinter) -> None:
    name = "𪻐𠮷玥·㐀𬀩"
    pdf = printer.render_pdf(replace(face, holder_name=name))
    assert name in squeezed(text_of_page(pdf))
    box = printer.render_picture(replace(face, holder_name="\U000323af"))
    for character in name.replace("·", ""):
        assert printer.render_picture(replace(face, holder_name=character)) != box


def test_text_cannot_become_markup(face: CertificateFace, printer: CertificatePrinter) -> None:
    name = '#panic("x") \\"*$ <b>'
    assert squeezed(name) in squeezed(text_of_page(printer.render_pdf(replace(face, holder_name=name))))


def test_photo_stands_on_the_page_and_a_damaged_one_is_refused(
    face: CertificateFace, photo: bytes, printer: CertificatePrinter
) -> None:
    page = pypdfium2.PdfDocument(printer.render_pdf(replace(face, photo=photo)))[0]
    images = [item for item in page.get_objects(max_depth=5) if item.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]
    assert len(images) == 2  # the code and the photo
    with pytest.raises(KezhengError, match="photo_unreadable"):
        printer.render_pdf(replace(face, photo=photo[:60]))


def test_demo_is_marked_and_still_scans(face: CertificateFace, printer: CertificatePrinter) -> None:
    pdf = printer.render_pdf(replace(face, environment="demo"))
    words = squeezed(text_of_page(pdf))
    assert "演示样张，没有效力，不得使用" in words
    assert codes_in(page_at(pdf, 150)) == [face.qr_text]


def test_code_reads_from_the_page_at_150_dpi(face: CertificateFace, printer: CertificatePrinter) -> None:
    assert codes_in(page_at(printer.render_pdf(face), 150)) == [face.qr_text]


def test_code_survives_a_messenger(
    face: CertificateFace, text_of: Callable[[bytes], str], printer: CertificatePrinter
) -> None:
    """Halved to 720 pixels and saved as JPEG of quality 50, thirty different certificates are read, all of them."""

    def survives(seed: int) -> bool:
        envelope = random.Random(seed).randbytes(166)
        own = replace(face, envelope=envelope, qr_text=text_of(envelope), grade=random.Random(seed).choice(list(Grade)))
        picture = printer.render_picture(own)
        assert len(picture) <= 1_000_000
        image = Image.open(BytesIO(picture)).convert("RGB")
        assert image.width == PICTURE_WIDTH
        sent = BytesIO()
        image.resize((720, round(image.height / 2)), Image.Resampling.LANCZOS).save(sent, "JPEG", quality=50)
        return codes_in(Image.open(sent)) == [own.qr_text]

    assert sum(map(survives, range(30))) == 30


def test_one_printer_serves_several_threads(face: CertificateFace, printer: CertificatePrinter) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(printer.render_pdf, [face] * 12))) == 1


def test_expiry_is_printed(face: CertificateFace, printer: CertificatePrinter) -> None:
    words = squeezed(text_of_page(printer.render_pdf(replace(face, valid_until=date(2029, 5, 20)))))
    assert "有效期至" in words
    assert "2029年5月20日" in words
    assert "未设有效期" not in words
