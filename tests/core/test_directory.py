"""shared/directory: who is who as of a day, and nothing wrong gets into it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory.files import read
from shared.directory.model import Division, Matter, Organisation, Record, parse, record_key, record_value
from shared.directory.topic import fold
from shared.directory.tree import Directory, plain
from shared.errors import BadInput, ConfigurationError

DAY = date(2026, 9, 18)
CHANGE = date(2024, 7, 1)
SAMPLES = Path(__file__).parents[2] / "deploy" / "samples" / "directory.yaml"


def org(number: int, place: str = "530102") -> str:
    return f"11{place}XXXXXXX{number:03d}"


def records() -> list[Record]:
    """A province, a city, a district; a bureau abolished on CHANGE, a matter that changed hands on that day."""
    last = CHANGE - timedelta(days=1)
    return [
        Division(code="530000", name="云南省", level="province", administration=org(1, "530000")),
        Division(code="530100", name="昆明市", level="city", parent="530000", administration=org(1, "530100")),
        Division(code="530102", name="五华区", level="county", parent="530100", administration=org(1)),
        Division(code="530103", name="盘龙区", level="county", parent="530100"),
        Organisation(code=org(1, "530000"), name="省局", kind="administration", division="530000"),
        Organisation(code=org(1, "530100"), name="市局", kind="administration", division="530100"),
        Organisation(code=org(1), name="区局（样例）", kind="administration", division="530102", from_=CHANGE),
        Organisation(
            code=org(3),
            name="工商局",
            kind="agency",
            division="530102",
            until=last,
            successor=org(4),
            aliases=("工商",),
        ),
        Organisation(
            code=org(4),
            name="市监局",
            kind="agency",
            division="530102",
            from_=CHANGE,
            history=(Organisation(code=org(4), name="质监局", kind="agency", division="530102", until=last),),
        ),
        Organisation(code=org(15, "530100"), name="医保局", kind="agency", division="530100"),
        Matter(code="A1", name="设立登记", division="530102", agency=org(3)),
        Matter(code="B2", name="异地就医备案", division="530100", agency=org(15, "530100")),
    ]


def loaded(extra: tuple[Record, ...] = ()) -> Directory:
    directory = Directory()
    for offset, record in enumerate([*records(), *extra]):
        directory.apply(record, offset)
    return directory


@given(st.dates(CHANGE - timedelta(days=400), CHANGE + timedelta(days=400)))
def test_an_abolished_organisation_is_followed_to_its_successor_from_the_day_after(day: date) -> None:
    found, steps = loaded().current(org(3), day)
    assert found
    assert (found.code, steps) == ((org(3), ()) if day < CHANGE else (org(4), (org(3),)))


@given(st.dates(CHANGE - timedelta(days=400), CHANGE + timedelta(days=400)))
def test_a_changed_record_answers_for_any_day(day: date) -> None:
    found = loaded().organisation(org(4), day)
    assert found and found.name == ("质监局" if day < CHANGE else "市监局")


@given(st.sets(st.dates(date(2000, 1, 1), date(2030, 1, 1)), min_size=2, max_size=6), st.dates())
def test_of_consecutive_versions_exactly_one_is_in_force(starts: set[date], day: date) -> None:
    order = sorted(starts)
    versions = [
        Division(code="530102", name=str(start), level="county", from_=start, until=after - timedelta(days=1))
        for start, after in zip(order, order[1:], strict=False)
    ]
    record = Division(code="530102", name=str(order[-1]), level="county", from_=order[-1], history=tuple(versions))
    found, begun = record.on(day), [start for start in order if start <= day]
    assert (found and found.name) == (str(begun[-1]) if begun else None)
    assert parse(record_key(record), record_value(record)) == record


def test_an_organisation_that_is_not_there_yet_or_gone_for_good_is_nobody() -> None:
    directory = loaded()
    assert directory.current(org(1), CHANGE - timedelta(days=1)) == (None, ())
    gone = Organisation(code=org(9), name="撤销", kind="agency", division="530102", until=DAY)
    directory.apply(gone, 99)
    assert directory.current(org(9), DAY + timedelta(days=1)) == (None, ())
    assert directory.current("unknown", DAY) == (None, ())
    assert directory.organisation("unknown", DAY) is None and directory.division("999999", DAY) is None


def test_successors_that_go_round_end_with_nobody() -> None:
    pair = tuple(
        Organisation(code=org(a), name="x", kind="agency", division="530102", until=CHANGE, successor=org(b))
        for a, b in ((7, 8), (8, 7))
    )
    assert loaded(pair).current(org(7), DAY) == (None, (org(7), org(8)))


def test_the_administration_is_the_divisions_own_or_the_nearest_above() -> None:
    directory = loaded()

    def administration(division: str, day: date = DAY) -> str | None:
        found = directory.administration_of(division, day)
        return found.code if found else None

    assert administration("530102") == org(1)
    assert administration("530102", CHANGE - timedelta(days=1)) == org(1, "530100")
    assert administration("530103") == org(1, "530100")
    assert administration("999999") is None


def test_an_administration_supervises_its_division_and_those_below() -> None:
    directory = loaded()
    for administration in (org(1), org(1, "530100"), org(1, "530000")):
        assert directory.supervises(administration, "530102", DAY) and directory.supervises(administration, "530102")
    assert not directory.supervises(org(1), "530103", DAY)
    assert not directory.supervises(org(1), "530100", DAY)
    assert not directory.supervises(org(4), "530102", DAY)
    assert directory.ancestors("530102") == ("530100", "530000") and directory.ancestors("999999") == ()


def test_a_matter_is_looked_for_in_the_division_then_above_and_its_agency_as_of_the_day() -> None:
    directory = loaded()

    def competent(matter: str, division: str, day: date = DAY) -> str | None:
        found = directory.competent(matter, division, day)
        return found.code if found else None

    assert competent("A1", "530102") == org(4)
    assert competent("A1", "530102", CHANGE - timedelta(days=1)) == org(3)
    assert competent("A1", "530103") is None and competent("A1", "530100") is None
    assert competent("B2", "530102") == competent("B2", "530100") == org(15, "530100")
    assert competent("B2", "530000") is None
    assert directory.matter("A1", DAY) and directory.matter("C3", DAY) is None
    assert directory.matter_by_name(" 异地就医备案", "530102", DAY) == directory.matter("B2", DAY)
    assert directory.matter_by_name("异地就医", "530102", DAY) is None


@pytest.mark.parametrize(
    ("name", "division", "code"),
    [
        ("区局", "530102", org(1)),
        ("区 局(样例)", "530102", org(1)),
        ("工商局", "530102", org(4)),
        ("工商", "530102", org(4)),
        ("质监局", "530102", org(4)),
        ("医保局", "530102", org(15, "530100")),
        ("市监局", "530000", org(4)),
        ("市监局", "530103", None),
        ("监局", "530102", None),
        ("", "530102", None),
    ],
)
def test_a_name_is_matched_exactly_in_the_division_then_above_then_below(
    name: str, division: str, code: str | None
) -> None:
    found = loaded().organisation_by_name(name, division, DAY)
    assert (found and found.code) == code


def test_a_name_two_bear_names_nobody() -> None:
    twin = Organisation(code=org(5), name="市监局", kind="agency", division="530102")
    assert loaded((twin,)).organisation_by_name("市监局", "530102", DAY) is None


def test_a_newer_record_takes_the_place_of_the_older_and_its_names() -> None:
    directory = loaded()
    count = len(directory)
    renamed = Organisation(code=org(15, "530100"), name="医疗保障局", kind="agency", division="530100")
    directory.apply(renamed, 50)
    assert (len(directory), directory.offset) == (count, 50)
    assert directory.organisation_by_name("医保局", "530100", DAY) is None
    assert directory.organisation_by_name("医疗保障局", "530100", DAY) == renamed


def test_names_are_compared_half_width_and_without_the_sample_mark() -> None:
    assert plain(" ＡＢ 局（样例）") == plain("ab局")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"division:530102", None),
        (b"division:530102", b""),
        (b"division:530102", b"\xff"),
        (b"division:530102", b'{"type": "street", "code": "530102"}'),
        (b"division:530102", b'{"type": "division", "code": "53010", "name": "x", "level": "city"}'),
        (b"division:530103", b'{"type": "division", "code": "530102", "name": "x", "level": "city"}'),
        (None, b'{"type": "division", "code": "530102", "name": "x", "level": "city"}'),
    ],
)
def test_what_is_no_record_is_bad_input(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(BadInput):
        parse(key, value)


def test_a_field_of_a_later_version_is_ignored_on_the_topic() -> None:
    value = b'{"type": "division", "code": "530102", "name": "x", "level": "city", "later": 1}'
    assert parse(b"division:530102", value).name == "x"


@dataclass(frozen=True)
class Read:
    """A Kafka record as the fold needs it."""

    key: bytes | None
    value: bytes | None
    offset: int


async def test_the_topic_folds_to_a_directory_and_what_is_no_record_is_told() -> None:
    async def topic() -> AsyncIterator[Read]:
        for offset, record in enumerate(records()):
            yield Read(record_key(record), record_value(record), offset)
        yield Read(b"x", b"y", 77)

    directory, faults = await fold(topic())
    assert list(directory.records()) == list(loaded().records())
    assert directory.offset == len(records()) - 1
    assert len(faults) == 1 and "offset 77" in faults[0]


def test_the_samples_are_sound_and_marked_as_samples() -> None:
    found = read(SAMPLES)
    organisations = [record for record in found if isinstance(record, Organisation)]
    assert 40 <= len(organisations) <= 80
    assert all(record.sample and record.name.endswith("（样例）") for record in organisations)
    assert {record.code[:2] for record in found if isinstance(record, Division)} == {"53", "51", "37", "41", "63"}
    directory = Directory()
    for offset, record in enumerate(found):
        directory.apply(record, offset)
    for record in found:
        if isinstance(record, Division):
            assert directory.administration_of(record.code, DAY), record
        if isinstance(record, Matter):
            assert directory.competent(record.code, record.division, DAY), record
    assert any(record.vertical for record in organisations) and any(record.venue for record in organisations)
    assert any(record.successor for record in organisations)


GOOD = """
divisions:
  - {code: 530000, name: 云南省, level: province, administration: 11530000XXXXXXX001}
organisations:
  - {code: 11530000XXXXXXX001, name: 省局, kind: administration, division: 530000}
  - code: 11530000XXXXXXX002
    name: 新局
    kind: agency
    division: 530000
    from: 2024-01-01
    history:
      - {name: 旧局, until: 2023-12-31}
matters:
  - {code: A1, name: 登记, division: 530000, agency: 11530000XXXXXXX002}
"""


def test_a_version_in_history_states_only_what_differed(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    path.write_text(GOOD)
    found = read(path)
    assert [record.type for record in found] == ["division", "organisation", "organisation", "matter"]
    older = found[2].on(date(2023, 6, 1))
    assert isinstance(older, Organisation)
    assert (older.name, older.kind, older.division, older.from_) == ("旧局", "agency", "530000", None)


def test_json_is_read_like_yaml(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(
        json.dumps({"divisions": [{"code": "530000", "name": "云南省", "level": "province", "parent": None}]})
    )
    assert read(path) == (Division(code="530000", name="云南省", level="province"),)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("level: province", "level: town", r":3: 530000: field `level`"),
        (", level: province", "", r":3: 530000: field `level`: Field required"),
        ("level: province", "level: province, colour: red", r":3: 530000: field `colour` is not known"),
        ("level: province", "level: province, level: city", r":3: field `level` stands twice \(line 3\)"),
        ("level: province", "level: province, parent: 110000", r":3: 530000 .*field `parent`: there is no 110000"),
        ("level: province", "level: province, parent: 530000", r":3: 530000 .*`parent` leads back to itself"),
        ("administration: 11530000XXXXXXX001", "administration: 11530000XXXXXXX009", r":3: .*there is no .*009"),
        ("administration: 11530000XXXXXXX001", "administration: 11530000XXXXXXX002", r":3: .*is of kind agency"),
        ("code: 11530000XXXXXXX001, name", "code: 1153O, name", r":5: 1153O: field `code`: .*it is '1153O'"),
        ("agency: 11530000XXXXXXX002", "agency: 11530000XXXXXXX009", r":14: A1 .*field `agency`"),
        ("    kind: agency", "    kind: agency\n    successor: 11530000XXXXXXX001", r":6: .*`successor` needs `until`"),
        ("    kind: agency", "    kind: agency\n    venue: 11530000XXXXXXX001", r":6: .*not a centre"),
        ("from: 2024-01-01", "from: 2023-12-31", r":6: .*overlaps the one from 2023-12-31"),
        ("from: 2024-01-01", "from: 2024-02-30", r":6: .*field `from`"),
        ("    history:", "    history: x\n    aliases:", r":6: .*field `history` must be a list"),
        ("matters:", "matter:", r":13: `matter` must be a list under one of"),
        ("code: A1", "code: [A1", r"neither YAML nor JSON"),
    ],
)
def test_a_faulty_file_is_refused_with_line_record_and_field(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "d.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=told):
        read(path)


def test_a_code_that_stands_twice_and_rings_of_successors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    twice = "  - {code: 11530000XXXXXXX001, name: 又一个, kind: agency, division: 530000}\n"
    path.write_text(GOOD.replace("matters:", twice + "matters:"))
    with pytest.raises(ConfigurationError, match=r":13: organisation:11530000XXXXXXX001 stands here twice"):
        read(path)
    ring = GOOD.replace(
        "kind: administration,", "kind: administration, until: 2023-01-01, successor: 11530000XXXXXXX002,"
    )
    ring = ring.replace(
        "    kind: agency", "    kind: agency\n    until: 2025-01-01\n    successor: 11530000XXXXXXX001"
    )
    path.write_text(ring)
    with pytest.raises(ConfigurationError, match="`successor` leads back to itself"):
        read(path)


@pytest.mark.parametrize(("content", "told"), [(None, "there is no"), (b"\xff\xfe\x00", "read|YAML"), (b"- x", "hold")])
def test_what_is_no_directory_file_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "d.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told):
        read(path)
