"""Cost against quality, as a drawing any browser shows (SVG)."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

import numpy as np

from perception_label.arrays import Floats
from perception_label.simulate.effort.report import TITLES, CostReport

_WIDE, _HIGH = 760, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 44, 50
_COLOURS: Mapping[str, str] = {
    "by_hand": "#8d99ae",
    "sensor_linear": "#e07a5f",
    "world_linear": "#e9b44c",
    "ours": "#1b998b",
}
_STYLE = "font-family='sans-serif' font-size='12' fill='#22223b'"


def draw_cost(report: CostReport) -> str:
    """Return an SVG: seconds per track (logarithmic) against the share of boxes that pass."""
    curves = {name: each.curve for name, each in report.strategies.items()}
    least, most = _decades(curves)
    title = (
        f"{report.log_id}: {len(report.judged.things)} tracks, {report.judged.n_boxes} boxes, "
        f"{report.judged.sensor_s:.0f} s"
    )
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDE} {_HIGH}' {_STYLE}>",
        f"<rect width='{_WIDE}' height='{_HIGH}' fill='#ffffff'/>",
        f"<text x='{_LEFT}' y='24' font-size='14'>{escape(title)}</text>",
        *_axes(least, most),
    ]
    for k, (name, curve) in enumerate(curves.items()):
        x, y = _x(np.maximum(curve[:, 0], least), least, most), _y(curve[:, 1])
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        colour = _COLOURS[name]
        line = f"fill='none' stroke='{colour}' stroke-width='2.2'"
        parts.append(f"<polyline points='{points}' {line}/>")
        parts.append(f"<circle cx='{x[-1]:.1f}' cy='{y[-1]:.1f}' r='4.5' fill='{colour}'/>")
        total = report.strategies[name].effort.seconds_per_track["nominal"]
        row = _TOP + 16 + 17 * k
        label = escape(f"{TITLES[name]}: {total:.1f} s per track")
        parts.append(
            f"<rect x='{_LEFT + 10}' y='{row - 9}' width='10' height='10' fill='{colour}'/>"
        )
        parts.append(f"<text x='{_LEFT + 26}' y='{row}'>{label}</text>")
    return "\n".join([*parts, "</svg>\n"])


def _decades(curves: Mapping[str, Floats]) -> tuple[float, float]:
    most = max((float(curve[:, 0].max()) for curve in curves.values()), default=10.0)
    return 0.1, float(10.0 ** np.ceil(np.log10(max(most, 10.0))))


def _axes(least: float, most: float) -> list[str]:
    parts = []
    for power in range(round(np.log10(least)), round(np.log10(most)) + 1):
        at = float(_x(np.array([10.0**power]), least, most)[0])
        parts.append(f"<path d='M{at:.1f} {_TOP}V{_HIGH - _BOTTOM}' stroke='#e5e5ef'/>")
        where = f"x='{at:.1f}' y='{_HIGH - _BOTTOM + 18}' text-anchor='middle'"
        parts.append(f"<text {where}>{10.0**power:g}</text>")
    for share in np.linspace(0, 1, 6):
        at = float(_y(np.array([share]))[0])
        parts.append(f"<path d='M{_LEFT} {at:.1f}H{_WIDE - _RIGHT}' stroke='#e5e5ef'/>")
        where = f"x='{_LEFT - 8}' y='{at + 4:.1f}' text-anchor='end'"
        parts.append(f"<text {where}>{share:.0%}</text>")
    middle = (_LEFT + _WIDE - _RIGHT) / 2
    below = "annotator seconds per track, nominal, pauses included"
    parts.append(f"<text x='{middle}' y='{_HIGH - 12}' text-anchor='middle'>{below}</text>")
    turn = f"transform='translate(16 {(_TOP + _HIGH - _BOTTOM) / 2}) rotate(-90)'"
    parts.append(f"<text {turn} text-anchor='middle'>truth boxes with a box that passes</text>")
    return parts


def _x(seconds: Floats, least: float, most: float) -> Floats:
    share = (np.log10(seconds) - np.log10(least)) / (np.log10(most) - np.log10(least))
    return np.asarray(_LEFT + share * (_WIDE - _LEFT - _RIGHT))


def _y(share: Floats) -> Floats:
    return np.asarray(_HIGH - _BOTTOM - share * (_HIGH - _BOTTOM - _TOP))
