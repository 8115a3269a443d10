"""A certificate filled into the page of its shape is the one that Typst would have set, and holds nobody else."""

import random
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import pypdfium2
import pytest
from PIL import ImageChops
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.grades import Grade
from registry.rendering.certificate_face import CertificateFace
from registry.rendering.certificate_pdf import CertificatePrinter
from registry.rendering.page_content import CutContent, cut_content, glyph_characters
from registry.rendering.page_cutting import template_of
from registry.rendering.page_shape import personal_text, shape_of
from registry.rendering.pdf_objects import PdfParts, reference, stream_data, take_apart
from registry.rendering.person_face import NAME, PersonFace

NAMES = ["李白", "欧阳修文", "阿卜杜热合曼·买买提", "Jane Mary Doe", "司马相如", "王一"]


def somebody(face: CertificateFace, seed: int) -> CertificateFace:
    """Another certificate: other signs everywhere, and one of few shapes."""
    chosen = random.Random(seed)
    digits = "".join(chosen.choices("0123456789", k=6))
    envelope = chosen.randbytes(166)
    return replace(
        face,
        number=f"P000115000001242{digits}{chosen.choice('WMI7')}"[:23],
        number_groups=("P0001", "15", "000001", "24", "2", digits, chosen.choice("WMI7")),
        holder_name=chosen.choice(NAMES),
        id_masked=f"{chosen.randrange(10**4):04}**********{chosen.randrange(10**3):03}X",
        grade=chosen.choice(list(Grade)),
        issued_on=date(2024, chosen.randrange(1, 13), chosen.randrange(1, 29)),
        signed_at=datetime(2024, 5, 20, chosen.randrange(24), chosen.randrange(60), tzinfo=UTC),
        qr_text=f"HTTPS://VERIFY.EXAMPLE.CN/V/{envelope.hex().upper()}"[: chosen.choice((200, 294))],
        envelope=envelope,
    )


def picture_of(pdf: bytes, scale: float = 2) -> bytes:
    return pypdfium2.PdfDocument(pdf)[0].render(scale=scale).to_pil().convert("RGB").tobytes()


def text_of_page(pdf: bytes) -> str:
    return pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()


def content_of(parts: PdfParts) -> CutContent:
    """The whole content of the page, cut at personal text, as if it stood in one stream."""
    page = parts.objects[parts.number_of(b"/Type/Page/")]
    listed = re.findall(rb"(\d+) 0 R", page[page.index(b"/Contents") :])
    content = b"".join(stream_data(parts.objects[int(number)]) for number in listed)
    font = parts.number_of(b"/Subtype/Type0", b"+" + NAME)
    resources = parts.objects[reference(page, b"Resources")]
    name = resources[: resources.index(b" %d 0 R" % font)].rpartition(b"/")[2]
    characters = glyph_characters(stream_data(parts.objects[reference(parts.objects[font], b"ToUnicode")]))
    return cut_content(content, name, characters)


@pytest.mark.parametrize("seed", range(6))
def test_page_is_the_one_that_typst_sets(face: CertificateFace, printer: CertificatePrinter, seed: int) -> None:
    own = somebody(face, seed)
    filled, whole = printer.render_pdf(own), printer.set_pdf(own)
    assert filled != whole
    assert picture_of(filled) == picture_of(whole)
    assert text_of_page(filled) == text_of_page(whole)
    assert content_of(take_apart(filled)) == content_of(take_apart(whole))


@pytest.mark.parametrize("of", ["face", "training", "longest"])
def test_all_other_objects_are_those_of_typst(
    of: str, request: pytest.FixtureRequest, printer: CertificatePrinter
) -> None:
    own = replace(request.getfixturevalue(of), photo=None, reprint=None)
    filled, whole = (take_apart(pdf) for pdf in (printer.render_pdf(own), printer.set_pdf(own)))
    other = {number for number, body in whole.objects.items() if filled.objects[number] != body}
    font = whole.number_of(b"/Subtype/Type0", b"+" + NAME)
    glyphs = reference(whole.objects[font], b"DescendantFonts")
    descriptor = reference(whole.objects[glyphs], b"FontDescriptor")
    assert other == {
        *(font, glyphs, descriptor, reference(whole.objects[font], b"ToUnicode")),
        *(reference(whole.objects[descriptor], key) for key in (b"CIDSet", b"FontFile3")),
        *(whole.number_of(mark) for mark in (b"/Type/Page/", b"/Subtype/Image", b"/Type/Metadata")),
        reference(whole.objects[whole.number_of(b"/Type/Page/")], b"Contents"),
    }


def test_file_is_read_strictly_and_says_what_it_is(face: CertificateFace, printer: CertificatePrinter) -> None:
    own = somebody(face, 7)
    reader = PdfFileReader(BytesIO(printer.render_pdf(own)), strict=True)
    page = reader.root["/Pages"]["/Kids"][0]
    assert len(reader.root["/Pages"]["/Kids"]) == len(reader.root["/AF"]) == 1
    attached = reader.root["/AF"][0]
    assert attached["/AFRelationship"] == "/Alternative"
    embedded = attached["/EF"]["/F"]
    assert (embedded.data, embedded["/Params"]["/Size"]) == (own.envelope, len(own.envelope))
    title, day = f"专业技术等级证书 {own.number}", own.signed_at.strftime("%Y%m%d%H%M%S")
    assert reader.trailer["/Info"]["/Title"] == title
    assert reader.trailer["/Info"].raw_get("/CreationDate") == f"D:{day}Z"
    metadata = reader.root["/Metadata"].data.decode()
    assert title in metadata
    assert metadata.count(own.signed_at.strftime("%Y-%m-%dT%H:%M:%SZ")) == 4
    for identifier in reader.trailer["/ID"]:
        assert bytes(identifier.original_bytes).decode() in metadata
    fonts = page["/Resources"]["/Font"]
    assert len(fonts) == 4
    for name in fonts:
        assert fonts[name]["/DescendantFonts"][0]["/FontDescriptor"]["/FontFile3"].data


def test_file_does_not_depend_on_those_before_it(face: CertificateFace) -> None:
    """A shape knows nobody: whoever came first, the file is the same, and has no glyph of another's name."""
    first, second = replace(face, holder_name="张小明"), replace(somebody(face, 3), holder_name="李太白")
    printer = CertificatePrinter()
    printer.render_pdf(first)
    after = printer.render_pdf(second)
    assert after == CertificatePrinter().render_pdf(second)
    mapped = after[after.index(b"beginbfchar") : after.index(b"endbfchar")]
    shown = {bytes.fromhex(line.split(b"<")[2][:-1].decode()).decode("utf-16-be") for line in mapped.split(b"\n")[1:-1]}
    assert shown == set(personal_text(second))


def test_one_page_is_set_for_all_of_a_shape(face: CertificateFace, monkeypatch: pytest.MonkeyPatch) -> None:
    printer = CertificatePrinter()
    shapes = []
    real = printer.set_pdf

    def noted(own: CertificateFace) -> bytes:
        shapes.append(own)
        return real(own)

    monkeypatch.setattr(printer, "set_pdf", noted)
    for seed in range(4):
        own = somebody(face, seed)
        name, number = "李白杜甫"[seed % 3 :][:2], own.number[:-1] + "M"
        printer.render_pdf(replace(face, number=number, id_masked=own.id_masked, holder_name=name))
    assert [shape.holder_name for shape in shapes] == ["一一"]
    assert not any(sign in shapes[0].number + shapes[0].id_masked for sign in "123456789BCDEFX")


def test_what_has_no_shape_or_no_glyph_is_set_by_typst(
    face: CertificateFace, photo: bytes, printer: CertificatePrinter, subtests: pytest.Subtests
) -> None:
    for own in (
        replace(face, holder_name="张𬭎"),
        replace(face, reprint="补打 第2次 2026-11-20"),
        replace(face, number="P-000115"),
        replace(face, photo=photo),
    ):
        with subtests.test(own.holder_name):
            pdf = printer.render_pdf(own)
            assert pdf == printer.set_pdf(own)
            assert own.holder_name in text_of_page(pdf)


def test_page_that_shows_another_text_is_not_filled_in(
    face: CertificateFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = CertificatePrinter()
    real = printer.set_pdf
    stands_in = shape_of(face)

    def with_another_name(own: CertificateFace) -> bytes:
        return real(replace(own, holder_name="一一") if own == stands_in else own)

    monkeypatch.setattr(printer, "set_pdf", with_another_name)
    assert printer.render_pdf(face) == real(face)


def test_wide_and_narrow_signs_move_nothing_else(face: CertificateFace, printer: CertificatePrinter) -> None:
    """Everything but the number stands where it stood, and the widest number keeps to its line."""

    def with_number(sign: str) -> bytes:
        return printer.render_pdf(replace(face, official_number=sign * 22))

    narrow, wide = (pypdfium2.PdfDocument(with_number(sign))[0].render(scale=1).to_pil() for sign in "IW")
    left, top, right, bottom = ImageChops.difference(narrow.convert("L"), wide.convert("L")).getbbox() or (0, 0, 0, 0)
    assert left > narrow.width / 3
    assert right < narrow.width - 30
    assert bottom - top < 14


def test_threads_may_fill_one_template(face: CertificateFace) -> None:
    printer = CertificatePrinter()
    own = [somebody(face, seed) for seed in range(8)] * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(printer.render_pdf, own)) == [printer.render_pdf(each) for each in own]


def test_file_of_another_form_is_refused(face: CertificateFace, printer: CertificatePrinter) -> None:
    whole = printer.set_pdf(face)
    person_face = PersonFace()
    for odd in (b"", whole[:-20], whole.replace(b"\nendobj", b"\nendobi", 1)):
        with pytest.raises(ValueError, match="another form"):
            template_of(odd, face.number, face.signed_at, person_face)
    for mark in (b"/Subtype/Image", b"/ID["):
        with pytest.raises(LookupError):
            template_of(whole.replace(mark, mark.swapcase()), face.number, face.signed_at, person_face)
