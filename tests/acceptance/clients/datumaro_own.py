"""Datumaro's own format, read by Datumaro: point clouds with cuboids, pictures with boxes.

It rounds what it reads to two decimals, so 0.005 is all that can be asked of cuboids.
"""

import math

import numpy as np
from checks import client, heading

ROUNDED = 0.0051


def matrix(x, y, z):
    """Rx Ry Rz."""
    cx, sx, cy, sy, cz, sz = (f(a) for a in (x, y, z) for f in (math.cos, math.sin))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


@client("datumaro")
def check(checks):
    import datumaro

    root = checks.folder / "datumaro"
    clouds = datumaro.Dataset.import_from(str(root / "lidar"), "datumaro")
    n = len(checks.truth["timestamps_ns"])
    checks.that("every sweep is an item", len(clouds) == n, len(clouds))
    names = [one.name for one in clouds.categories()[datumaro.AnnotationType.label]]
    centers, sizes, ahead, keys, classes, there = [], [], [], [], [], []
    for item in clouds:
        rows = checks.rows(item.attributes["frame"])
        there.append(bool(item.media.data))
        for one in item.annotations:
            row = rows.pop(one.attributes["track_id"])
            centers += list(np.subtract(one.position, row["lidar_center_m"]))
            sizes += list(np.subtract(one.scale, row["size_m"]))
            turned = matrix(*one.rotation)[:, 0]
            ahead.append(heading(turned) - heading(row["lidar_heading"]))
            keys.append(one.attributes["keyframe"] != row["is_key"])
            classes.append(names[one.label] != row["class_name"])
    ahead = [(a + math.pi) % (2 * math.pi) - math.pi for a in ahead]
    checks.that("every cloud is there", all(there), len(there))
    checks.near("centres in the LiDAR frame of a moving ego", centers, ROUNDED)
    checks.near("sizes", sizes, ROUNDED)
    checks.near("headings in that frame", ahead, 2 * ROUNDED)
    checks.near("keyframes told from the rest", keys, 0)
    checks.near("classes", classes, 0)
    pictures = datumaro.Dataset.import_from(str(root / "cameras"), "datumaro")
    checks.that("every picture is an item", len(pictures) == 2 * n, len(pictures))
    inside = []
    for item in pictures:
        height, width = item.media.data.shape[:2]
        for one in item.annotations:
            x, y, w, h = one.get_bbox()
            inside.append(x >= 0 and x + w <= width + 0.01 and y >= 0 and y + h <= height + 0.01)
    checks.that("boxes lie in the pictures that open", inside and all(inside), len(inside))
