"""Heights of the ground by least squares, place by place."""

import numpy as np


def plane_heights(cells, heights_m, xy_m, side_m, reach_m, upright, least, half, out):
    at = np.column_stack([cells // 2**32 - half, cells % 2**32 - half])
    wide = int(np.ceil(reach_m / side_m))
    for p, xy in enumerate(xy_m):
        near = (np.abs(at - np.floor(xy / side_m)) <= wide).all(axis=1)
        out[p] = np.nan
        if near.sum() < least:
            continue
        offset = (at[near] + 0.5) * side_m - xy
        # The belief in level ground is two more rows of the system.
        rows = np.vstack([np.column_stack([np.ones(near.sum()), offset]), np.zeros((2, 3))])
        rows[-2, 1] = rows[-1, 2] = np.sqrt(upright)
        values = np.append(heights_m[near].astype(np.float64), [0.0, 0.0])
        out[p] = np.linalg.lstsq(rows, values, rcond=None)[0][0]


def choose_points(points_m, height_m, lowest_m, highest_m, reach_m, is_ground, rows):
    is_ground[:] = (height_m < 0.15) & (height_m > -0.4)
    inside = np.hypot(*points_m[:, :2].astype(np.float64).T) < reach_m
    found = np.flatnonzero((height_m > lowest_m) & (height_m < highest_m) & inside)
    rows[: len(found)] = found
    return len(found)
