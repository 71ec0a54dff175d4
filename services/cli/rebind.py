"""`suda law rebind`: ask routing to bind the cases that were opened with no instrument in force."""

import asyncio
import json
from typing import Annotated, Any

import typer

from services.cli.running import running, settled
from services.routing.core.rebinding import REBIND, REBOUND
from services.routing.following import record
from services.routing.store import Sent
from shared.bus import Bus
from shared.clock import Clock
from shared.events import cases, topics
from shared.events.base import Actor, event_id
from shared.events.cases import Acted, Opened
from shared.events.intake import ActRequested
from shared.law import load
from shared.settings import settings
from shared.stack.running import Running
from shared.store import connect


def rebind(as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False) -> None:
    """Bind unbound cases to what is loaded now: a dated stand-in, or an instrument that held on the day received.

    Restart the services with the new SUDA_LAW first. Example: ./suda law rebind
    """
    with running(settings()) as stack:
        report = asyncio.run(asked(stack))
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(f"未绑定 {report['unbound']} 件，已绑定 {report['rebound']} 件，仍无文件可适用 {report['left']} 件")
    raise typer.Exit(0)


async def asked(stack: Running) -> dict[str, Any]:
    """Send an act for each unbound case (its id names the law asked about: again adds nothing), await the decisions."""
    current = stack.settings
    clock = Clock(current.home / "clock", current.clock)
    law = ",".join(sorted(f"{one.id}@{one.digest}" for one in load(current.law).editions))
    client = connect(current)
    try:
        async with Bus(current, "suda-rebind") as bus:
            before = await _unbound(bus)
            acts = [
                ActRequested(
                    act_id=event_id(case_id, f"rebind:{law}"),
                    case_id=case_id,
                    act=REBIND,
                    by=Actor(organisation="suda", role="system"),
                    received_at=clock.now(),
                )
                for case_id in sorted(before)
            ]
            kept = await Sent(client, current).keep({act.act_id: record(act) for act in acts})
            await bus.publish(list(kept.values()))
            await settled(stack, bus)
            left = await _unbound(bus)
    finally:
        await client.close()
    return {"unbound": len(before), "rebound": len(before - left), "left": len(left)}


async def _unbound(bus: Bus) -> set[str]:
    found: set[str] = set()
    async for item in bus.read_all(topics.CASES):
        event = cases.parse(item.value)
        if isinstance(event, Opened) and event.instrument is None:
            found.add(event.case_id)
        elif isinstance(event, Acted) and event.done == REBOUND:
            found.discard(event.case_id)
    return found
