"""A home with a hardware module (SoftHSM2): institutions' keys are made and used inside, files keep what they had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pkcs11
import pytest
from log_files import certificate_leaves
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.exceptions import AttributeSensitive
from pkcs11.types import Session
from register_desk import Desk, institution_toml, people
from soft_token import SoftToken, make_token, soft_module

from certs.cose import take_apart
from certs.errors import KezhengError
from certs.unavailable import Unavailable
from keys.key_record import KeyRecord, KeyRole
from keys.keystore import Keystore, open_keystore
from keys.keystores import Keystores
from keys.passphrase import read_passphrase
from registry.delegation_changes import rotate_role
from registry.home import open_home
from registry.key_changes import rotate_key
from registry.settings import load_settings
from registry.store.certificate_store import CertificateRecord
from registry.verifying import evidence_of_home

ASSESSOR, BY = "P000115000001", "登记丙"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The library of SoftHSM2, which keeps the tokens of this module's tests in a folder of their own."""
    with soft_module(tmp_path_factory.mktemp("softhsm")) as library:
        yield library


@pytest.fixture
def token(softhsm: Path) -> SoftToken:
    return make_token(softhsm)


@pytest.fixture
def environ(token: SoftToken) -> dict[str, str]:
    """The environment of a command that works with the module."""
    return {
        "KEZHENG_HSM_MODULE": str(token.module),
        "KEZHENG_HSM_TOKEN": token.label,
        "KEZHENG_HSM_PIN": token.pin,
    }


@contextmanager
def desk_in(folder: Path, environ: Mapping[str, str]) -> Iterator[Desk]:
    with open_home(load_settings(folder, environ), environ) as home:
        yield Desk(home)


@pytest.fixture
def hsm_desk(home_folder: Path, environ: dict[str, str]) -> Iterator[Desk]:
    """The prepared home, whose keys were made in files, opened with a module that is empty."""
    with desk_in(home_folder, environ) as desk:
        yield desk


def keys_in_files(desk: Desk) -> list[KeyRecord]:
    """What the folder itself holds, asked without the module."""
    settings = desk.home.settings
    files = open_keystore(settings.keys_folder, read_passphrase(settings.home, {}))
    assert isinstance(files, Keystore)
    return files.records()


def listed_kids(desk: Desk, code: str) -> list[bytes]:
    trust = evidence_of_home(desk.home.settings).trust
    assert not isinstance(trust, Unavailable)
    return [key.kid for key in trust.institutions[code].keys]


def session_beside(token: SoftToken) -> Session:
    """A session beside the program's own, which has logged this process in already."""
    return pkcs11.lib(str(token.module)).get_token(token_label=token.label).open()


def private_keys(token: SoftToken) -> list[str]:
    """The labels of the private keys in the token."""
    with session_beside(token) as session:
        keys = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.KEY_TYPE: KeyType.EC_EDWARDS})
        return [str(key.label) for key in keys]


def kid_of(certificate: CertificateRecord) -> bytes:
    assert certificate.envelope is not None
    return take_apart(certificate.envelope).kid


def files_that_name(folder: Path, text: str) -> list[str]:
    """Files of the keys folder whose name or content has a text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if text in path.name or text.encode() in path.read_bytes()]


def test_from_an_institution_entered_to_certificates_that_verify(hsm_desk: Desk) -> None:
    code = hsm_desk.list_institution(institution_toml(21))
    certificates = hsm_desk.certify(people(1, 2, 3, 4), code)
    [kid] = listed_kids(hsm_desk, code)
    assert {kid_of(certificate) for certificate in certificates} == {kid}
    assert [kid for kid, _ in certificate_leaves(hsm_desk.home.settings.log_folder)] == [kid] * 4
    reports = hsm_desk.reports(certificate.number for certificate in certificates)
    assert [(report["verdict"], report["institution"]["code"]) for report in reports] == [("valid", code)] * 4


def test_a_verifier_needs_no_module(hsm_desk: Desk, home_folder: Path) -> None:
    code = hsm_desk.list_institution(institution_toml(21))
    [certificate] = hsm_desk.certify(people(1), code)
    with desk_in(home_folder, {}) as without:
        assert without.verdict(certificate.number) == "valid"


def test_the_folder_holds_no_private_key_of_the_institution(hsm_desk: Desk) -> None:
    before = keys_in_files(hsm_desk)
    code = hsm_desk.list_institution(institution_toml(21))
    hsm_desk.certify(people(1), code)
    [kid] = listed_kids(hsm_desk, code)
    assert keys_in_files(hsm_desk) == before
    assert kid not in {record.kid for record in before}
    folder = hsm_desk.home.settings.keys_folder
    assert files_that_name(folder, ASSESSOR) != []
    assert files_that_name(folder, code) == files_that_name(folder, kid.hex()) == []


def test_the_key_is_in_the_token_and_cannot_be_read_there(hsm_desk: Desk, token: SoftToken) -> None:
    assert isinstance(hsm_desk.home.keystore, Keystores)
    code = hsm_desk.list_institution(institution_toml(21))
    hsm_desk.certify(people(1), code)
    assert private_keys(token) == [f"institution-{code}"]
    with session_beside(token) as session:
        private = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=f"institution-{code}")
        assert (private[Attribute.SENSITIVE], private[Attribute.EXTRACTABLE]) == (True, False)
        with pytest.raises(AttributeSensitive):
            private[Attribute.VALUE]


def test_data_keys_stay_in_files(hsm_desk: Desk, token: SoftToken) -> None:
    """What seals personal data is the same with the module and without it."""
    before = hsm_desk.home.keyring.cipher.current_key_id
    code = hsm_desk.list_institution(institution_toml(21))
    batch = hsm_desk.bring(people(1), code)
    assert hsm_desk.home.keyring.cipher.current_key_id == before
    assert private_keys(token) == [f"institution-{code}"]
    with desk_in(hsm_desk.folder, {}) as without:
        assert without.approve(without.batch(batch.id)).approver is not None


# --- keys of before


def test_keys_that_were_made_in_files_still_sign(hsm_desk: Desk, token: SoftToken) -> None:
    [certificate] = hsm_desk.certify(people(1), ASSESSOR)
    assert [kid_of(certificate)] == listed_kids(hsm_desk, ASSESSOR)
    assert kid_of(certificate) in {record.kid for record in keys_in_files(hsm_desk)}
    assert hsm_desk.verdict(certificate.number) == "valid"
    assert private_keys(token) == []


def test_a_rotation_moves_an_institution_into_the_module(hsm_desk: Desk, token: SoftToken) -> None:
    [old] = hsm_desk.certify(people(1), ASSESSOR)
    hsm_desk.now += MINUTE
    change = rotate_key(hsm_desk.home, ASSESSOR, BY, hsm_desk.now)
    hsm_desk.now += MINUTE
    [new] = hsm_desk.certify(people(2), ASSESSOR)
    assert change.added is not None
    assert (kid_of(new), kid_of(old)) == (change.added.kid, change.retired[0].kid)
    assert private_keys(token) == [f"institution-{ASSESSOR}"]
    assert change.added.kid not in {record.kid for record in keys_in_files(hsm_desk)}
    assert [hsm_desk.verdict(each.number) for each in (old, new)] == ["valid", "valid"]


@pytest.mark.parametrize("role", [KeyRole.LIST, KeyRole.STATUS, KeyRole.LOG, KeyRole.RECEIPT])
def test_the_registers_own_keys_move_into_the_module_too(hsm_desk: Desk, token: SoftToken, role: KeyRole) -> None:
    [old] = hsm_desk.certify(people(1), ASSESSOR)
    hsm_desk.now += MINUTE
    rotate_role(hsm_desk.home, role, BY, hsm_desk.now)
    hsm_desk.now += MINUTE
    [new] = hsm_desk.certify(people(2), ASSESSOR)
    assert private_keys(token) == [f"{role.value}-registry"]
    assert [hsm_desk.verdict(each.number) for each in (old, new)] == ["valid", "valid"]


def test_a_batch_goes_on_with_the_module_where_it_stopped_without(home_folder: Path, environ: dict[str, str]) -> None:
    with desk_in(home_folder, {}) as without:
        batch = without.approve(without.bring(people(1, 2), ASSESSOR))
    with desk_in(home_folder, environ) as desk:
        certificates = desk.finish(desk.batch(batch.id))
        assert [desk.verdict(certificate.number) for certificate in certificates] == ["valid", "valid"]


# --- what goes wrong


def refused_entry(folder: Path, environ: Mapping[str, str]) -> KezhengError:
    """Why an institution is not entered; nothing of it is stored."""
    with desk_in(folder, environ) as desk:
        before, keys = desk.row_counts(), keys_in_files(desk)
        with pytest.raises(KezhengError) as refusal:
            desk.list_institution(institution_toml(21))
        assert (desk.row_counts(), keys_in_files(desk)) == (before, keys)
    return refusal.value


def test_a_wrong_pin(home_folder: Path, environ: dict[str, str], token: SoftToken) -> None:
    assert refused_entry(home_folder, environ | {"KEZHENG_HSM_PIN": "000000"}).code == "hsm_pin_wrong"
    with desk_in(home_folder, environ) as desk:
        assert desk.list_institution(institution_toml(21))
    assert len(private_keys(token)) == 1


def test_a_token_that_is_not_there(home_folder: Path, environ: dict[str, str]) -> None:
    error = refused_entry(home_folder, environ | {"KEZHENG_HSM_TOKEN": "nobody's"})
    assert (error.code, error.params) == ("hsm_unavailable", {"detail": "NoSuchToken"})
    del environ["KEZHENG_HSM_TOKEN"]
    assert load_settings(home_folder, environ).hsm_token == "kezheng"
    assert refused_entry(home_folder, environ).code == "hsm_unavailable"


def test_a_module_that_is_not_there(home_folder: Path, environ: dict[str, str], tmp_path: Path) -> None:
    for module in (tmp_path / "none.so", tmp_path):
        assert refused_entry(home_folder, environ | {"KEZHENG_HSM_MODULE": str(module)}).code == "hsm_unavailable"


def test_no_pin_at_all(home_folder: Path, environ: dict[str, str]) -> None:
    del environ["KEZHENG_HSM_PIN"]
    error = refused_entry(home_folder, environ)
    assert error.code == "hsm_pin_missing"
    assert error.params == {"variable": "KEZHENG_HSM_PIN", "path": str(home_folder / "keys" / "hsm-pin")}


def test_a_pin_in_a_private_file(home_folder: Path, environ: dict[str, str]) -> None:
    file = home_folder / "keys" / "hsm-pin"
    file.write_text(environ.pop("KEZHENG_HSM_PIN") + "\n", "ascii")
    file.chmod(0o644)
    assert refused_entry(home_folder, environ).code == "keystore_permissions"
    file.chmod(0o600)
    with desk_in(home_folder, environ) as desk:
        [certificate] = desk.certify(people(1), desk.list_institution(institution_toml(21)))
        assert desk.verdict(certificate.number) == "valid"


def test_without_the_module_nothing_is_signed_and_no_other_key_is_made(hsm_desk: Desk) -> None:
    code = hsm_desk.list_institution(institution_toml(21))
    batch = hsm_desk.approve(hsm_desk.bring(people(1), code))
    with desk_in(hsm_desk.folder, {}) as without:
        before = keys_in_files(without)
        with pytest.raises(KezhengError, match=r"^(key_not_found|no_key_in_use)"):
            without.finish(without.batch(batch.id))
        assert keys_in_files(without) == before
    [certificate] = hsm_desk.finish(hsm_desk.batch(batch.id))
    assert hsm_desk.verdict(certificate.number) == "valid"


def test_the_settings_file_may_name_the_module_but_never_holds_the_pin(
    home_folder: Path, environ: dict[str, str]
) -> None:
    lines = {"hsm_module": environ["KEZHENG_HSM_MODULE"], "hsm_token": environ["KEZHENG_HSM_TOKEN"]}
    text = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
    (home_folder / "kezheng.toml").write_text(text + f'hsm_pin = "{environ["KEZHENG_HSM_PIN"]}"\n', "utf-8")
    assert refused_entry(home_folder, {}).code == "hsm_pin_missing"
    with desk_in(home_folder, {"KEZHENG_HSM_PIN": environ["KEZHENG_HSM_PIN"]}) as desk:
        assert desk.list_institution(institution_toml(21))
    assert environ["KEZHENG_HSM_PIN"] not in repr(load_settings(home_folder, environ))
