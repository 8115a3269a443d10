"""Certificates to print: an ordinary one of each kind, and one in which everything is as long as it may be."""

import random
from base64 import b32encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import pytest
from PIL import Image

from certs.grades import CertificateKind, Grade
from registry.rendering.certificate_face import CertificateFace, reprint_remark
from registry.rendering.certificate_pdf import CertificatePrinter

PREFIX = "HTTPS://VERIFY.EXAMPLE.CN/V/"


@pytest.fixture(scope="session")
def text_of() -> Callable[[bytes], str]:
    return lambda envelope: PREFIX + b32encode(envelope).decode().rstrip("=")


@pytest.fixture(scope="session")
def printer() -> CertificatePrinter:
    return CertificatePrinter()


@pytest.fixture
def photo() -> bytes:
    picture = BytesIO()
    Image.linear_gradient("L").resize((295, 413)).save(picture, "JPEG", quality=80)
    return picture.getvalue()


@pytest.fixture
def face(text_of: Callable[[bytes], str]) -> CertificateFace:
    envelope = random.Random(1).randbytes(166)
    return CertificateFace(
        kind=CertificateKind.ASSESSMENT,
        number="P000115000001242000123M",
        number_groups=("P0001", "15", "000001", "24", "2", "000123", "M"),
        holder_name="张小明",
        id_type_zh="居民身份证",
        id_masked="1501**********1234",
        occupation_zh="智能制造工程技术人员",
        occupation_en="Intelligent Manufacturing Engineering Technician",
        occupation_code="2-02-38-05",
        direction="智能装备与产线应用",
        grade=Grade.INTERMEDIATE,
        assessed_on=date(2024, 5, 18),
        issued_on=date(2024, 5, 20),
        signed_at=datetime(2024, 5, 20, 2, 11, 33, tzinfo=UTC),
        institution_name="北疆数字技术评价中心",
        institution_code="P000115000001",
        site="主考点",
        qr_text=text_of(envelope),
        envelope=envelope,
        public_domain="verify.example.cn",
    )


@pytest.fixture
def training(face: CertificateFace) -> CertificateFace:
    return replace(
        face,
        kind=CertificateKind.TRAINING,
        number="T000115000001242000123M",
        number_groups=("T0001", "15", "000001", "24", "2", "000123", "M"),
        institution_name="北疆数字技能培训学院",
        institution_code="T000115000001",
        hours=80,
    )


@pytest.fixture
def longest(face: CertificateFace, photo: bytes) -> CertificateFace:
    return replace(
        face,
        holder_name="阿卜杜热合曼·买买提艾力·吐尔逊江·阿布都克里木汗",
        id_type_zh="台湾居民来往大陆通行证",
        occupation_zh="增材制造工程技术人员",
        occupation_en="Additive Manufacturing Engineering and Technical Personnel (Large Industrial Systems)",
        direction="工业互联网边缘计算与异构网络集成部署应用",
        institution_name="北疆自治区数字技术工程专业人才等级评价服务中心",
        site="呼和浩特市第二数字技术公共实训基地联合考核站点（赛罕区分站）",
        valid_until=date(2029, 5, 20),
        first_issued_on=date(2024, 5, 20),
        original_number="P000115000001242000001K",
        official_number="S000015000001243000001",
        reprint=reprint_remark(2, date(2026, 11, 20)),
        photo=photo,
        root_fingerprint=" ".join(["3f2a 9c01"] * 8),
        environment="demo",
    )
