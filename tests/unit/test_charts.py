"""Charts: what is drawn where, labelled and described; nothing that a source held becomes markup."""

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from publish.report import charts
from publish.report.charts import Level, Segment

POINTS = st.lists(st.none() | st.floats(0, 1e6, allow_nan=False), max_size=40)


def parsed(chart: str) -> ET.Element:
    return ET.fromstring(chart)  # noqa: S314


def trend(points: Sequence[float | None], levels: Sequence[Level] = (), **given_: object) -> ET.Element:
    drawn = charts.line("k01", "Plans in time", "It fell.", points, ["Nov 2023", "Nov 2026"], "47.6%", levels, **given_)  # type: ignore[arg-type]
    return parsed(drawn)


def test_a_chart_is_an_image_with_a_name_and_a_description() -> None:
    image = trend([1, 2, 3])
    assert image.get("role") == "img"
    assert image.get("aria-labelledby") == "k01-title k01-desc"
    assert [(each.tag, each.get("id"), each.text) for each in image[:2]] == [
        ("title", "k01-title", "Plans in time"), ("desc", "k01-desc", "It fell."),
    ]  # fmt: skip


def test_a_point_stands_as_high_as_its_value_and_as_far_right_as_its_time() -> None:
    image = trend([0, 50, 100], ceiling=100, height=200)
    path = image.find("svg/path")
    assert path is not None
    assert path.get("d") == "M0.0 200.0h0L50.0 100.0L100.0 0.0"
    circle = image.find("circle")
    assert circle is not None
    assert (circle.get("cx"), circle.get("cy")) == ("100.0%", "0.0")


def test_a_gap_stays_a_gap() -> None:
    path = trend([10, None, 20, 30], ceiling=100, height=100).find("svg/path")
    assert path is not None
    assert path.get("d") == "M0.0 90.0h0M66.67 80.0h0L100.0 70.0"


def test_the_last_value_that_is_known_has_the_dot() -> None:
    image = trend([10, 20, None], [Level(5, "England 5%", "england")], ceiling=100)
    circle = image.find("circle")
    assert circle is not None
    assert circle.get("cx") == "50.0%"
    assert [(text.text, text.get("x")) for text in image.findall("text") if "end" in (text.get("class") or "")] == [
        ("47.6%", "50.0%"), ("England 5%", "100%"),
    ]  # fmt: skip


def test_labels_never_touch_and_stay_within_the_chart() -> None:
    levels = [Level(47, "England 47%", "england"), Level(48, "Target 48%", "target"), Level(0, "None", "low")]
    image = trend([10, 47.6], levels, ceiling=100, height=220)
    ends = {
        text.text: float(text.get("y") or 0) for text in image.findall("text") if "end" in (text.get("class") or "")
    }
    assert set(ends) == {"47.6%", "England 47%", "Target 48%", "None"}
    places = sorted(ends.values())
    assert all(below - above >= charts.TEXT for above, below in itertools.pairwise(places))
    assert ends["Target 48%"] < ends["47.6%"] < ends["England 47%"] < ends["None"] <= 220


@given(POINTS)
def test_any_points_make_a_chart_that_is_whole(points: list[float | None]) -> None:
    image = trend(points)
    known = sum(point is not None for point in points)
    path = image.find("svg/path")
    assert (path is not None) == bool(known)
    if path is not None:
        assert len(re.findall(r"[ML]", path.get("d") or "")) == known
    parsed(charts.spark("s", "Trend", "", points, 12.5))


@given(POINTS, st.none() | st.floats(0, 1e6))
def test_a_small_line_keeps_within_its_height(points: list[float | None], level: float | None) -> None:
    image = parsed(charts.spark("s", "Trend", "", points, level))
    heights = [float(each) for each in re.findall(r"[ML][\d.]+ (-?[\d.]+)", ET.tostring(image, "unicode"))]
    assert all(0 <= height <= 44 for height in heights)


def test_bars_of_one_whole_are_of_one_scale() -> None:
    image = parsed(charts.bar("b", "Open", [Segment(30, "in_time"), Segment(0, "late"), Segment(20, "long")], 100, 40))
    assert [(each.get("class"), each.get("x"), each.get("width")) for each in image.findall("rect")] == [
        ("in_time", "0.00%", "30.00%"), ("long", "30.00%", "20.00%"),
    ]  # fmt: skip
    mark = image.find("line")
    assert mark is not None
    assert mark.get("x1") == "40.00%"


def test_a_bar_of_nothing_is_empty() -> None:
    assert parsed(charts.bar("b", "None", [Segment(0, "late")], 0)).find("rect") is None


def test_text_is_never_markup() -> None:
    name = "<script>alert(1)</script> & co"
    image = parsed(charts.bar("b", name, [Segment(1, "late")], 1))
    assert image[0].text == name
    drawn = charts.line("l", name, name, [1], [name], name, [Level(1, name, "england")])
    assert "<script" not in drawn
