"""The reliability figure, as SVG text: expected against measured 3-D IoU.

`python benchmarks/propagation/figure.py OUT.svg REPORT.json …` draws what `bench_solve.py --json`
wrote, the logs of several runs together.
"""

import json
import sys
from pathlib import Path

WIDE, HIGH, LEFT, TOP, SIDE = 640, 470, 60, 20, 400
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
LEAST_BOXES = 20  # a bin of fewer is not drawn


def reliability_svg(logs: dict[str, list[dict]]) -> str:
    """Draw one line for each log; logs as in the report's `reliability` (bins of 0.1)."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}" '
        f'viewBox="0 0 {WIDE} {HIGH}" '
        'font-family="sans-serif" font-size="13" role="img">',
        "<title>Expected IoU against measured IoU</title>",
        f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>',
    ]
    parts.append(
        '<polygon fill="#e8e8e8" points="'
        + " ".join(
            f"{x:.0f},{y:.0f}"
            for x, y in (
                point(0, 0.05), point(0.95, 1), point(1, 1), point(1, 0.95), point(0.05, 0),
                point(0, 0),
            )
        )
        + '"/>'
    )  # fmt: skip
    parts.append(line(point(0, 0), point(1, 1), "#888"))
    for tick in range(0, 11, 2):
        x, y = point(tick / 10, tick / 10)
        bottom, left = TOP + SIDE, LEFT
        parts += [
            line((x, bottom), (x, bottom + 5), "#333"),
            line((left - 5, y), (left, y), "#333"),
            text((x, bottom + 20), f"{tick / 10:.1f}", "middle"),
            text((left - 9, y + 4), f"{tick / 10:.1f}", "end"),
        ]
    parts.append(
        f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#333"/>'
    )
    parts.append(text((LEFT + SIDE / 2, TOP + SIDE + 42), "expected 3-D IoU", "middle"))
    parts.append(
        f'<text transform="translate(18 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">'
        "mean measured 3-D IoU</text>"
    )
    for k, (name, bins) in enumerate(logs.items()):
        colour = COLOURS[k % len(COLOURS)]
        drawn = [b for b in bins if b["boxes"] >= LEAST_BOXES]
        at = [point(b["expected"], b["measured"]) for b in drawn]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
            + " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
            + '"/>'
        )
        total = max(1, sum(b["boxes"] for b in drawn))
        for (x, y), b in zip(at, drawn, strict=True):
            radius = 3 + 9 * (b["boxes"] / total) ** 0.5
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" '
                f'fill-opacity="0.55"><title>{name}: {b["boxes"]} boxes</title></circle>'
            )
        x, y = LEFT + SIDE + 18, TOP + 16 + 22 * k
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="5" fill="{colour}"/>')
        parts.append(text((x + 12, y), name, "start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def point(x: float, y: float) -> tuple[float, float]:
    return LEFT + x * SIDE, TOP + (1 - y) * SIDE


def line(a: tuple[float, float], b: tuple[float, float], colour: str) -> str:
    return f'<path d="M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}" stroke="{colour}"/>'


def text(at: tuple[float, float], words: str, anchor: str) -> str:
    return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{words}</text>'


def write(path: Path, logs: dict[str, list[dict]]) -> None:
    path.write_text(reliability_svg(logs), encoding="utf-8")


def of_reports(found: list[dict]) -> dict[str, list[dict]]:
    """The logs' bins; logs of too few boxes for any are left out."""
    logs = {f["log"]: f.get("reliability", []) for f in found}
    return {k: v for k, v in logs.items() if any(b["boxes"] >= LEAST_BOXES for b in v)}


if __name__ == "__main__":
    reports = [r for name in sys.argv[2:] for r in json.loads(Path(name).read_text("utf-8"))]
    write(Path(sys.argv[1]), of_reports(reports))
