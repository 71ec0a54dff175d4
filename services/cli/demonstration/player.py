"""Plays the stories over HTTP: sends complaints and acts, steps the clock, waits until all of it has gone through."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from services.cli.demonstration import samples, stories
from services.cli.running import fired, settled
from services.intake.core.identity import by_work_order
from shared import clock
from shared.bus import Bus
from shared.directory.tree import Directory
from shared.errors import SudaError
from shared.law import Calendar
from shared.privacy import tokens
from shared.privacy.keys import Keyring, keyring_path
from shared.stack.running import Running

AT_ONCE = 16
Say = Callable[[str, int, int], None]


@dataclass
class Played:
    """One complaint as it was played."""

    number: int
    came: datetime
    case_id: str | None = None
    accountable: str | None = None
    administration: str | None = None
    due: dict[str, date] = field(default_factory=dict)


class Player:
    """One run of the demo."""

    def __init__(self, stack: Running, bus: Bus, directory: Directory, count: int, say: Say) -> None:
        self.stack, self.bus, self._directory, self._say = stack, bus, directory, say
        self._path = stack.home / "clock"
        self._clock = clock.Clock(self._path)
        self._calendar = Calendar.load()
        self._keyring = Keyring.load(keyring_path(stack.settings))
        self._http = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=AT_ONCE))
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.start = self._clock.now().date() + timedelta(days=1)
        self.run = f"YS{self.start:%Y%m%d}"
        self.folder: Path = stack.home / "demo" / self.run
        self.played = [Played(n, stories.arrival(n, self.start, self._calendar)) for n in range(count)]
        self._templates = samples.templates()

    async def play(self) -> None:
        """From the first complaint to six weeks later. Every instant at which something happens is one step."""
        agenda = self._agenda()
        steps = sorted(agenda)
        self.folder.mkdir(parents=True, exist_ok=True)
        for number, instant in enumerate(steps, 1):
            clock.step(self._path, instant)
            await fired(self.stack)
            await asyncio.gather(*(self._together(work) for work in agenda[instant].values()))
            if agenda[instant]:
                await settled(self.stack, self.bus)
            self._say(f"{instant:%m-%d %H:%M}", number, len(steps))
        await self._http.aclose()

    def _agenda(self) -> dict[datetime, dict[int, list[Any]]]:
        """Instant -> complaint -> what to do, in order; every midnight is a step, since that is when periods end."""
        agenda: dict[datetime, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for one in self.played:
            kind: Any = "order" if stories.by_hotline(one.number) else "complaint"
            agenda[one.came][-1 if kind == "order" else one.number].append((kind, one))
            for instant, deed in stories.deeds(one.number, one.came, self._calendar):
                agenda[instant][one.number].append((deed, one))
        six_weeks = datetime.combine(self.start + timedelta(weeks=stories.WEEKS), datetime.min.time(), clock.ZONE)
        end = max([six_weeks, *agenda])
        day = datetime.combine(self.start, datetime.min.time(), clock.ZONE)
        while day <= end:
            for hour in (0, 9):
                agenda[day + timedelta(hours=hour)]  # a step of its own: periods end at midnight, rungs are at nine
            day += timedelta(days=1)
        return agenda

    async def _together(self, work: list[Any]) -> None:
        """What happens to one complaint at one instant, in order."""
        async with self._gate:
            if work[0][0] == "order":
                await self._import([one for _, one in work])
                return
            for what, one in work:
                if what == "complaint":
                    await self._complain(one)
                else:
                    await self._act(what, one)

    async def _complain(self, one: Played) -> None:
        template = self._templates[one.number % len(self._templates)]
        direct = stories.story(one.number) == "on the spot"
        body = samples.body(template, one.number, self._agency(template) if direct else None)
        key = {"Idempotency-Key": f"{self.run}-{one.number}"}
        answer = await self._http.post(f"{self._url('intake')}/v1/complaints", json=body, headers=key)
        one.case_id = _ok(answer)["case_id"]

    def _agency(self, template: samples.Body) -> str | None:
        """The agency a citizen goes to for the matter: who is competent for it, else the one named."""
        day, division = self._clock.now().date(), template["division"]
        code, name = template.get("matter", {}).get("code"), template.get("accused", {}).get("organisation", "")
        found = self._directory.competent(code, division, day) if code else None
        found = found or self._directory.organisation_by_name(name, division, day)
        return found.code if found else None

    async def _import(self, orders: list[Played]) -> None:
        rows = [
            samples.work_order(self._templates[o.number % len(self._templates)], o.number, o.came, self.run)
            for o in orders
        ]
        text = samples.table(rows)
        (self.folder / f"hotline-{orders[0].came:%m%d-%H}.csv").write_text(text, encoding="utf-8")
        headers = {**self.bearer("system", "suda"), "Content-Type": "text/csv"}
        url = f"{self._url('intake')}/v1/imports/hotline"
        answer = _ok(await self._http.post(url, content=text.encode(), headers=headers))
        if answer["imported"] != len(orders):
            raise SudaError(f"of {len(orders)} work orders {answer['imported']} were imported: {answer['errors'][:3]}")

        for order in orders:
            order.case_id = by_work_order(self._keyring, f"{self.run}-{order.number:06d}")

    async def _act(self, deed: stories.Deed, one: Played) -> None:
        await self._look_up(one)
        organisation = one.administration if deed.who == "supervisor" else one.accountable
        answer = await self._http.post(
            f"{self._url('intake')}/v1/cases/{one.case_id}/acts",
            json={"act": deed.act, "data": {k: self._value(v, one) for k, v in deed.data.items()}},
            headers={**self.bearer(deed.who, organisation or ""), "Idempotency-Key": f"{one.number}-{deed.act}"},
        )
        _ok(answer)

    def _value(self, value: Any, one: Played) -> Any:
        today = self._clock.now().date()
        if value == "@today":
            return today.isoformat()
        if value == "@agency":
            return one.accountable
        if isinstance(value, str) and value.startswith("@due+"):
            days = int(value.removeprefix("@due+"))
            return stories.working_day(one.due.get("resolution", today), days, self._calendar).isoformat()
        return value

    async def _look_up(self, one: Played) -> None:
        """What the officers see on their desk: whose the case is, and by when."""
        url = f"{self._url('reporting')}/v1/cases/{one.case_id}"
        case = _ok(await self._http.get(url, headers=self.bearer("system", "suda")))
        one.accountable, one.administration = case["organisation"], case["administration"]
        one.due = {d["obligation"]: date.fromisoformat(d["due_day"]) for d in case["deadlines"]}

    def _url(self, service: str) -> str:
        return self.stack.url(service)

    def bearer(self, role: tokens.Role, organisation: str) -> dict[str, str]:
        token = tokens.issue(
            self._keyring, self.stack.settings, organisation, role, user=f"demo-{role}", now=self._clock.now()
        )
        return {"Authorization": f"Bearer {token}"}


def _ok(answer: httpx.Response) -> Any:
    if answer.status_code >= 300:
        where = f"{answer.request.method} {answer.request.url.path}"
        raise SudaError(f"{where} was answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()
