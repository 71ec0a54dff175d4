"""Sample complaints for the demo, from deploy/samples, as HTTP bodies and as 12345 work orders."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

SAMPLES = Path(__file__).parents[3] / "deploy" / "samples" / "complaints.yaml"
Body = dict[str, Any]


def templates(division: str = "53") -> list[Body]:
    """The sample complaints (not suggestions or enquiries) of divisions under this prefix."""
    found: Sequence[Body] = yaml.safe_load(SAMPLES.read_text(encoding="utf-8"))["complaints"]
    return [
        one for one in found if one["division"].startswith(division) and one.get("kind", "complaint") == "complaint"
    ]


def own(template: Body, number: int) -> Body:
    """The template as a complaint of its own: another person's, on another affair, so that none is a repetition."""
    person = {k: v for k, v in template.get("complainant", {}).items() if k != "id_number"}
    made = {**template, "complainant": {**person, "phone": f"1990{number:07d}"}}
    made.pop("affair", None)
    return made


def body(template: Body, number: int, received_by: str | None) -> Body:
    """The JSON body of complaint `number`; directly received ones name who received them."""
    made = {**own(template, number), "channel": "web", "source_reference": f"demo-{number:06d}"}
    made.pop("received_on", None)
    return {**made, "received_by": received_by, "channel": "onsite"} if received_by else made


def work_order(template: Body, number: int, came: datetime, run: str) -> Mapping[str, str]:
    """The same complaint as a row of a 12345 work-order file."""
    person = own(template, number)["complainant"]
    accused, matter = template.get("accused", {}), template.get("matter", {})
    return {
        "工单编号": f"{run}-{number:06d}",
        "来电时间": came.strftime("%Y-%m-%d %H:%M:%S"),
        "来电人": person.get("name", ""),
        "联系电话": person.get("phone", ""),
        "行政区划": template["division"],
        "诉求类型": "投诉",
        "标题": template["title"],
        "诉求内容": template["content"],
        "诉求目的": template.get("demand", ""),
        "被投诉单位": accused.get("organisation", ""),
        "事项编码": matter.get("code", ""),
        "事项名称": matter.get("name", ""),
    }


def table(rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as CSV with a head."""
    found = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(found[0]) if found else ["工单编号"])
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()
