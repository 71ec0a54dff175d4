"""All instruments of a deployment, in all their editions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

from shared.law.binding import Asked, Binding, basis, choose, unbound
from shared.law.calendar import FOLDER
from shared.law.checks import refuse
from shared.law.deployment import Deployment, StandIn, Supersession, deployment
from shared.law.errors import LawError, LawErrors, NotInForce, UnknownProvision
from shared.law.instrument import Instrument
from shared.law.loader import BUILT_IN, HEAD, common, draft, editions
from shared.law.overrides import applied

REMEMBER = 50_000  # bindings kept before all are forgotten


@dataclass(frozen=True)
class Library:
    """Read once at start, never changed. `instruments` holds the newest edition of each."""

    editions: tuple[Instrument, ...]
    deployment: Deployment = field(default_factory=Deployment)
    _bound: dict[tuple[object, ...], Binding] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def instruments(self) -> Mapping[str, Instrument]:
        """The newest edition of each, by id."""
        return {edition.id: edition for edition in self.editions if not edition.variant}

    @cached_property
    def _by_digest(self) -> Mapping[tuple[str, str | None], Instrument]:
        return {(edition.id, edition.digest): edition for edition in self.editions}

    @cached_property
    def _organisations(self) -> frozenset[str]:
        """The organisations that make a difference to binding."""
        rules = [edition.governs for edition in self.editions]
        return frozenset(code for rule in rules for code in rule.organisations + rule.organisations_out)

    def get(self, id: str, digest: str | None = None, *, day: date | None = None) -> Instrument:
        """The edition with that digest; where it is not loaded (or not given) the one of `day`, else the newest.

        `holds` tells whether the exact data is there. Raises UnknownProvision for an instrument that is not.
        """
        exact = self._by_digest.get((id, digest))
        if exact is not None:
            return exact
        if day is not None:
            for edition in self._general(id, day):
                return edition
        try:
            return self.instruments[id]
        except KeyError:
            known = ", ".join(self.instruments) or "none"
            raise UnknownProvision(f"there is no instrument '{id}'; there are: {known}") from None

    def _general(self, id: str, day: date) -> tuple[Instrument, ...]:
        return tuple(each for each in self.editions if each.id == id and each.edition.holds(day) and not each.variant)

    def holds(self, id: str, digest: str) -> bool:
        """Whether the data a case was bound to is loaded exactly as it was."""
        return (id, digest) in self._by_digest

    def in_force(self, id: str, day: date) -> Instrument:
        """The edition of an instrument on a day, a stand-in included; raises NotInForce."""
        instrument = self.get(id)
        for edition in self._general(id, day):
            if not self.deployment.superseded(id, day):
                return edition
        for stand_in in self.deployment.stand_ins:
            if stand_in.for_ == id and stand_in.holds(day):
                return self.get(stand_in.uses)
        raise self.not_in_force(id, day) or NotInForce(instrument.title)

    def not_in_force(self, id: str, day: date) -> NotInForce | None:
        """The sentence that says why an instrument does not hold on a day; None where it does."""
        instrument = self.get(id)
        force, title = instrument.in_force, f"《{instrument.title}》（{id}）"
        if day < force.since:
            return NotInForce(f"{title}在 {day.isoformat()} 尚未施行：自 {force.since.isoformat()} 起施行")
        if (end := self.deployment.superseded(id, day)) is not None:
            return NotInForce(f"{title}在 {day.isoformat()} 已不适用：自 {end.since.isoformat()} 起以{end.by}为准")
        if force.until is not None and day > force.until:
            return NotInForce(
                f"{title}在 {day.isoformat()} 已失效：有效至 {force.until.isoformat()}，此后没有规定可适用；"
                "如本地决定继续参照，请在 SUDA_LAW 目录的 deployment.yaml 中写明有起止日期的 stand_ins"
            )
        return None

    def bind(
        self,
        *,
        division: str,
        venue: str | None,
        channel: str,
        kind: str,
        received: date,
        organisation: str | None = None,
        traits: frozenset[str] = frozenset(),
    ) -> Binding:
        """The instrument a case is bound to for life, with the basis; unbound where nothing is in force."""
        organisation = organisation if organisation in self._organisations else None
        key = (division, venue, channel, kind, received, organisation, traits)
        known = self._bound.get(key)
        if known is None:
            if len(self._bound) >= REMEMBER:
                self._bound.clear()
            asked = Asked(
                division=division,
                venue=venue,
                channel=channel,
                kind=kind,
                received=received,
                organisation=organisation,
                traits=traits,
            )
            known = self._bound[key] = self._bind(asked)
        return known

    def _bind(self, asked: Asked) -> Binding:
        live = [each for each in self.editions if not self.deployment.superseded(each.id, asked.received)]
        chosen = choose(live, asked)
        if chosen is not None:
            cited = chosen.scope[0].citations if chosen.scope else ()
            return Binding(instrument=chosen.id, digest=chosen.digest, basis=basis(chosen, asked), citations=cited)
        for stand_in in self.deployment.stand_ins:
            if stand_in.covers(asked):
                return self._standing_in(stand_in, asked)
        return Binding(instrument=None, digest=None, basis=unbound(asked))

    def _standing_in(self, stand_in: StandIn, asked: Asked) -> Binding:
        used = self.get(stand_in.uses, day=asked.received)
        text = (
            f"{asked.received.isoformat()}收到，行政区划{asked.division}没有现行有效的文件；"
            f"依{stand_in.decided_by}，{stand_in.since.isoformat()}至{stand_in.until.isoformat()}"
            f"参照《{used.title}》办理（{stand_in.reason}）。此为本地部署的决定，不是该文件的规定"
        )
        return Binding(instrument=used.id, digest=used.digest, basis=text, stand_in=True)


def load(extra: Path | None = None) -> Library:
    """The built-in instruments and those of a further folder; raises LawErrors naming file, line and mend."""
    found, faults = list(_built_in()), list[LawError]()
    taken = {each.id for each in found}
    for folder in _folders(extra) if extra else []:
        if folder.name in taken:
            faults.append(LawError(f"{folder}:1", f"'{folder.name}' is built in", "give folder and id another name"))
        try:
            found += _read(folder)
        except LawErrors as errors:
            faults += errors.faults
        except LawError as fault:
            faults.append(fault)
    if faults:
        raise LawErrors(tuple(faults))
    decided = deployment(extra)
    decided = decided.model_copy(update={"supersessions": decided.supersessions + tuple(_replaced(found))})
    refuse(tuple(found), decided)
    return Library(tuple(applied(found, decided.overrides)), decided)


@lru_cache(1)
def _built_in() -> tuple[Instrument, ...]:
    """Read once a process: the files are part of the program."""
    return tuple(edition for folder in _folders(BUILT_IN) for edition in _read(folder))


def _read(folder: Path) -> tuple[Instrument, ...]:
    return editions(draft(folder), common(), folder)


def _replaced(found: list[Instrument]) -> Iterator[Supersession]:
    """What the newer instruments among these end, each on its own first day."""
    first = {each.id: each for each in reversed(found)}
    for each in first.values():
        for id in each.replaces:
            if id in first and first[id].in_force.holds(each.in_force.since):
                yield Supersession(instrument=id, since=each.in_force.since, by=f"《{each.title}》（{each.number}）")


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise LawError(str(root), "no such folder", "set SUDA_LAW to a folder that holds instrument folders")
    if (root / HEAD).is_file():  # one instrument by itself
        return [root]
    folders = sorted(
        path for path in root.iterdir() if path.is_dir() and path.name[0] not in "._" and path.name != FOLDER
    )
    for path in folders:
        if not (path / HEAD).is_file():
            raise LawError(str(path), f"no {HEAD} in it", f"add {HEAD}, or move the folder away")
    return folders
