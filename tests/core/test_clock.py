"""The clock as whoever waits for an instant meets it."""

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from shared import clock


async def test_who_sleeps_notices_within_a_minute_that_the_machine_was_suspended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine, slept = [datetime(2026, 9, 21, 9, 0, tzinfo=UTC)], list[float]()

    class Machine(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return machine[0]

    async def suspended(seconds: float) -> None:
        slept.append(seconds)
        machine[0] += timedelta(hours=9)

    monkeypatch.setattr(clock, "datetime", Machine)
    monkeypatch.setattr(clock.asyncio, "sleep", suspended)
    await clock.Clock().until(machine[0] + timedelta(hours=8))
    assert slept == [60.0]
