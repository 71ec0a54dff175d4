"""shared/privacy: what is sealed opens only where it was sealed, and numbers are found however they were typed."""

import json
import re
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadInput, ConfigurationError
from shared.privacy import mask
from shared.privacy.code import ALPHABET, query_code, read_code
from shared.privacy.index import blind_index, digest, hmac_sm3
from shared.privacy.keys import Keyring, Wrapped, ensure, keyring_path
from shared.privacy.seal import Tampered, new_data_key, seal, seal_all, unseal, unseal_all
from shared.settings import Settings

KEYRING = Keyring({"1": b"m" * 16}, "1", b"i" * 32, b"c" * 32, b"t" * 32, b"d" * 32)
OTHER = Keyring({"1": b"M" * 16}, "1", b"I" * 32, b"C" * 32, b"T" * 32, b"D" * 32)
CASE = UUID("6f1c2f0e-5c52-4f4e-9a5e-0d6a3c3c9b11")


def sm3(content: bytes) -> bytes:
    hasher = Hash(SM3())
    hasher.update(content)
    return hasher.finalize()


@given(st.text(), st.text())
def test_what_is_sealed_opens_again(field: str, text: str) -> None:
    field, text = (value.encode(errors="replace").decode() for value in (field, text))
    key = new_data_key()
    sealed = seal(key, CASE, field, text)
    assert re.fullmatch(r"sm4gcm:[A-Za-z0-9_-]+", sealed)
    assert unseal(key, CASE, field, sealed) == text


@given(st.text(st.characters(codec="ascii"), max_size=8), st.text(st.characters(codec="ascii"), max_size=8))
def test_a_value_moved_to_another_case_or_field_does_not_open(case: str, field: str) -> None:
    key = new_data_key()
    sealed = seal(key, "a:b", "c", "张三")
    if (case, field) == ("a:b", "c"):
        return
    with pytest.raises(Tampered):
        unseal(key, case, field, sealed)


def test_case_and_field_cannot_be_shifted_into_one_another() -> None:
    key = new_data_key()
    with pytest.raises(Tampered):
        unseal(key, "a", "b:c", seal(key, "a:b", "c", "张三"))


@given(st.data())
def test_a_single_changed_character_is_noticed(data: st.DataObject) -> None:
    key = new_data_key()
    sealed = seal(key, CASE, "name", "张三")
    at = data.draw(st.integers(0, len(sealed) - 1))
    char = data.draw(st.characters(codec="ascii").filter(lambda c: c != sealed[at]))
    with pytest.raises(Tampered):
        unseal(key, CASE, "name", sealed[:at] + char + sealed[at + 1 :])


@pytest.mark.parametrize("sealed", ["", "张三", "sm4gcm:", "sm4gcm:AAAA", "sm4gcm:=", "sm4gcm:张三"])
def test_what_was_never_sealed_is_bad_input(sealed: str) -> None:
    with pytest.raises(BadInput):
        unseal(new_data_key(), CASE, "name", sealed)


def test_without_its_data_key_a_value_is_gone() -> None:
    sealed = seal(new_data_key(), CASE, "name", "张三")
    with pytest.raises(Tampered):
        unseal(new_data_key(), CASE, "name", sealed)


def test_sealing_twice_gives_two_values_and_several_fields_go_at_once() -> None:
    key, fields = new_data_key(), {"name": "张三", "phone": "19900001234"}
    assert seal(key, CASE, "name", "张三") != seal(key, CASE, "name", "张三")
    sealed = seal_all(key, CASE, fields)
    assert unseal_all(key, CASE, sealed) == fields
    with pytest.raises(Tampered):
        unseal(key, CASE, "name", sealed["phone"])


def test_a_key_file_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = keyring_path(Settings(home=tmp_path / "home"))
    ensure(path)
    first = path.read_text()
    ensure(path)
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in path.parent.iterdir()] == ["keys.json"]
    assert Keyring.load(path).current == "1"


def test_keys_may_lie_elsewhere() -> None:
    assert keyring_path(Settings(home=Path("h"), keys=Path("/run/keys.json"))) == Path("/run/keys.json")


def test_a_data_key_wrapped_by_an_older_master_key_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ensure(path)
    old = Keyring.load(path).wrap(b"k" * 16)
    content = json.loads(path.read_text())
    content["master"]["2"] = "ab" * 16
    content["current"] = "2"
    path.write_text(json.dumps(content))
    rotated = Keyring.load(path)
    assert rotated.unwrap(old) == b"k" * 16
    assert rotated.wrap(b"k" * 16).version == "2"
    with pytest.raises(Tampered):
        rotated.unwrap(Wrapped("2", old.key))
    with pytest.raises(ConfigurationError, match="no master key 3"):
        rotated.unwrap(Wrapped("3", old.key))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"master": {"1": "00"}, "current": "1"}', '{"master": 1, "current": "1"}', "\ud800"]
)
def test_a_broken_key_file_is_refused_with_the_mend(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(text.encode(errors="surrogatepass"))
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"restore|mend"):
        Keyring.load(path)


def test_a_missing_or_open_key_file_is_refused_with_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(ConfigurationError, match="suda up"):
        Keyring.load(path)
    ensure(path)
    path.chmod(0o604)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Keyring.load(path)


def test_a_keyring_never_shows_its_keys() -> None:
    assert repr(KEYRING) == "Keyring(current='1')"


@pytest.mark.parametrize(
    "typed",
    [
        "+86 138-1234-5678",
        "008613812345678",
        "86 13812345678",
        "013812345678",
        "１３８１２３４５６７８",
        " 138 1234 5678 ",
        "(+86)13812345678",
    ],
)
def test_one_phone_number_has_one_index_however_typed(typed: str) -> None:
    assert blind_index(KEYRING, "phone", typed) == blind_index(KEYRING, "phone", "13812345678")


def test_a_landline_is_found_with_and_without_the_country_code() -> None:
    assert blind_index(KEYRING, "phone", "+86 871 6512 3456") == blind_index(KEYRING, "phone", "0871-65123456")


@pytest.mark.parametrize(
    "typed", ["53010219900101123x", " 530102 19900101 123X", "５３０１０２１９９００１０１１２３Ｘ"]
)
def test_one_identity_number_has_one_index_however_typed(typed: str) -> None:
    assert blind_index(KEYRING, "id_number", typed) == blind_index(KEYRING, "id_number", "53010219900101123X")


@given(st.from_regex(r"[0-9]{7,18}", fullmatch=True))
def test_a_number_as_phone_and_as_identity_has_two_indexes_and_another_key_a_third(number: str) -> None:
    found = {blind_index(KEYRING, "phone", number), blind_index(KEYRING, "id_number", number)}
    found.add(blind_index(OTHER, "phone", number))
    assert len(found) == 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", index) for index in found)


@pytest.mark.parametrize("typed", ["", "  ", "不详"])
def test_what_holds_no_number_has_no_index(typed: str) -> None:
    with pytest.raises(BadInput):
        blind_index(KEYRING, "phone", typed)


def test_a_digest_is_keyed_and_hmac_sm3_is_the_standard_one() -> None:
    assert digest(KEYRING, b"x") != digest(OTHER, b"x") != digest(OTHER, b"y")
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905, A.1
    key, block = b"k" * 32, b"k" * 32 + bytes(32)
    inner = sm3(bytes(byte ^ 0x36 for byte in block) + b"message")
    assert hmac_sm3(key, b"message") == sm3(bytes(byte ^ 0x5C for byte in block) + inner)


@given(st.uuids())
def test_a_query_code_leads_back_to_its_complaint(complaint_id: UUID) -> None:
    code = query_code(KEYRING, complaint_id)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{5}-){6}[0-9A-HJKMNP-TV-Z]{5}", code)
    assert query_code(KEYRING, complaint_id) == code
    assert read_code(KEYRING, code) == complaint_id
    assert read_code(OTHER, code) is None


@given(st.uuids())
def test_a_query_code_is_read_as_people_type_it(complaint_id: UUID) -> None:
    code = query_code(KEYRING, complaint_id)
    typed = f" {code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')}\n"
    assert read_code(KEYRING, typed) == read_code(KEYRING, typed.upper()) == complaint_id
    assert read_code(KEYRING, code.replace("-", "").replace("1", "i")) == complaint_id


def test_every_corruption_of_one_character_is_rejected() -> None:
    code = query_code(KEYRING, uuid4())
    for at, char in enumerate(code):
        for other in ALPHABET + "U*中":
            if char != "-" and other != char:
                assert read_code(KEYRING, code[:at] + other + code[at + 1 :]) is None


@pytest.mark.parametrize("code", ["", "-", "Z" * 35, "0" * 35, "0" * 34, "０" * 35, "中" * 35])
def test_what_is_no_code_is_none(code: str) -> None:
    assert read_code(KEYRING, code) is None


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        (mask.name("张小明"), "张**"),
        (mask.name("李四"), "李*"),
        (mask.name("欧阳明"), "欧**"),
        (mask.name("王"), "*"),
        (mask.name(" "), ""),
        (mask.phone("13812345678"), "138****5678"),
        (mask.phone("0871-65123456"), "087****3456"),
        (mask.phone("12345"), "***"),
        (mask.phone(""), ""),
        (mask.identity("530102199001011234"), "530*************34"),
        (mask.identity("G123"), "***"),
        (mask.address("云南省昆明市五华区翠湖南路1号"), "云南省昆明市五华区***"),
        (mask.address("枣庄市市中区文化路2号"), "枣庄市市中区***"),
        (mask.address("云南省大理白族自治州大理市人民路3号"), "云南省大理白族自治州大理市***"),
        (mask.address("西宁市城东区某小区4栋"), "西宁市城东区***"),
        (mask.address("幸福小区3栋2单元"), "***"),
        (mask.address("五华区市场路9号"), "五华区***"),
        (mask.address(""), ""),
        (mask.free_text("电话１９９００００１２３４或0871-65123456"), "电话199****1234或087****3456"),
        (mask.free_text("身份证53010219900101123X，2026-09-18办理"), "身份证530*************3X，2026-09-18办理"),
        (mask.free_text("编号20260918，第12号窗口"), "编号20260918，第12号窗口"),
    ],
)
def test_masks(shown: str, hidden: str) -> None:
    assert shown == hidden
