"""Which text binds a case: most local first, in force on the day received, bound for life."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from shared.law import Binding, Calendar, LawErrors, Library, NotInForce, UnknownProvision, due, load

SIXTH = Path(__file__).parent / "sixth" / "linhai-2026"


def deployed(folder: Path, text: str) -> Library:
    (folder / "deployment.yaml").write_text(text, encoding="utf-8")
    return load(folder)


def bind(library: Library, division: str, received: date, **more: str) -> Binding:
    asked = {"venue": None, "channel": "web", "kind": "complaint", "organisation": None} | more
    return library.bind(division=division, received=received, **asked)  # type: ignore[arg-type]


def test_the_basis_is_a_sentence_with_day_place_and_text(library: Library) -> None:
    found = bind(library, "530102", date(2026, 9, 18))
    assert "2026-09-18" in found.basis and "530102" in found.basis and "云政办规〔2022〕4号" in found.basis
    assert [each.short for each in found.citations] == ["2"]


def test_nothing_in_force_is_unbound_and_says_so(library: Library) -> None:
    found = bind(library, "110101", date(2026, 9, 18))
    assert (found.instrument, found.digest, found.citations) == (None, None, ())
    assert "没有现行有效的文件" in found.basis


def test_before_its_first_day_a_text_is_not_in_force(library: Library) -> None:
    with pytest.raises(NotInForce, match="尚未施行"):
        library.in_force("yunnan-2022", date(2022, 7, 9))


def test_after_its_last_day_a_text_is_not_in_force(library: Library) -> None:
    with pytest.raises(NotInForce, match="已失效"):
        library.in_force("suining-2023", date(2025, 10, 1))
    assert library.in_force("suining-2023", date(2025, 9, 30)).id == "suining-2023"


def test_an_unknown_name_is_answered_with_the_known_ones(library: Library) -> None:
    with pytest.raises(UnknownProvision, match="yunnan-2022"):
        library.get("yunan-2022")
    with pytest.raises(UnknownProvision, match="handover"):
        library.get("yunnan-2022").obligation("hand-over")


def test_data_corrected_since_is_noticed_and_the_newest_serves(library: Library) -> None:
    assert not library.holds("yunnan-2022", "0" * 64)
    assert library.get("yunnan-2022", "0" * 64).id == "yunnan-2022"


def test_the_same_data_has_the_same_digest(library: Library) -> None:
    assert {each.digest for each in library.editions} == {each.digest for each in load().editions}


def test_the_more_local_text_goes_first(tmp_path: Path) -> None:
    copy = tmp_path / "linhai-2026"
    shutil.copytree(SIXTH, copy)
    head = (copy / "instrument.yaml").read_text(encoding="utf-8").replace('["9901"]', '["5301"]')
    (copy / "instrument.yaml").write_text(head, encoding="utf-8")
    library = load(tmp_path)
    assert bind(library, "530102", date(2026, 9, 18)).instrument == "linhai-2026"
    assert bind(library, "530300", date(2026, 9, 18)).instrument == "yunnan-2022"
    assert bind(library, "530102", date(2025, 12, 31)).instrument == "yunnan-2022"


def test_a_newer_text_ends_the_one_it_replaces_but_not_its_cases(tmp_path: Path) -> None:
    copy = tmp_path / "linhai-2026"
    shutil.copytree(SIXTH, copy)
    head = (copy / "instrument.yaml").read_text(encoding="utf-8").replace('["9901"]', '["53"]')
    (copy / "instrument.yaml").write_text(head + "replaces: [yunnan-2022]\n", encoding="utf-8")
    library = load(tmp_path)
    before = bind(library, "530102", date(2025, 12, 31))
    assert before.instrument == "yunnan-2022"
    assert bind(library, "530102", date(2026, 1, 1)).instrument == "linhai-2026"
    assert library.holds("yunnan-2022", before.digest or "")
    with pytest.raises(NotInForce, match="为准"):
        library.in_force("yunnan-2022", date(2026, 1, 1))


STAND_IN = """
stand_ins:
  - for: suining-2023
    uses: suining-2023
    divisions: ["5109"]
    from: 2025-10-01
    until: 2026-12-31
    decided_by: 遂宁市某函〔2025〕1号（虚构）
    reason: 新办法出台前参照原办法
"""


def test_a_dated_stand_in_binds_what_would_be_unbound_and_says_whose_decision_it_is(tmp_path: Path) -> None:
    library = deployed(tmp_path, STAND_IN)
    found = bind(library, "510903", date(2025, 10, 1))
    assert (found.instrument, found.stand_in) == ("suining-2023", True)
    assert "本地部署的决定" in found.basis and "虚构" in found.basis
    assert library.in_force("suining-2023", date(2026, 12, 31)).id == "suining-2023"
    assert bind(library, "510903", date(2027, 1, 1)).instrument is None
    assert bind(library, "510903", date(2025, 9, 30)).stand_in is False


def test_a_newer_rule_of_a_higher_level_prevails_from_its_day(tmp_path: Path) -> None:
    text = "supersessions: [{instrument: suining-2023, from: 2024-06-01, by: 四川省某规定（虚构）}]\n"
    library = deployed(tmp_path, text)
    assert bind(library, "510903", date(2024, 5, 31)).instrument == "suining-2023"
    assert bind(library, "510903", date(2024, 6, 1)).instrument is None
    with pytest.raises(NotInForce, match="四川省某规定"):
        library.in_force("suining-2023", date(2024, 6, 1))


OVERRIDE = """
overrides:
  - instrument: henan-2020
    obligation: resolution
    from: 2026-07-01
    until: 2026-12-31
    period: {unit: working_days, length: 3}
    law: 《某法》第八条（虚构）
"""


def platform(library: Library, day: date, **more: str) -> int | None:
    found = bind(library, "410503", day, channel="platform", **more)
    assert found.instrument
    return library.get(found.instrument, found.digest).obligation("resolution").period.length


def test_another_laws_period_prevails_between_its_days(tmp_path: Path, calendar: Calendar) -> None:
    library = deployed(tmp_path, OVERRIDE)
    lengths = {str(day): platform(library, day) for day in map(date.fromisoformat, DAYS)}
    assert lengths == {"2026-06-30": 5, "2026-07-01": 3, "2026-12-31": 3, "2027-01-01": 5}
    duty = library.in_force("henan-2020", date(2026, 7, 1)).obligation("resolution")
    result = due(duty, date(2026, 9, 28), calendar)
    assert result.due_day == date(2026, 10, 8)
    assert "《某法》第八条（虚构）" in str(result.interpretation)
    assert result.citations[-1].title == "《某法》第八条（虚构）"


DAYS = ("2026-06-30", "2026-07-01", "2026-12-31", "2027-01-01")


def test_another_laws_period_can_be_for_one_organisation_only(tmp_path: Path) -> None:
    library = deployed(tmp_path, OVERRIDE + "    organisations: [MED]\n")
    assert platform(library, date(2026, 7, 1)) == 5
    assert platform(library, date(2026, 7, 1), organisation="MED") == 3
    assert library.in_force("henan-2020", date(2026, 7, 1)).obligation("resolution").period.length == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OVERRIDE.replace("henan-2020", "yunnan-2022"), "does not let another law"),
        (OVERRIDE.replace("obligation: resolution", "obligation: settlement"), "settlement"),
        (OVERRIDE.replace("length: 3", "length: none"), "deployment.yaml:7"),
        (STAND_IN.replace("from: 2025-10-01", "from: 2025-09-30"), "still in force"),
        (STAND_IN.replace("uses: suining-2023", "uses: suining-2027"), "suining-2027"),
        (STAND_IN.replace("    until: 2026-12-31\n", ""), "until"),
        ("supersessions: [{instrument: suining-2023, from: 2026-01-01, by: 某规定}]\n", "during validity"),
        ("standins: []\n", "standins"),
    ],
)
def test_what_a_deployment_may_not_say_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises((LawErrors, Exception), match=said):
        deployed(tmp_path, text)
