"""The composition root of intake: `python -m services.intake.app` serves it."""

from fastapi import FastAPI

from services.intake import api, imports
from services.intake.describe import describe
from services.intake.intake import Intake
from services.intake.problems import answer_refusals
from shared.bus import Bus
from shared.clock import Clock
from shared.privacy.keys import Keyring, keyring_path
from shared.service import application, run
from shared.settings import Settings
from shared.store import connect


def assemble(intake: Intake) -> FastAPI:
    """The application around given parts; a test hands in fakes."""
    app = application("intake", intake)
    answer_refusals(app)
    api.routes(app, intake)
    imports.routes(app, intake)
    describe(app)
    return app


def build(settings: Settings) -> FastAPI:
    """The application on the real parts; raises ConfigurationError with the mend."""
    bus, client = Bus(settings, "intake"), connect(settings)
    clock = Clock(settings.home / "clock", settings.clock)
    return assemble(Intake(settings, bus, client, Keyring.load(keyring_path(settings)), clock))


if __name__ == "__main__":
    run("intake", build)
