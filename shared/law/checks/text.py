"""One instrument against its text: every article there, every citation to one, no rule twice."""

from collections.abc import Iterator

from shared.law.entry import Entry
from shared.law.errors import LawError
from shared.law.instrument import SECTIONS, Instrument
from shared.law.obligation import Obligation


def head(edition: Instrument) -> str:
    """Where messages about an instrument as a whole point."""
    return f"instruments/{edition.id}/instrument.yaml:1"


def entries(edition: Instrument) -> Iterator[tuple[str, Entry]]:
    """Every rule with the section it stands in."""
    for section in SECTIONS:
        for entry in getattr(edition, section):
            yield section, entry


def articles(edition: Instrument) -> Iterator[LawError]:
    """Every article is there once, in the text's order, and is a rule or says why not."""
    expected = [str(number) for number in range(1, edition.articles_in_text + 1)]
    expected += [f"annex-{number}" for number in range(1, edition.annexes + 1)]
    expected += ["table"] if edition.table else []
    found: dict[str, str] = {}
    last = -1
    for article in edition.contents:
        if article.number not in expected:
            wrong = f"article {article.number} of a text with {edition.articles_in_text} and {edition.annexes} annexes"
            yield LawError(article.where, wrong, "mend the number, or 'articles' and 'annexes' in instrument.yaml")
            continue
        if article.number in found:
            yield LawError(article.where, f"article {article.number} twice", f"join it with {found[article.number]}")
        elif expected.index(article.number) < last:
            yield LawError(article.where, f"article {article.number} out of order", "keep the text's order")
        found.setdefault(article.number, article.where)
        last = max(last, expected.index(article.number))
    for number in expected:
        if number not in found:
            mend = "encode it, or list it with not_operative and the reason"
            yield LawError(head(edition), f"article {number} is missing", mend)


def citations(edition: Instrument) -> Iterator[LawError]:
    """Every article cited exists; every rule cites one, or is Suda's own and says why."""
    known = {article.number for article in edition.contents}
    for _, entry in entries(edition):
        cited = list(entry.citations)
        if isinstance(entry, Obligation) and entry.extension:
            cited += entry.extension.citations
        for citation in cited:
            if citation.instrument == edition.id and citation.article not in known:
                wrong = f"'{entry.id}' cites article {citation.short}, which this text has not"
                yield LawError(entry.where, wrong, f"cite one of 1 to {edition.articles_in_text} or an annex")
        if not cited and not entry.readings:
            wrong = f"'{entry.id}' has neither a citation nor a reason"
            yield LawError(entry.where, wrong, "add an interpretation with its reason")
        if entry.since and entry.until and entry.until < entry.since:
            yield LawError(entry.where, f"'{entry.id}' ends before it begins", "mend from and until")
        until = edition.in_force.until
        if (entry.since and until and entry.since > until) or (entry.until and entry.until < edition.in_force.since):
            wrong = f"'{entry.id}' lies outside the time this text is in force"
            yield LawError(entry.where, wrong, "mend from and until, or in_force in instrument.yaml")
    if edition.gives_way and edition.cite(edition.gives_way).article not in known:
        yield LawError(head(edition), f"gives_way names article {edition.gives_way}", "name one the text has")


def twice(edition: Instrument) -> Iterator[LawError]:
    """No two rules of one name hold on the same day."""
    seen: dict[tuple[str, str], Entry] = {}
    for section, entry in entries(edition):
        other = seen.setdefault((section, entry.id), entry)
        if other is not entry:
            wrong = f"'{entry.id}' among {section} is also at {other.where}, and both hold on {edition.edition.since}"
            yield LawError(entry.where, wrong, "rename one, or give them from and until that do not overlap")
    if sum(entry.default for entry in edition.classes) > 1:
        yield LawError(edition.classes[0].where, "more than one default class", "keep one 'default: true'")
