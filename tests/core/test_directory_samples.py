"""deploy/samples: the demo's complaints and work orders fit the sample directory and are nobody's."""

import csv
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from shared.directory.files import read
from shared.directory.tree import Directory

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
DAY = date(2026, 9, 18)
FICTIONAL = re.compile(r"1990000\d{4}")


def directory() -> Directory:
    found = Directory()
    for offset, record in enumerate(read(SAMPLES / "directory.yaml")):
        found.apply(record, offset)
    return found


def complaints() -> list[dict[str, Any]]:
    content: dict[str, list[dict[str, Any]]] = yaml.safe_load((SAMPLES / "complaints.yaml").read_text())
    return content["complaints"]


def work_orders() -> list[dict[str, str]]:
    with (SAMPLES / "hotline.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [*rows, *json.loads((SAMPLES / "hotline.json").read_text())]


def test_every_complaint_names_a_place_an_organisation_and_a_matter_of_the_directory() -> None:
    known = directory()
    for complaint in complaints():
        place = complaint["division"]
        assert known.division(place, DAY), complaint["title"]
        if name := complaint.get("accused", {}).get("organisation"):
            found = known.organisation_by_name(name, place, DAY)
            assert found, name
            if "matter" in complaint:
                assert known.competent(complaint["matter"]["code"], found.division, DAY) == found, complaint["title"]


def test_all_five_places_kinds_and_most_channels_occur_and_yunnan_most() -> None:
    places = [complaint["division"][:2] for complaint in complaints()]
    assert set(places) == {"53", "51", "37", "41", "63"}
    assert places.count("53") > len(places) / 2
    assert {complaint["kind"] for complaint in complaints()} == {
        "complaint",
        "consultation",
        "suggestion",
        "bad-review",
    }
    assert len({complaint["channel"] for complaint in complaints()}) >= 7


def test_every_work_order_is_of_yunnan_and_its_organisation_is_found() -> None:
    known = directory()
    assert len(work_orders()) == 60
    assert len({row["工单编号"] for row in work_orders()}) == 60
    for row in work_orders():
        assert row["行政区划"].startswith("53") and known.division(row["行政区划"], DAY)
        if name := row.get("被投诉单位"):
            assert known.organisation_by_name(name, row["行政区划"], DAY), name


def test_nobody_real_can_be_called() -> None:
    phones = [complaint["complainant"].get("phone") for complaint in complaints()]
    phones += [row.get("联系电话") for row in work_orders()]
    assert all(FICTIONAL.fullmatch(phone) for phone in phones if phone)
    for file in SAMPLES.iterdir():
        assert all(FICTIONAL.fullmatch(found) for found in re.findall(r"(?<!\w)1[3-9]\d{9}(?!\w)", file.read_text()))
    weights = [pow(2, 17 - place, 11) for place in range(17)]
    for complaint in complaints():
        if number := complaint["complainant"].get("id_number"):
            total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
            assert number[17] != "10X98765432"[total % 11], number
