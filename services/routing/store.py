"""Routing's queries: there is one collection, the journal."""

from shared.journal import Journal
from shared.settings import Settings
from shared.store import Client


def journal(client: Client, settings: Settings) -> Journal:
    """The journal of the database `routing`."""
    return Journal(client[settings.database("routing")])
