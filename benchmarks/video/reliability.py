"""Whether the expected IoU of propagated boxes is what it turns out to be.

python benchmarks/video/reliability.py [--cache FOLDER] [--out FILE.svg]

Boxes between keyframes 4, 8, 15, 25 and 50 images apart, and up to 100 images beyond one. The
weights of `video/expected.py` were fitted on half of the tracks of vtest (even), half of a
simulated 60 s video's (even), all of a simulated 10 s video and PandaSet 002's front camera;
here only tracks that they were not fitted on count (vtest: odd; simulated 60 s: odd).
`--cache` is that of `simulated_boxes.py`; without it only vtest is measured.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from bench_propagate_boxes import DATA, N, iou, truth
from simulated_boxes import render, tracks_of

APART, EVERY, MOST_AWAY, LEAST = (4, 8, 15, 25, 50), 30, 100, 20


def between(images, tracks):
    """Return expected and measured IoU, and the keyframes' distance, of boxes between them."""
    from perception_label.video.box_between import Between

    rows = []
    for at, boxes in tracks:
        for step in APART:
            keys = sorted({*range(0, len(at), step), len(at) - 1})
            for first, last in pairwise(keys):
                if at[last] - at[first] < 2:
                    continue
                gap = Between(int(at[first]), int(at[last]), boxes[[first, last]])
                for k in range(at[first], at[last] + 1):
                    gap.see(images[k])
                found, mine = gap.solve(), at[first + 1 : last] - at[first]
                overlap = iou(found.boxes_px[mine], boxes[first + 1 : last])
                rows.append(
                    np.column_stack(
                        [found.expected_iou[mine], overlap, np.full(len(overlap), step)]
                    )
                )
    return np.concatenate(rows)


def beyond(images, tracks):
    """Return expected and measured IoU, and the way to the keyframe, of boxes beyond one."""
    from perception_label.video.box_beyond import Beyond

    rows = []
    for at, boxes in tracks:
        where = {int(k): box for k, box in zip(at, boxes, strict=True)}
        for first in range(0, len(at), EVERY):
            for step, end in ((1, int(at[-1])), (-1, int(at[0]))):
                begin = int(at[first])
                one = Beyond(begin, boxes[first], images[begin], step)
                for k in range(begin + step, end + step, step):
                    if abs(k - begin) > MOST_AWAY or one.is_lost:
                        break
                    one.see(images[k])
                    if k in where:
                        found = one.solve()
                        j = -1 if step > 0 else 0
                        rows.append((found.expected_iou[j], iou(found.boxes_px[j], where[k]), 0))
    return np.array(rows)


def told(name, rows):
    """Print the table of one set; return its bins (mean expected, mean measured, boxes)."""
    bins = []
    for low in np.arange(0, 1, 0.1):
        mine = rows[(rows[:, 0] >= low) & (rows[:, 0] < low + 0.1 + 1e-9)]
        if len(mine) >= LEAST:
            bins.append((mine[:, 0].mean(), mine[:, 1].mean(), len(mine)))
    table = np.array(bins)
    off = np.abs(table[:, 0] - table[:, 1])
    typical = np.average(off, weights=table[:, 2])
    print(f"{name}: off by {typical:.3f} on average, {off.max():.3f} in the worst of the bins")
    for expected, measured, n in bins:
        print(f"  expected {expected:.2f}, measured {measured:.2f} ({n:.0f} boxes)")
    return table


def draw(path, tables):
    """Draw the reliability of all sets as an SVG."""
    side, colours = 320, ("#1b7f79", "#c2571a", "#5a4fcf", "#8a6d00")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side + 220} {side + 50}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect x="40" y="10" width="{side}" height="{side}" fill="none" stroke="#888"/>',
        f'<line x1="40" y1="{10 + side}" x2="{40 + side}" y2="10" stroke="#bbb"/>',
        f'<text x="{40 + side / 2}" y="{side + 45}" text-anchor="middle">expected IoU</text>',
        f'<text x="14" y="{10 + side / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {10 + side / 2})">measured IoU</text>',
    ]
    for mark in (0, 0.5, 1):
        out.append(
            f'<text x="{40 + side * mark}" y="{side + 25}" text-anchor="middle">{mark}</text>'
        )
        out.append(f'<text x="36" y="{14 + side * (1 - mark)}" text-anchor="end">{mark}</text>')
    for k, (name, table) in enumerate(tables.items()):
        places = [(40 + side * e, 10 + side * (1 - m)) for e, m, _ in table]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colours[k % 4]}"/>')
        for (x, y), (_, _, n) in zip(places, table, strict=True):
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{1.5 + n**0.25 / 2:.1f}" '
                       f'fill="{colours[k % 4]}"/>')  # fmt: skip
        out.append(f'<text x="{side + 55}" y="{30 + 18 * k}" fill="{colours[k % 4]}">{name}</text>')
    path.write_text("\n".join([*out, "</svg>"]) + "\n")


def main():
    from perception_label.video.images import open_images
    from perception_label.video.pyramid import Pyramid

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    people = [(np.flatnonzero(np.isfinite(b[:, 0])), b[np.isfinite(b[:, 0])]) for b in truth()]
    greys = open_images(DATA / "vtest.avi").greys(0, N)
    sets = {"vtest": ([Pyramid.of(grey) for grey in greys], people[1::2])}
    if args.cache is not None:
        rgb, boxes = render(args.cache, 1, 60)
        greys = open_images(rgb).greys(0, None)
        tracks = [(images, at_boxes) for images, at_boxes, _ in tracks_of(boxes)]
        sets["simulated, 60 s"] = ([Pyramid.of(grey) for grey in greys], tracks[1::2])
    tables = {}
    for name, (images, tracks) in sets.items():
        rows = between(images, tracks)
        tables[f"{name}, between"] = told(f"{name}, between keyframes", rows)
        for step in APART:
            mine = rows[rows[:, 2] == step]
            e, m = mine[:, 0].mean(), mine[:, 1].mean()
            print(f"  {step} images apart: expected {e:.3f}, measured {m:.3f}")
        tables[f"{name}, beyond"] = told(f"{name}, beyond", beyond(images, tracks))
    if args.out is not None:
        draw(args.out, tables)


if __name__ == "__main__":
    main()
