"""What people read for the words of the program."""

from typing import Final

STATES: Final[dict[str, dict[str, str]]] = {
    "received": {"zh": "已收到", "en": "received, being registered"},
    "pending": {"zh": "待交办", "en": "with the administration, to be handed over"},
    "assigned": {"zh": "待受理", "en": "with the agency, which decides whether to accept it"},
    "accepted": {"zh": "办理中", "en": "accepted, being handled"},
    "closed": {"zh": "已办结", "en": "handled and closed"},
    "refused": {"zh": "不予受理", "en": "not accepted"},
    "withdrawn": {"zh": "已撤回", "en": "taken back by the complainant"},
    "terminated": {"zh": "已终止", "en": "ended without a result"},
    "absorbed": {"zh": "已并案", "en": "merged with another case on the same matter"},
    "archived": {"zh": "已归档", "en": "archived"},
}


def state(word: str) -> dict[str, str]:
    """The state's name in Chinese and English."""
    return STATES.get(word, {"zh": word, "en": word})
