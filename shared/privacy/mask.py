"""What is shown of a person to those who need not know them. Pure; every mask of an empty text is empty."""

import re

HIDDEN = "***"

# A street or a housing estate (小区, 园区, 社区) must not pass for a district.
_DISTRICT = re.compile(
    r"^(?:[^\d\s省市区县]{1,8}(?:省|自治区))?"
    r"(?:[^\d\s省市州区县旗路街镇乡村]{1,10}(?:市|自治州|州|盟|地区))?"
    r"(?:市?[^\d\s省市州区县旗路街镇乡村]{1,12}(?:(?<![小园社校厂片老新])区|县|旗|市))?"
)
_HALF_WIDTH = str.maketrans("０１２３４５６７８９＋－Ｘｘ", "0123456789+-Xx")
_ID = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15})(?![0-9A-Za-z])")
_CARD = re.compile(r"(?<!\d)\d{16,19}(?!\d)")
_PHONE = re.compile(
    r"(?<!\d)(?:(?:\+|00)?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}(?!\d)|(?<!\d)0\d{2,3}[-\s]?\d{7,8}(?!\d)"
)


def name(text: str) -> str:
    """张小明 → 张**; a name of one character is hidden whole; at most three stars, so length tells little."""
    text = text.strip()
    return text and (text[0] + "*" * min(len(text) - 1, 3) if len(text) > 1 else "*")


def phone(text: str) -> str:
    """13812345678 → 138****5678; shorter numbers keep two digits at each end, very short ones nothing."""
    digits = "".join(char for char in text if char.isdigit())
    if len(digits) >= 11:
        return digits[:3] + "****" + digits[-4:]
    if len(digits) >= 7:
        return digits[:2] + "****" + digits[-2:]
    return HIDDEN if text.strip() else ""


def identity(text: str) -> str:
    """530102199001011234 → 530*************34; under eight characters nothing is kept."""
    text = text.strip()
    if len(text) < 8:
        return HIDDEN if text else ""
    return text[:3] + "*" * (len(text) - 5) + text[-2:]


def address(text: str) -> str:
    """云南省昆明市五华区翠湖南路1号 → 云南省昆明市五华区***; *** alone where no district is recognised."""
    text = text.strip()
    if not text:
        return ""
    found = _DISTRICT.match(text)
    return (found.group() if found else "") + HIDDEN


def free_text(text: str) -> str:
    """The text with phone, identity and card numbers masked; names in it are not found: show it to insiders only."""
    text = text.translate(_HALF_WIDTH)
    text = _ID.sub(lambda found: identity(found.group()), text)
    text = _CARD.sub(lambda found: identity(found.group()), text)
    return _PHONE.sub(lambda found: phone(found.group()), text)
