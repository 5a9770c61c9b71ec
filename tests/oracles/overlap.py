"""Slow twins of perception_label._core.overlap: Shapely does the polygons.

Footprints are (M, 9): centre, cosine and sine of yaw, half sizes, radius.
"""

import numpy as np
import shapely


def _polygon(box, origin):
    x, y, _, c, s, hl, hw = box[:7]
    corners = [(hl, hw), (-hl, hw), (-hl, -hw), (hl, -hw)]
    return shapely.Polygon(
        [(x - origin[0] + c * u - s * v, y - origin[1] + s * u + c * v) for u, v in corners]
    )


def _measured(a, b, measure):
    p, q = _polygon(a, a), _polygon(b, a)
    shared = p.intersection(q).area
    sizes = p.area, q.area
    if measure == 2:
        return shared / min(sizes) if shared else 0.0
    if measure == 1:
        top = min(a[2] + a[7], b[2] + b[7])
        bottom = max(a[2] - a[7], b[2] - b[7])
        shared *= max(0.0, top - bottom)
        sizes = p.area * 2 * a[7], q.area * 2 * b[7]
    return shared / (sum(sizes) - shared) if shared else 0.0


def overlap_matrix(a, b, measure, out):
    for i in range(len(a)):
        for j in range(len(b)):
            out[i, j] = _measured(a[i], b[j], measure)


def overlap_pairs(a, b, measure, out):
    for i in range(len(a)):
        out[i] = _measured(a[i], b[i], measure)


def suppress(a, order, max_overlap, measure, kept, out):
    stays = []
    out[:] = 0
    for row in order:
        if all(_measured(a[k], a[row], measure) <= max_overlap for k in stays):
            stays.append(row)
            out[row] = 1
    kept[: len(stays)] = np.array(stays, dtype=np.int64)
