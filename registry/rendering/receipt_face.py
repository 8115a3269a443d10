"""What a receipt of a verification says on paper: every word and value decided, before any layout.

All of it comes from the report, hence from what was signed by institutions and published by the register, and from
fixed words: nothing that a stranger typed or named is ever set here, since the registry signs the page. The last
characters of an ID number stay away as well: they are for whoever holds the certificate's own code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from certs.grades import CertificateKind, Grade
from certs.timestamps import SHANGHAI, parse_instant
from certs.wording import words
from registry.rendering.certificate_face import DEMO, GRADE_EN, NO_DIRECTION, NO_EXPIRY

TITLE_ZH, TITLE_EN = "查验凭证", "Verification receipt"
ATTACHMENT_NAME = "receipt.json"
ATTACHMENT_NOTE = "查验凭证数据 Receipt data (JSON)"
_CERTIFICATE_EN = {
    CertificateKind.ASSESSMENT: "Certificate of Professional and Technical Grade",
    CertificateKind.TRAINING: "Certificate of Completed Training",
}
_NOT_A_CERTIFICATE = (
    "本凭证记录上述时刻的查验结果，以后证书状态可能变化。本凭证不是证书，也不证明持证人身份。",
    "This receipt records the answer at the time above; a certificate's status may change later. "
    "It is no certificate and does not prove who the bearer is.",
)
_ON_PAPER_ALONE = (
    "打印件不能查验签名，请保存电子文件。",
    "A print cannot be checked: keep the file.",
)


class ReceiptIssue(NamedTuple):
    """What the moment of issuing adds to the report. ``envelope_digest`` is 32 bytes, None where nothing was read."""

    registry_name: str
    public_url: str
    root_fingerprint: str
    """SHA-256 of the root key in groups."""
    envelope_digest: bytes | None
    counter_signed: bool = True
    """False for a mirror, which cannot sign and says so."""
    environment: str = "production"


class ReceiptLine(NamedTuple):
    """One labelled value."""

    label_zh: str
    label_en: str
    value: str
    value_en: str = ""


class ReceiptCheck(NamedTuple):
    """One check of the verification: its name, ``passed``, ``failed`` or ``indeterminate`` in words, and why."""

    outcome: str
    name_zh: str
    name_en: str
    outcome_zh: str
    outcome_en: str
    said_zh: str
    said_en: str


class ReceiptFace(NamedTuple):
    """All that the page shows. Pairs are Chinese and English."""

    tone: str
    """``ok``, ``notice``, ``stop`` or ``unknown``: colour and sign beside the headline, never the only difference."""
    headline: tuple[str, str]
    summary: tuple[str, str]
    check_id: str
    checked_at: datetime
    facts: tuple[ReceiptLine, ...]
    """Empty when the signature did not pass: then nothing of the certificate may be shown."""
    checks: tuple[ReceiptCheck, ...]
    notices: tuple[tuple[str, str], ...]
    issue: ReceiptIssue


def receipt_face(report: Mapping[str, Any], issue: ReceiptIssue) -> ReceiptFace:
    """The face of a report in the shape of `certs.report.report_json`."""
    return ReceiptFace(
        tone=report["tone"],
        headline=_pair(report["headline"]),
        summary=_pair(report["summary"]),
        check_id=report["check_id"],
        checked_at=parse_instant(report["checked_at"]),
        facts=_facts(report) if report["certificate"] is not None else (),
        checks=tuple(_check(check) for check in report["checks"]),
        notices=tuple(_pair(notice) for notice in report["notices"]),
        issue=issue,
    )


def moment_text(at: datetime) -> str:
    """``2026-11-20 14:02:33``, Beijing time."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def foot_lines(face: ReceiptFace) -> list[tuple[str, str]]:
    """How to check again, what the paper is not, and who stands for it."""
    host = face.issue.public_url.split("://", 1)[1]
    now = (
        f"查证书现在的状态：扫描证书上的二维码，或在 {host} 按编号和姓名查验。",
        f"To learn the status now: scan the code on the certificate, or enter number and name at {host}.",
    )
    again = (
        f"查本凭证：kezheng verify 文件名。所需数据都在附件 {ATTACHMENT_NAME} 中，只需另有可信的根密钥。",
        f"To check this receipt: kezheng verify FILE. All it takes is in {ATTACHMENT_NAME}, but a trusted root key.",
    )
    return [now, again, _NOT_A_CERTIFICATE, _ON_PAPER_ALONE]


def signature_lines(face: ReceiptFace) -> tuple[str, str]:
    """Who signed the file, or that nobody did."""
    if not face.issue.counter_signed:
        return "未经登记机构签名，内容由附件自证", "Not signed by the registry; the attached data stand for themselves"
    return (
        f"电子签名：{face.issue.registry_name}（登记机构重新查验后签名）",
        "Electronic signature of the registry, made after its own verification",
    )


def technical_lines(face: ReceiptFace) -> list[str]:
    """What is compared by machines or read aloud."""
    lines = [f"根密钥指纹 Root key SHA-256　{face.issue.root_fingerprint}"]
    if face.issue.envelope_digest is not None:
        lines.append(f"证书摘要 Certificate SHA-256　{_grouped(face.issue.envelope_digest.hex())}")
    return lines


def demo_words(face: ReceiptFace) -> dict[str, str] | None:
    """The marks of a sample, or nothing."""
    if face.issue.environment != DEMO:
        return None
    return {"mark": "演示数据", "note": "演示数据，没有效力，不得使用　SAMPLE, NOT A RECEIPT"}


def _facts(report: Mapping[str, Any]) -> tuple[ReceiptLine, ...]:
    certificate, institution = report["certificate"], report["institution"]
    kind, grade = CertificateKind(certificate["kind"]), Grade(certificate["grade"])
    occupation = certificate["occupation"]
    lines = [
        ReceiptLine("证书", "Certificate", certificate["title_zh"], _CERTIFICATE_EN[kind]),
        ReceiptLine("证书编号", "Certificate No.", certificate["number"]),
        ReceiptLine(
            "职业 · 等级",
            "Occupation, grade",
            f"{occupation['name_zh']} · {grade.zh}",
            " · ".join(filter(None, (occupation["name_en"], GRADE_EN[grade]))),
        ),
        ReceiptLine("职业方向", "Direction", certificate["direction"] or NO_DIRECTION),
        *_optional("持证人", "Holder", certificate["name"]),
        ReceiptLine("考核日期", "Assessed on", certificate["assessed_on"]),
        ReceiptLine("发证机构", "Issued by", institution["name_at_issue"], _present_name(institution)),
        ReceiptLine("发证日期", "Issued on", certificate["issued_at"][:10]),
        ReceiptLine("机构编码", "Institution code", institution["code"]),
        _validity(certificate["valid_until"]),
        *_optional("国家证书编号", "National No.", certificate["official_number"]),
    ]
    return (*lines, *_status(report["status"]))


def _validity(until: str | None) -> ReceiptLine:
    if until is None:
        return ReceiptLine("有效期", "Validity", NO_EXPIRY, "No expiry date")
    return ReceiptLine("有效期至", "Valid until", until)


def _optional(label_zh: str, label_en: str, value: str | None) -> list[ReceiptLine]:
    return [ReceiptLine(label_zh, label_en, value)] if value else []


def _present_name(institution: Mapping[str, Any]) -> str:
    renamed = institution["name"] != institution["name_at_issue"]
    return f"现名 present name: {institution['name']}" if renamed else ""


def _status(status: Mapping[str, Any] | None) -> Sequence[ReceiptLine]:
    if status is None:
        return ()
    said = words("status", status["state"])
    since = "" if status["since"] is None else f"（{status['since'][:10]}）"
    lines = [ReceiptLine("当时状态", "Status then", said.zh + since, said.en)]
    if status["reason_code"] is not None:
        lines.append(ReceiptLine("原因", "Reason", status["reason_zh"], status["reason_en"]))
    return lines + _optional("新证书编号", "Replaced by", status["superseded_by"])


def _check(check: Mapping[str, str]) -> ReceiptCheck:
    name, outcome = words("check", check["name"]), words("outcome", check["outcome"])
    return ReceiptCheck(check["outcome"], name.zh, name.en, outcome.zh, outcome.en, check["zh"], check["en"])


def _pair(said: Mapping[str, str]) -> tuple[str, str]:
    return said["zh"], said["en"]


def _grouped(digest: str) -> str:
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))
