import pytest

from shared.law import Calendar, Library, load


@pytest.fixture(scope="session")
def library() -> Library:
    return load()


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return Calendar.load()
