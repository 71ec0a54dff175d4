"""What every service process is around its own question: HTTP, health, metrics, problem details, graceful stop.

The parts start in the background and again with back-off while Kafka or the store is away: the process is alive then,
but not ready, and whatever needs a part answers 503 with problem details (RFC 9457).
"""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.exceptions import HTTPException

from shared import metrics
from shared.clock import Clock
from shared.errors import ConfigurationError, Unavailable
from shared.privacy.keys import Keyring
from shared.privacy.tokens import Subject, Unauthorised, holder, presented
from shared.settings import Settings, settings

log = logging.getLogger("suda.service")
KEEP_ALIVE = 65  # seconds: longer than clients and proxies keep an idle connection, or one is closed as they send


class Parts(Protocol):
    """What a service is made of: started once, stopped in order, asked for its problems."""

    async def start(self) -> None:
        """Connect and consume; raises Unavailable to be started again."""

    async def stop(self) -> None:
        """Finish what is in hand; called also after a failed start."""

    def problems(self) -> list[str]:
        """Why this process is not ready; empty when it is."""


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """An RFC 9457 answer; `detail` says the mend where there is one."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail} | more
    return JSONResponse(body, status, media_type="application/problem+json")


class _Runner:
    """Keeps trying to start the parts, so that a process survives Kafka and the store being away."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.waiting: str | None = "starting"
        self.task: asyncio.Task[None] | None = None
        self._stopping = False

    async def stop(self) -> None:
        """Start no more: said besides cancelling, which asyncio may lose in a connection that fails at that moment."""
        self._stopping = True
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def start(self) -> None:
        pause = 0.1
        while not self._stopping:
            try:
                await self.parts.start()
                self.waiting = None
                return
            except Unavailable as away:
                self.waiting = str(away)
                log.warning("not started yet: %s", away)
                await self.parts.stop()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 3.0)

    def problems(self) -> list[str]:
        if self.task is not None and self.task.done() and not self.task.cancelled() and self.task.exception():
            return [f"could not start: {self.task.exception()}"]
        return [self.waiting] if self.waiting else self.parts.problems()


def application(name: str, parts: Parts, **described: Any) -> FastAPI:
    """A FastAPI application with `/health/live`, `/health/ready`, `/metrics` around `parts`."""
    runner = _Runner(parts)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runner.task = asyncio.create_task(runner.start())
        runner.task.add_done_callback(end_with)
        try:
            yield
        finally:
            await runner.stop()
            await parts.stop()

    app = FastAPI(title=f"Suda {name}", version="1", lifespan=lifespan, **described)
    _health(app, name, runner)
    _answers(app, name)
    return app


def end_with(task: asyncio.Task[None]) -> None:
    """A task this process cannot live without failed: end the process, the supervisor starts another."""
    if not task.cancelled() and (error := task.exception()) is not None:
        wrong = isinstance(error, ConfigurationError)
        log.critical("this process ends: %s", error, exc_info=None if wrong else error)
        logging.shutdown()
        os._exit(78 if wrong else 70)


def _health(app: FastAPI, name: str, runner: _Runner) -> None:
    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        return {"service": name, "status": "live"}

    @app.get("/health/ready", tags=["health"])
    async def ready() -> Response:
        found = runner.problems()
        if found:
            return problem(503, "Not ready", "; ".join(found), service=name)
        return JSONResponse({"service": name, "status": "ready"})

    @app.get("/metrics", include_in_schema=False)
    async def scrape() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _answers(app: FastAPI, name: str) -> None:
    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Exception) -> Response:
        metrics.REFUSED_REQUESTS.labels(name, "503").inc()
        answer = problem(503, "A part is away", f"{error}; the same request may be sent again")
        answer.headers["Retry-After"] = "1"
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        metrics.REFUSED_REQUESTS.labels(name, "422").inc()
        found = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()]
        broken = any(e["type"] == "json_invalid" for e in error.errors())
        detail = "; ".join(f"{f['field']}: {f['problem']}" for f in found[:5])
        return problem(400 if broken else 422, "Malformed JSON" if broken else "Invalid request", detail, errors=found)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        metrics.REFUSED_REQUESTS.labels(name, str(error.status_code)).inc()
        detail = error.detail if isinstance(error.detail, str) else "the request was refused"
        answer = problem(error.status_code, "Refused", detail)
        answer.headers.update(error.headers or {})
        return answer


async def asker(authorization: str | None, keyring: Callable[[], Keyring], settings: Settings, clock: Clock) -> Subject:
    """Who asks, by the Authorization header; no key is read without a token. Raises HTTPException 401, Unavailable."""
    try:
        token = presented(authorization)
        return await holder(token, keyring(), settings, clock)
    except Unauthorised as error:
        raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from None


def seldom_collect() -> None:
    """Leave what stands for good (law, modules) out of garbage collection, and collect what is young less often.

    A batch makes some 100,000 objects, nearly all freed by counting: with Python's default of 700 the collector took a
    third of a service's time (docs/decisions/0060-throughput.md). Memory in cycles grows by at most a few megabytes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def run(name: str, build: Callable[[Settings], FastAPI]) -> None:
    """The `__main__` of a service: logs to stderr, serves until SIGTERM, finishes what is in hand."""
    try:
        chosen = settings()
        logging.basicConfig(
            level=chosen.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
        )
        logging.getLogger("aiokafka").setLevel(logging.ERROR)
        app = build(chosen)
        seldom_collect()
    except ConfigurationError as error:
        sys.exit(f"suda {name}: {error}")
    uvicorn.run(
        app,
        host=chosen.host,
        port=chosen.port(name),
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=10,
    )
