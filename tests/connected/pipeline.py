"""The whole pipeline as a test meets it: over HTTP, on the topics and by the clock; nothing of it is faked."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from services.cli.directory import SAMPLES, publish
from services.cli.running import fired, settled
from services.cli.verify import proof
from shared import clock
from shared.bus import Bus, Record
from shared.clock import ZONE
from shared.directory.files import read
from shared.errors import Unavailable
from shared.events import cases, deadlines, topics
from shared.events.cases import AnyCaseEvent
from shared.events.deadlines import DeadlineEvent
from shared.law import Calendar
from shared.privacy.keys import Keyring, keyring_path
from shared.privacy.tokens import Role, issue
from shared.settings import Settings
from shared.stack import SERVICES, Running, stack
from shared.store import connect

DIVISION = "530102"
ADMINISTRATION = "11530102XXXXXXX001"
AGENCY = "11530102XXXXXXX012"
OTHER_AGENCY = "11530102XXXXXXX013"
OTHER_ADMINISTRATION = "11530103XXXXXXX001"
SERVED: dict[str, Any] = {"served_by": "phone", "served_on": "2026-01-05"}
SEND_TIMEOUT = 5.0
SIXTH = Path(__file__).parents[1] / "law" / "sixth"  # a regulation no code knows, in force in division 9901
PATIENCE = 180.0  # seconds; a machine shared with others is slow
ORIGIN = datetime(2026, 1, 5, 9, 0, tzinfo=ZONE)  # a Monday
CALENDAR = Calendar.load()
T = TypeVar("T")


async def patiently(call: Callable[[], Awaitable[T]], seconds: float = 120.0) -> T:
    """`call`, again with back-off while a part is away; after `seconds` the Unavailable is raised."""

    @retry(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential_jitter(multiplier=0.05, max=2.0),
        stop=stop_after_delay(seconds),
        reraise=True,
    )
    async def again() -> T:
        return await call()

    return await again()


@contextmanager
def started(
    home: Path, services: tuple[str, ...] = SERVICES, *, origin: datetime = ORIGIN, law: Path | None = SIXTH
) -> Any:
    """A stack of its own in `home`: a clock that stands at `origin`, the sample directory, short time-outs, failpoints.

    `law` is loaded beside the regulations built in.
    """
    clock.write(home / "clock", clock.Reading(datetime.now(UTC), origin, 0.0))
    ports: dict[str, Any] = {f"{name}_port": 0 for name in SERVICES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUDA_FAILPOINT", str(home / "failpoint"))
        with stack(Settings(home=home, law=law, send_timeout=SEND_TIMEOUT, docker=False, **ports), services) as running:
            _run(publish(read(SAMPLES), running.settings))
            yield running


def _run(work: Awaitable[T]) -> T:
    async def it() -> T:
        return await work

    return asyncio.run(it())


@asynccontextmanager
async def meeting(running: Running) -> AsyncIterator["Pipeline"]:
    """A client of a running stack; whatever was paused goes on afterwards, and everything is ready again."""
    limits = httpx.Limits(max_connections=40)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http, Bus(running.settings, "test") as bus:
        try:
            yield Pipeline(running, http, bus)
        finally:
            for part in running.parts():
                running.resume(part.name)
            for part in running.parts():
                await asyncio.to_thread(running.wait_ready, part.name)


class Pipeline:
    """What a test does to the pipeline and sees of it."""

    def __init__(self, running: Running, http: httpx.AsyncClient, bus: Bus) -> None:
        self.running, self.http, self.bus = running, http, bus
        self.keyring = Keyring.load(keyring_path(running.settings))
        self._clock = clock.Clock(running.home / "clock")

    # ---- the doors

    def bearer(self, role: Role = "system", org: str = "suda", user: str | None = None, case: str | None = None) -> Any:
        """Headers with a token of now."""
        made = issue(self.keyring, self.running.settings, org, role, user, UUID(case) if case else None, now=self.now)
        return {"authorization": f"Bearer {made}"}

    async def post_complaint(self, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"idempotency-key": key or str(uuid4())}
        return await self.http.post(f"{self.running.url('intake')}/v1/complaints", json=body(**more), headers=headers)

    async def complain(self, key: str | None = None, **more: Any) -> dict[str, Any]:
        """A complaint that is acknowledged."""
        answer = await self.post_complaint(key, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def post_act(
        self, case: str, act: str, role: Role, org: str, *, wait: int = 0, key: str | None = None,
        own: bool = False, user: str | None = None, **data: Any,
    ) -> httpx.Response:  # fmt: skip
        headers = self.bearer(role, org, user, case if own else None)
        headers |= {"prefer": f"wait={wait}"} if wait else {}
        headers |= {"idempotency-key": key} if key else {}
        given = {name.rstrip("_"): value for name, value in data.items()}
        url = f"{self.running.url('intake')}/v1/cases/{case}/acts"
        return await self.http.post(url, json={"act": act, "data": given}, headers=headers)

    async def apply(self, case: str, act: str, role: Role, org: str, **data: Any) -> dict[str, Any]:
        """An act that the law allows; the answer of `Prefer: wait`."""
        answer = await self.post_act(case, act, role, org, wait=30, **data)
        assert answer.status_code == 200 and answer.json()["outcome"] == "applied", answer.text
        return dict(answer.json())

    async def reject(self, case: str, act: str, role: Role, org: str, **data: Any) -> dict[str, Any]:
        """An act that the law does not allow; the answer of `Prefer: wait`."""
        answer = await self.post_act(case, act, role, org, wait=30, **data)
        assert answer.status_code == 200 and answer.json()["outcome"] == "rejected", answer.text
        return dict(answer.json())

    async def assigned(self, **more: Any) -> str:
        """The id of a case handed over to the agency."""
        case = (await self.complain(**more))["case_id"]
        await self.apply(case, "hand-over", "supervisor", ADMINISTRATION, to=AGENCY)
        return str(case)

    async def accepted(self, **more: Any) -> str:
        """The id of a case accepted by the agency."""
        case = await self.assigned(**more)
        await self.apply(case, "accept", "officer", AGENCY, **SERVED)
        return case

    async def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        return await self.http.get(f"{self.running.url('reporting')}{path}", headers=headers, params=params)

    async def case(self, case: str) -> dict[str, Any]:
        """The case as reporting shows it to the province's own system."""
        answer = await self.get(f"/v1/cases/{case}", self.bearer())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def all_cases(self) -> list[dict[str, Any]]:
        """Every row of `/v1/cases`, page by page."""
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self.get("/v1/cases", self.bearer(), limit=200, **({"cursor": cursor} if cursor else {}))
            rows += page.raise_for_status().json()["items"]
            cursor = page.json()["next"]
            if cursor is None:
                return rows

    # ---- the clock

    @property
    def now(self) -> datetime:
        return self._clock.now()

    async def step(self, to: datetime) -> None:
        """Set the clock and wait until every rung that is due has fired."""
        clock.step(self.running.home / "clock", to)
        await asyncio.wait_for(fired(self.running), PATIENCE)

    def turn(self, to: datetime) -> None:
        """Set the clock and wait for nothing."""
        clock.step(self.running.home / "clock", to)

    async def morning(self) -> date:
        """Go to nine o'clock of the next working day, and say which it is."""
        day = CALENDAR.on_or_after(self.now.date() + timedelta(days=1))
        await self.step(at(day))
        return day

    # ---- what lies in the log

    async def settle(self) -> None:
        """Return when all input has gone through every reader and no rung that is due waits."""

        async def all_of_it() -> None:
            await settled(self.running, self.bus)

        await asyncio.wait_for(patiently(all_of_it, PATIENCE), PATIENCE)

    async def records(self, topic: str) -> list[Record]:
        """The whole topic; a client that has not found a broker back yet is asked again."""

        async def read() -> list[Record]:
            return [record async for record in self.bus.read_all(topic)]

        return await patiently(read, PATIENCE)

    async def events(self, case: str) -> list[AnyCaseEvent]:
        """The case's events as they lie on suda.cases, repetitions included."""
        return [cases.parse(r.value) for r in await self.records(topics.CASES) if r.key == case.encode()]

    async def deadlines(self, case: str) -> list[DeadlineEvent]:
        """The case's deadline events as they lie on suda.deadlines, repetitions included."""
        return [deadlines.parse(r.value) for r in await self.records(topics.DEADLINES) if r.key == case.encode()]

    async def verify(self) -> dict[str, Any]:
        """`suda verify` holds."""
        report = await proof(self.running)
        assert report["verified"], [check for check in report["checks"] if not check["holds"]]
        return report

    async def documents(self, service: str, collection: str) -> list[dict[str, Any]]:
        client = connect(self.running.settings)
        try:
            database = client[self.running.settings.database(service)]
            return await database[collection].find({}).to_list()
        finally:
            await client.close()

    # ---- breaking things

    def arm(self, point: str) -> Path:
        """Whoever reaches this point next dies there, once (shared/failpoint.py); the file is gone when it has."""
        path = self.running.home / "failpoint"
        path.write_text(point)
        return path

    async def born_again(self, service: str, pid: int) -> None:
        """Return when the service whose process was `pid` is ready as another one."""
        await until(lambda: self.running.record(service).pid != pid, f"{service} is started again")
        await asyncio.to_thread(self.running.wait_ready, service)


async def until(holds: Callable[[], Awaitable[bool] | bool], what: str, patience: float = PATIENCE) -> None:
    """Return when `holds`; fails with `what` after `patience`. Faults on the way count as not yet."""
    limit = time.monotonic() + patience
    while True:
        try:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
        except (Unavailable, httpx.TransportError):
            pass
        if time.monotonic() > limit:
            pytest.fail(f"within {patience:.0f} s not true: {what}")
        await asyncio.sleep(0.02)


def body(**more: Any) -> dict[str, Any]:
    """A complaint against the agency of this module."""
    least: dict[str, Any] = {"channel": "web", "kind": "complaint", "division": DIVISION}
    least |= {"content": "窗口先后三次要求补正，每次提出的材料都不一样。", "accused": {"organisation": AGENCY}}
    return least | {"complainant": {"name": "林样例", "phone": "19900001000"}} | more


def at(day: date, of_the_clock: int = 9) -> datetime:
    return datetime.combine(day, hour(of_the_clock), ZONE)


def working_day(start: date, count: int) -> date:
    """`count` working days after `start`."""
    return CALENDAR.add(start, count)


def metric(page: str, name: str, **labels: str) -> float:
    """The value of one sample on a /metrics page; 0 where it is not there."""
    for line in page.splitlines():
        if line.startswith((f"{name}{{", f"{name} ")) and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rpartition(" ")[2])
    return 0.0


__all__ = ["Pipeline", "at", "body", "meeting", "metric", "started", "until", "working_day"]
