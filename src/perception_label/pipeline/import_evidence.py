"""Imported boxes against the LiDAR's points: another reading of their numbers may fit better.

Method. On a few sweeps the points off the ground that lie in the boxes are counted, at most 50 for
each box, as the boxes were read and as they would be with axes, sizes, origin or coordinate
frame taken another way. Nothing is changed: the person who knows the file decides.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.cloud.ground import split_ground
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_inside
from perception_label.readers.labels import Given
from perception_label.readers.labels.given import COORDINATE_FRAMES
from perception_label.storage.logs import Log

LOOKED_AT = 8  # sweeps
MOST = 50  # points of one box that count: a few near ones shall not decide
BETTER, AT_LEAST = 1.5, 40  # times as many points, and so many more, before anything is said

Placed = Callable[[Given, Ints, Ints], Cuboids]


def misread(log: Log, given: Given, rows: Ints, sweeps: Ints, placed: Placed) -> tuple[str, ...]:
    """Return a line if another reading of the boxes holds many more points, else none.

    Parameters
    ----------
    log : Log
        With ego poses.
    given : Given
        As read.
    rows, sweeps : (K,) int64
        Boxes that are taken, and the sweep of each.
    placed : callable
        (given, rows, sweeps) → their cuboids in the world.
    """
    looked = np.unique(sweeps)
    looked = looked[np.linspace(0, len(looked) - 1, min(LOOKED_AT, len(looked))).astype(np.int64)]
    chosen = np.isin(sweeps, looked)
    rows, sweeps = rows[chosen], sweeps[chosen]
    if not len(rows):
        return ()
    points = {int(i): _standing(log, int(i)) for i in looked}

    def held(reading: Given) -> int:
        cuboids = placed(reading, rows, sweeps)
        n = 0
        for i, cloud in points.items():
            inside = points_inside(cloud, cuboids[sweeps == i])
            n += int(np.minimum(inside, MOST).sum())
        return n

    now = held(given)
    found = [(held(reading), text) for text, reading in _readings(given)]
    most, text = max(found)
    if most < BETTER * now + AT_LEAST:
        return ()
    return (
        f"on {len(points)} sweeps the boxes hold {now} points as read, and {most} if {text}: "
        "were they meant so?",
    )


def _standing(log: Log, i: int) -> Floats:
    """Return the points of a sweep that are not ground, world frame, (N, 3)."""
    sweep = log.sweep(i)
    if not len(sweep) or sweep.world_from_sensor is None:
        return np.empty((0, 3))
    finite = np.isfinite(sweep.points_m).all(axis=1)
    return sweep.world_points_m()[finite & ~split_ground(sweep.points_m)]


def _readings(given: Given) -> Iterator[tuple[str, Given]]:
    """Yield other ways to read the numbers, and how to say them."""
    boxes = given.cuboids
    x, y, z = boxes.center_m.T
    length, width, height = boxes.size_m.T
    yaw = boxes.yaw_rad

    def reading(center: tuple[Floats, ...], size: tuple[Floats, ...], turn: Floats) -> Given:
        made = Cuboids(np.column_stack(center), np.column_stack(size), turn)
        return replace(given, cuboids=made)

    plain, size = (x, y, z), (length, width, height)
    # The same footprints: which of the two it is, points cannot tell.
    swapped = "length and width are swapped, or the heading is 0 along y"
    yield swapped, reading(plain, (width, length, height), yaw)
    yield "headings are clockwise", reading(plain, size, -yaw)
    yield "positions are of the bottom face", reading((x, y, z + height / 2), size, yaw)
    yield "positions are of the top face", reading((x, y, z - height / 2), size, yaw)
    yield "x points right and y ahead", reading((y, -x, z), size, yaw - np.pi / 2)
    yield "x and y are swapped", reading((y, x, z), size, np.pi / 2 - yaw)
    yield "y points right", reading((x, -y, z), size, -yaw)
    yield "x points right, y down and z ahead", reading((z, -x, -y), size, -np.pi / 2 - yaw)
    for frame in COORDINATE_FRAMES:
        if frame != given.coordinate_frame:
            yield f"they are relative to {frame}", replace(given, coordinate_frame=frame)
