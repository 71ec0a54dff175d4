"""Who steps aside, who is told, who reads whom. The fold keeps them (state.py), permission enforces them."""

from services.routing.core.permission import Refusal
from services.routing.core.terms.asked import Asked, Check, Effect
from shared.law.cited import cited


def _recuse(asked: Asked) -> Effect | Refusal:
    """A person, named by the user name that acts are signed with; from here on every act of theirs is rejected."""
    if not asked.word("person"):
        return asked.no("missing", "缺少：person（用户名）")
    return {}


def _report(asked: Asked) -> Effect | Refusal:
    """To the one whom the text names; where that is an organisation, to one that exists."""
    to = asked.word("to")
    if to and asked.directory.current(to, asked.today)[0] is None:
        return asked.no("unknown-organisation", f"组织机构代码{to}不在目录中")
    return {}


def _unmask(asked: Asked) -> Effect | Refusal:
    """For a stated purpose, under the articles that keep the complainant's identity."""
    kept = asked.instrument.confidentiality if asked.instrument else ()
    return {"citations": cited(citation for rule in kept for citation in rule.citations)}


CHECKS: dict[str, Check] = {"recuse": _recuse, "report": _report, "unmask": _unmask}
