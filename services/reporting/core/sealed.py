"""Sealed fields of one case, opened as far as its key allows. Decrypts; asks nothing of anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.privacy import mask
from shared.privacy.seal import Tampered, unseal

ERASED = "erased"
UNREADABLE = "unreadable"
_MASKS = {
    "complainant_name": mask.name,
    "complainant_phone": mask.phone,
    "complainant_id_number": mask.identity,
    "complainant_address": mask.address,
}
TEXTS = ("title", "content", "demand")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A case's sealed fields and its data key; no key means that the person was erased."""

    case: str
    fields: Mapping[str, str]
    key: bytes | None = field(repr=False)

    def text(self, name: str, token: str | None = None) -> str | None:
        """The clear text of a field of the case, or of a token of one of its acts; None where there is none."""
        token = self.fields.get(name) if token is None else token
        if token is None:
            return None
        if self.key is None:
            return ERASED
        try:
            return unseal(self.key, self.case, name, token)
        except Tampered:
            return UNREADABLE

    def free(self, name: str, token: str | None = None) -> str | None:
        """A free text with the numbers in it masked; for those only who may read it."""
        text = self.text(name, token)
        return text and mask.free_text(text)

    def complainant(self) -> dict[str, str]:
        """Who complained, masked: name, phone, id_number, address, as far as given."""
        found = {name.removeprefix("complainant_"): self._masked(name) for name in _MASKS}
        return {name: text for name, text in found.items() if text}

    def accused(self) -> str | None:
        """The person complained about, masked."""
        text = self.text("accused_person")
        return text if text in (None, ERASED, UNREADABLE) else mask.name(text)

    def _masked(self, name: str) -> str | None:
        text = self.text(name)
        return text if text in (None, ERASED, UNREADABLE) else _MASKS[name](text)
