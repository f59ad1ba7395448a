"""Charts as inline SVG that keep their text at its size whatever the width: positions are percentages, text is not.

Every chart is an image with a name and a description for who cannot see it, and is labelled where the eye is. What
differs differs in shape or pattern as well as in colour. Colours are classes: the page's style sheet has them. Equal
input gives equal text; a chart says nothing that its table does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

Number = float | int | Decimal
TEXT = 15  # pixels between the middles of two labels that must not touch


@dataclass(frozen=True)
class Level:
    """A horizontal line to compare with, such as England's figure: its value, the words at its end, and its class."""

    value: Number
    label: str
    kind: str


@dataclass(frozen=True)
class Segment:
    """A part of a bar: its value, and its class, which gives colour and pattern."""

    value: Number
    kind: str


def line(
    name: str,
    title: str,
    description: str,
    points: Sequence[Number | None],
    labels: Sequence[str],
    last: str,
    levels: Sequence[Level] = (),
    height: int = 220,
    ceiling: Number | None = None,
    suffix: str = "",
) -> Markup:
    """A line over time from the first period to the last; None leaves a gap. The last value and levels are labelled.

    `name` is unique in the page; `labels` stand under the axis, first, last and evenly between; `last` beside the
    last point. The axis begins at 0 and ends at `ceiling`, where it has words, or a little above the highest value.
    """
    highest = ceiling or max([*(float(point) for point in points if point is not None),
                              *(float(level.value) for level in levels), 1.0]) * 1.08  # fmt: skip
    drawn = [Markup('<line class="axis" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(height)]
    for share in (0.5, 1.0) if ceiling else ():
        up = _up(float(ceiling or 1) * share, highest, height)
        drawn.append(Markup('<line class="grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(up))
        drawn.append(
            Markup('<text class="scale" x="0" dx="-8" y="{}" dy="0.35em">{}</text>').format(
                up, f"{float(ceiling or 1) * share:g}{suffix}"
            )
        )
    at = [(_share(number, len(points) - 1), point) for number, point in enumerate(points)]
    for level in levels:
        drawn.append(
            Markup('<line class="level {}" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(
                level.kind, y=_up(level.value, highest, height)
            )
        )
    drawn.append(
        Markup('<svg width="100%" height="{}" viewBox="0 0 100 {}" preserveAspectRatio="none">{}</svg>').format(
            height, height, _path(at, highest, height)
        )
    )
    ends: list[tuple[float, str, str]] = [
        (_y(level.value, highest, height), level.label, level.kind) for level in levels
    ]
    known = [(x, point) for x, point in at if point is not None]
    x = 100.0
    if known:
        x, point = known[-1]
        drawn.append(Markup('<circle class="now" cx="{}%" cy="{}" r="4.5"/>').format(x, _up(point, highest, height)))
        ends.append((_y(point, highest, height), last, "now"))
    for y, text, kind in _apart(ends, height):
        drawn.append(
            Markup('<text class="end {}" x="{}%" dx="10" y="{:.1f}" dy="0.35em">{}</text>').format(
                kind, x if kind == "now" else 100, y, text
            )
        )
    for number, label in enumerate(labels):
        drawn.append(
            Markup('<text class="tick {}" x="{}%" y="{}">{}</text>').format(
                "first" if not number else "last" if number == len(labels) - 1 else "",
                _share(number, len(labels) - 1),
                height + 20,
                label,
            )
        )
    return _image(name, title, description, height + (28 if labels else 6), Markup().join(drawn), "line")


def spark(name: str, title: str, description: str, points: Sequence[Number | None], level: Number | None) -> Markup:
    """A small line without words: the numbers stand beside it. A dashed level compares."""
    height = 44
    known = [float(point) for point in points if point is not None]
    within = [*known, *([float(level)] if level is not None else [])]
    low, high = (min(within), max(within)) if within else (0.0, 1.0)
    margin = (high - low) * 0.1 or max(abs(high) * 0.1, 0.5)
    base, span = low - margin, high - low + 2 * margin
    at = [(_share(number, len(points) - 1), None if point is None else float(point) - base)
          for number, point in enumerate(points)]  # fmt: skip
    drawn = []
    if level is not None:
        drawn.append(
            Markup('<line class="level" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(
                y=_up(float(level) - base, span, height)
            )
        )
    drawn.append(
        Markup('<svg width="100%" height="{}" viewBox="0 0 100 {}" preserveAspectRatio="none">{}</svg>').format(
            height, height, _path(at, span, height)
        )
    )
    ends = [(x, point) for x, point in at if point is not None][-1:]
    drawn += [Markup('<circle class="now" cx="{}%" cy="{}" r="4"/>').format(x, _up(y, span, height)) for x, y in ends]
    return _image(name, title, description, height, Markup().join(drawn), "spark")


def bar(name: str, title: str, segments: Sequence[Segment], whole: Number, mark: Number | None = None) -> Markup:
    """One horizontal bar of segments, of a width that is shared by all bars with the same `whole`.

    `mark` puts an upright line across it, such as England's share. The words stand in the page, above or below.
    """
    height, x, drawn = 22, 0.0, []
    for segment in segments:
        width = _part(segment.value, whole)
        if width:
            drawn.append(
                Markup('<rect class="{}" x="{:.2f}%" y="3" width="{:.2f}%" height="{}"/>').format(
                    segment.kind, x, width, height - 6
                )
            )
        x += width
    if mark is not None:
        drawn.append(
            Markup('<line class="mark" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="{1}"/>').format(
                _part(mark, whole), height
            )
        )
    return _image(name, title, "", height, Markup().join(drawn), "bar")


def _image(name: str, title: str, description: str, height: int, drawn: Markup, kind: str) -> Markup:
    described = Markup('<desc id="{}-desc">{}</desc>').format(name, description) if description else Markup()
    by = f"{name}-title {name}-desc" if description else f"{name}-title"
    return Markup(
        '<svg class="{}" role="img" aria-labelledby="{}" width="100%" height="{}" focusable="false">'
        '<title id="{}-title">{}</title>{}{}</svg>'
    ).format(kind, by, height, name, title, described, drawn)


def _path(at: Sequence[tuple[float, Number | None]], highest: Number, height: int) -> Markup:
    """A line through the points that are known; a point between two gaps is a dot."""
    parts, is_drawing = [], False
    for x, point in at:
        if point is None:
            is_drawing = False
            continue
        parts.append(f"{'L' if is_drawing else 'M'}{x} {_up(point, highest, height)}")
        if not is_drawing:
            parts.append("h0")
        is_drawing = True
    return Markup('<path class="trend" d="{}"/>').format("".join(parts)) if parts else Markup()


def _apart(ends: Sequence[tuple[float, str, str]], height: int) -> list[tuple[float, str, str]]:
    """Labels moved up or down until none touches another, in their order and within the chart."""
    placed: list[tuple[float, str, str]] = []
    for y, text, kind in sorted(ends):
        placed.append((max(y, placed[-1][0] + TEXT) if placed else y, text, kind))
    limit = float(height)
    for number in range(len(placed) - 1, -1, -1):
        y, text, kind = placed[number]
        placed[number] = (min(y, limit), text, kind)
        limit = placed[number][0] - TEXT
    return placed


def _share(number: int, last: int) -> float:
    return round(100 * number / last, 2) if last > 0 else 100.0


def _part(value: Number, whole: Number) -> float:
    return min(100.0, 100 * float(value) / float(whole)) if whole else 0.0


def _y(value: Number, highest: Number, height: int) -> float:
    return height * (1 - min(1.0, max(0.0, float(value) / float(highest))))


def _up(value: Number, highest: Number, height: int) -> str:
    return f"{_y(value, highest, height):.1f}"
