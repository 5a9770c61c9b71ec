"""Real sweeps with a truth for every point, and a made-up one where there is no recording."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_label import points_inside, split_ground
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import inverse
from perception_label.readers import pandaset

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", "../shared/data"))
PANDASET, KITTI = DATA / "pandaset/002", DATA / "semantickitti_seq00"
# Road, parking, sidewalk, other ground, lane marking, terrain. Vegetation (70) is not ground
# here, though grass has that label too; it is also scored with vegetation left out.
KITTI_GROUND, KITTI_VEGETATION, KITTI_UNKNOWN = (40, 44, 48, 49, 60, 72), 70, (0, 1)
KITTI_THINGS = (10, 11, 13, 15, 18, 20, 30, 31, 32, *range(252, 260))
GROWN_M = 0.1  # truth boxes hug their points: a centimetre decides over many


@dataclass(frozen=True)
class Labelled:
    """points_m (N, 3); is_ground, is_known, is_vegetation (N,); objects (N,), -1 = none."""

    name: str
    points_m: np.ndarray
    is_ground: np.ndarray
    is_known: np.ndarray
    is_vegetation: np.ndarray
    objects: np.ndarray


def semantickitti() -> Labelled:
    points = np.fromfile(KITTI / "000000.bin", np.float32).reshape(-1, 4)[:, :3]
    labels = np.fromfile(KITTI / "000000.label", np.uint32)
    classes, things = labels & 0xFFFF, np.full(len(labels), -1)
    thing = np.isin(classes, KITTI_THINGS) & (labels >> 16 > 0)
    things[thing] = np.unique(labels[thing], return_inverse=True)[1]
    return Labelled(
        "SemanticKITTI 00/000000",
        np.ascontiguousarray(points),
        np.isin(classes, KITTI_GROUND),
        ~np.isin(classes, KITTI_UNKNOWN),
        classes == KITTI_VEGETATION,
        things,
    )


def pandaset_sweeps(rows) -> list[Labelled]:
    recording, found = pandaset.open_log(PANDASET), []
    for i in rows:
        sweep = recording.source(i)
        classes = pandaset.read_semantics(PANDASET, i)
        truth = recording.truth[recording.truth.timestamps_ns == sweep.timestamp_ns]
        # Not the world's z but the sensor's: the boxes are cut out where the points are.
        world_from_sensor = recording.source.world_from_ego[i] @ recording.ego_from_lidar
        boxes = truth.cuboids.moved(inverse(world_from_sensor))
        grown = Cuboids(boxes.center_m, boxes.size_m + GROWN_M, boxes.yaw_rad)
        inside = points_inside(sweep.points_m, grown, mask=True)
        things = np.where(inside.any(axis=0), inside.argmax(axis=0), -1)
        ground, known = (classes >= 6) & (classes <= 12), classes > 0
        points = np.ascontiguousarray(sweep.points_m)
        name = f"PandaSet 002/{i:02d}"
        found.append(Labelled(name, points, ground, known, classes == 5, things))
    return found


def everything(step: int = 4) -> list[Labelled]:
    """Return all labelled sweeps there are, every `step`-th of PandaSet's."""
    sweeps = [semantickitti()] if KITTI.exists() else []
    return sweeps + (pandaset_sweeps(range(0, 40, step)) if PANDASET.exists() else [])


def street(n: int = 120_000) -> np.ndarray:
    """Return a made-up sweep: a road with kerbs, walls on both sides and parked cars."""
    rng = np.random.default_rng(0)
    turn, r = rng.uniform(0, 2 * np.pi, n), 3 + rng.exponential(11, n)
    x, y = r * np.cos(turn), np.clip(r * np.sin(turn), -14, 14)
    z = -1.7 + 0.02 * x + 0.15 * (np.abs(y) > 6) + rng.normal(0, 0.02, n)
    wall = np.abs(y) == 14
    z[wall] += rng.uniform(0, 6, wall.sum())
    car = (np.abs(np.abs(y) - 5) < 1) & (np.mod(x, 7) < 4.4)
    z[car] += rng.uniform(0.2, 1.5, car.sum())
    return np.stack([x, y, z], axis=1).astype(np.float32)


def a_sweep() -> np.ndarray:
    """Return the points of one sweep for timing: SemanticKITTI's, or the made-up street."""
    return semantickitti().points_m if KITTI.exists() else street()


def above_ground(points_m: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(points_m[~split_ground(points_m)])
