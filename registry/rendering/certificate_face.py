"""What a certificate says on paper: every word and value decided, before any layout.

The words are the form of the document itself (field order and rules as the register's own style has them); they
follow the glossary and never claim to be a title, a licence or a ministry's certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from certs.grades import CertificateKind, Grade
from certs.timestamps import SHANGHAI, format_zh_day

NO_DIRECTION = "--"
NO_EXPIRY = "未设有效期"
DEMO = "demo"

GRADE_EN = {Grade.JUNIOR: "Junior", Grade.INTERMEDIATE: "Intermediate", Grade.SENIOR: "Senior"}
_TITLE_EN = {
    CertificateKind.ASSESSMENT: "Certificate of Professional and Technical Grade",
    CertificateKind.TRAINING: "Certificate of Completed Training",
}
_NOT_A_TITLE = {
    CertificateKind.ASSESSMENT: "本证书为专业技术等级证书，不是职称证书；对应职称以申报地规定为准。",
    CertificateKind.TRAINING: "本证书为培训合格证书，不是专业技术等级证书，也不是职称证书；培训补贴以申领地规定为准。",
}
BAND = {
    CertificateKind.ASSESSMENT: "专业技术等级　PROFESSIONAL AND TECHNICAL GRADE",
    CertificateKind.TRAINING: "培训合格　COMPLETED TRAINING",
}
SIGNATURE_EN = "Electronic signature of the institution, Beijing time"
ATTACHMENT_NAME = "certificate.cose"
ATTACHMENT_NOTE = "签名证书原件 Signed certificate (COSE)"
_OWN_STYLE = "本样式和编号为本登记系统自有，非人力资源社会保障部统一样式。"
_BEARER_COPY = "二维码含持证人信息，请勿公开张贴或在网上传播。"


@dataclass(frozen=True, slots=True)
class CertificateFace:
    """All that the paper shows. Texts are NFC and checked before; nothing here is looked up or computed later."""

    kind: CertificateKind
    number: str
    number_groups: tuple[str, ...]
    """The number in its groups: ``P0001 15 000001 24 2 000123 M``."""
    holder_name: str
    id_type_zh: str
    id_masked: str
    """``4501**********1234``; the full number never comes here."""
    occupation_zh: str
    occupation_en: str
    """Empty where the catalogue has none."""
    occupation_code: str
    direction: str | None
    grade: Grade
    assessed_on: date
    issued_on: date
    signed_at: datetime
    institution_name: str
    institution_code: str
    site: str
    qr_text: str
    envelope: bytes
    """The signed certificate itself, attached to the PDF."""
    public_domain: str
    """Where to look, in words: ``verify.example.cn``."""
    valid_until: date | None = None
    first_issued_on: date | None = None
    original_number: str | None = None
    official_number: str | None = None
    hours: int | None = None
    reprint: str | None = None
    """``补打 第2次 2026-11-20``, from `reprint_remark`."""
    photo: bytes | None = None
    """JPEG or PNG; without one there is no box."""
    root_fingerprint: str | None = None
    """SHA-256 of the root key in groups, for comparing with what a verifier shows."""
    environment: str = "production"

    @property
    def is_demo(self) -> bool:
        """A sample without effect; the page says so across its whole surface."""
        return self.environment == DEMO


@dataclass(frozen=True, slots=True)
class FaceField:
    """One labelled value, in the order of the page."""

    label_zh: str
    label_en: str
    value: str
    value_en: str = ""
    personal: bool = False
    """Differs from one certificate of a batch to the next."""


def reprint_remark(count: int, day: date) -> str:
    """The remark on the second and later prints of the same certificate."""
    return f"补打 第{count}次 {day.isoformat()}"


def title(face: CertificateFace) -> tuple[str, str]:
    """The title in Chinese and English."""
    return face.kind.title_zh, _TITLE_EN[face.kind]


def sentence_zh(face: CertificateFace) -> str:
    """What is certified: one sentence that begins with the holder's name, which is set before it."""
    what = f"　参加{face.occupation_zh}{_direction_clause(face)}{face.grade.zh}"
    if face.kind is CertificateKind.ASSESSMENT:
        return f"{what}专业技术等级考核，成绩合格，特发此证。"
    hours = f" {face.hours} 学时和" if face.hours else ""
    return f"{what}培训，完成规定的{hours}内容，结业考核合格，特发此证。"


def sentence_en(face: CertificateFace) -> str:
    """The same in English, without the direction, which has no English name."""
    occupation = f" for the occupation {face.occupation_en}" if face.occupation_en else ""
    grade = GRADE_EN[face.grade].lower()
    if face.kind is CertificateKind.ASSESSMENT:
        return f"The holder has passed the {grade}-grade assessment{occupation}."
    hours = f", {face.hours} class hours," if face.hours else ""
    return f"The holder has completed {grade}-grade training{occupation}{hours} and passed its final examination."


def holder_field(face: CertificateFace) -> FaceField:
    """The name, set apart above the sentence."""
    return FaceField("姓名", "Name", face.holder_name)


def field_rows(face: CertificateFace) -> list[tuple[FaceField, FaceField]]:
    """The table of the page, two fields a row, in one order for both kinds.

    First issue and first number stand only on a corrected certificate.
    """
    rows = [
        (
            FaceField("证件类型", "ID type", face.id_type_zh),
            FaceField("证件号码", "ID number", face.id_masked, personal=True),
        ),
        (
            FaceField("职业名称", "Occupation", face.occupation_zh, face.occupation_en),
            FaceField("职业编码", "Occupation code", face.occupation_code),
        ),
        (FaceField("职业方向", "Direction", face.direction or NO_DIRECTION), _grade_field(face)),
        (_day_field("考核日期", "Assessed on", face.assessed_on), _day_field("发证日期", "Issued on", face.issued_on)),
    ]
    if face.original_number and face.first_issued_on:
        first_issued = _day_field("首次发证日期", "First issued on", face.first_issued_on)
        rows.append((FaceField("原证书编号", "Replaces No.", face.original_number, personal=True), first_issued))
    rows.append((FaceField("考核站点", "Assessment site", face.site), _validity_field(face)))
    rows.append((_issuer_field(face), FaceField("机构编码", "Institution code", face.institution_code)))
    return rows


def number_fields(face: CertificateFace) -> list[FaceField]:
    """The register's number in groups; the ministry's only where one was given."""
    fields = [FaceField("证书编号", "Certificate No.", " ".join(face.number_groups), personal=True)]
    if face.official_number:
        fields.append(FaceField("国家证书编号", "National No.", face.official_number, personal=True))
    return fields


def signature_line(face: CertificateFace) -> tuple[str, str]:
    """The appearance of the electronic signature, and its Beijing time after it; no drawn seal."""
    return f"电子签名：{face.institution_name}　", face.signed_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def foot_lines(face: CertificateFace) -> list[str]:
    """What the paper is not, and how to treat its code."""
    return [_NOT_A_TITLE[face.kind], _OWN_STYLE + _BEARER_COPY]


def check_lines(face: CertificateFace) -> tuple[str, str]:
    """Below the code: what to do with it, and where to look without it."""
    return "扫码查验，以查验结果为准", face.public_domain


def fingerprint_line(face: CertificateFace) -> str | None:
    """The root key's fingerprint, for whoever compares it with what a verifier shows."""
    return f"根密钥指纹 Root key SHA-256　{face.root_fingerprint}" if face.root_fingerprint else None


def demo_words(face: CertificateFace) -> dict[str, str] | None:
    """The marks of a sample, or nothing."""
    if not face.is_demo:
        return None
    return {"mark": "演示样张", "note": "演示样张，没有效力，不得使用　SAMPLE, NOT A CERTIFICATE"}


def _grade_field(face: CertificateFace) -> FaceField:
    labels = ("等级", "Grade") if face.kind is CertificateKind.ASSESSMENT else ("培训等级", "Training grade")
    return FaceField(*labels, face.grade.zh, GRADE_EN[face.grade])


def _issuer_field(face: CertificateFace) -> FaceField:
    if face.kind is CertificateKind.ASSESSMENT:
        return FaceField("评价机构", "Assessed by", face.institution_name)
    return FaceField("培训机构", "Trained by", face.institution_name)


def _validity_field(face: CertificateFace) -> FaceField:
    if face.valid_until:
        return _day_field("有效期至", "Valid until", face.valid_until)
    return FaceField("有效期", "Validity", NO_EXPIRY, "No expiry date")


def _day_field(label_zh: str, label_en: str, day: date) -> FaceField:
    return FaceField(label_zh, label_en, format_zh_day(day), personal=True)


def _direction_clause(face: CertificateFace) -> str:
    return f"（{face.direction}方向）" if face.direction else ""
