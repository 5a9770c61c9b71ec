"""The boxes of a nuScenes scene, and what its names mean in our words."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.readers.classes import own_names
from perception_label.readers.files import floats, listed, refuse
from perception_label.readers.json_tables import Record, field
from perception_label.readers.nuscenes_tables import SceneTables, transforms

CLASSES = {
    "human.pedestrian.adult": "pedestrian",
    "human.pedestrian.child": "pedestrian",
    "human.pedestrian.construction_worker": "pedestrian",
    "human.pedestrian.police_officer": "pedestrian",
    "human.pedestrian.wheelchair": "pedestrian",
    "human.pedestrian.personal_mobility": "pedestrian",
    "vehicle.car": "car",
    "vehicle.emergency.police": "car",
    "vehicle.emergency.ambulance": "truck",
    "vehicle.truck": "truck",
    "vehicle.bus.bendy": "bus",
    "vehicle.bus.rigid": "bus",
    "vehicle.trailer": "trailer",
    "vehicle.motorcycle": "motorcycle",
    "vehicle.bicycle": "bicycle",
    "vehicle.construction": "construction_vehicle",
    # Names of results files, and of the tables of Lyft and TruckScenes.
    "car": "car",
    "truck": "truck",
    "bus": "bus",
    "trailer": "trailer",
    "motorcycle": "motorcycle",
    "bicycle": "bicycle",
    "pedestrian": "pedestrian",
    "construction_vehicle": "construction_vehicle",
    "other_vehicle": "other",
    "emergency_vehicle": "truck",
}
WITH_RIDER = "cycle.with_rider"
TILT_RAD = 0.02  # a box that leans more than this is stored upright, and said


def read_labels(tables: SceneTables, times_ns: Mapping[str, int]) -> tuple[Labels, list[str]]:
    """Return the boxes of a scene in the world frame, and what was not taken.

    Parameters
    ----------
    tables : SceneTables
        The scene.
    times_ns : mapping
        The instant of each sample's sweep, by the sample's token; boxes of others are left out.

    Raises
    ------
    SourceError
        If a record lacks a value or has one of another kind.
    """
    path = tables.folder / "sample_annotation.json"
    rows = [row for row in tables.annotations if row["sample_token"] in times_ns]
    left_out = []
    if len(rows) < len(tables.annotations):
        n = len(tables.annotations) - len(rows)
        left_out.append(f"{n} boxes of samples without a sweep of the LiDAR")
    cuboids, n_leaning = boxes_of(path, rows)
    if n_leaning:
        left_out.append(f"the lean of {n_leaning} boxes: they are stored upright")
    names, unmapped = _classes(tables)
    instances = [row["instance_token"] for row in rows]
    times = [times_ns[row["sample_token"]] for row in rows]
    labels = Labels.from_columns(times, instances, [names[i] for i in instances], cuboids)
    if unmapped:
        left_out.append(f"names that became other: {listed(unmapped)}")
    told = Counter(_attributes(tables))
    if told:
        left_out.append(f"{told.total()} attributes of boxes ({listed(sorted(told))})")
    return labels, left_out


def boxes_of(path: Path, rows: Sequence[Record]) -> tuple[Cuboids, int]:
    """Return the boxes of records in the dataset's world, upright, and how many leaned.

    Raises
    ------
    SourceError
        If a record lacks a number.
    """
    sizes = floats(path, [r.get("size") for r in rows] or np.empty((0, 3)), (-1, 3), "size")
    if len(sizes) and sizes.min() < 0:
        raise refuse(path, "sizes above 0", sizes.min())
    matrices = transforms(path, rows) if rows else np.empty((0, 4, 4))
    leaning = np.arccos(matrices[:, 2, 2].clip(-1, 1)) > TILT_RAD
    yaw = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    return Cuboids(matrices[:, :3, 3], sizes[:, [1, 0, 2]], yaw), int(leaning.sum())


def is_ridden(tables: SceneTables) -> set[str]:
    """Return the instances that have a rider in most of their boxes."""
    riders: dict[str, list[bool]] = defaultdict(list)
    for row in tables.annotations:
        riders[row["instance_token"]].append(WITH_RIDER in _attributes_of(tables, row))
    return {token for token, told in riders.items() if np.mean(told) > 0.5}


def _classes(tables: SceneTables) -> tuple[dict[str, str], list[str]]:
    """Return our class of each instance, and the names that have none.

    A bicycle or motorcycle that is ridden in most of its boxes is a cyclist.
    """
    ridden = is_ridden(tables)
    path = tables.folder / "category.json"
    source = {
        token: field(path, tables.categories[row["category_token"]], "name")
        for token, row in tables.instances.items()
    }
    ours = dict(zip(source, own_names(source.values(), CLASSES), strict=True))
    for token, name in ours.items():
        if name in ("bicycle", "motorcycle") and token in ridden:
            ours[token] = "cyclist"
    strange = sorted({name for name in source.values() if name.lower() not in CLASSES})
    return ours, strange


def _attributes(tables: SceneTables) -> list[str]:
    every = [name for row in tables.annotations for name in _attributes_of(tables, row)]
    return [name for name in every if name != WITH_RIDER]


def _attributes_of(tables: SceneTables, row: dict[str, object]) -> list[str]:
    tokens = row.get("attribute_tokens")
    if not isinstance(tokens, list):
        return []
    known = (tables.attributes.get(t) for t in tokens if isinstance(t, str))
    return [str(a["name"]) for a in known if a is not None and "name" in a]
