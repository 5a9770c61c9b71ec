"""Out and in again, for whatever log: the same boxes, ids, classes and times, on any slope."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from labelled_logs import write
from perception_label.export import Labelled, plan
from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, pose
from perception_label.readers.labels import Facts, class_names_of, read_labels
from perception_label.tables import labels_to_table

NEAR = 1e-4  # metres and radians
# Where each format's labels lie below the folder that was written to.
LABELS = {
    "parquet": "law.parquet",
    "csv": "law.csv",
    "jsonl": "law.jsonl",
    "kitti-tracking": "label_02/law.txt",
    "kitti-object": "training",
    "kitti-raw": "law",
    "openlabel": "law.openlabel.json",
    "datumaro": "lidar",
    "mcap": "law.mcap",
    "supervisely": ".",
    "sustech": ".",
    "nuscenes": "v1.0-labels",
    "argoverse2": "val/law/annotations.feather",
    "waymo": "training/lidar_box/law.parquet",
}
IDS = ("7", "007", "id with spaces", 'quo"te', "<&>", "ünïcode", "line\nbreak")
NAMES = ("car", "bus", "pedestrian", "cyclist", "trailer")


def turn(rng, most):
    return Rotation.from_euler("ZYX", [rng.uniform(-np.pi, np.pi), *rng.uniform(-most, most, 2)])


def rigid(rng, most, reach):
    quaternion = turn(rng, most).as_quat(scalar_first=True)
    return pose(rng.uniform(-reach, reach, 3), quaternion)


def log(seed, n_boxes, has_camera):
    rng = np.random.default_rng(seed)
    times = 1_700_000_000_000_000_000 + np.cumsum(rng.integers(50_000_000, 150_000_000, 5))
    ego = EgoPoses(times, np.array([rigid(rng, 0.15, 300) for _ in times]))
    ahead = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    mount = np.eye(4)
    mount[:3, :3] = Rotation.from_euler("ZYX", rng.uniform(-0.2, 0.2, 3)).as_matrix() @ ahead
    front = Camera(640, 480, ((500, 0, 320), (0, 500, 240), (0, 0, 1)), mount)
    sweep, track = rng.integers(0, 5, n_boxes), rng.integers(0, len(IDS), n_boxes)
    kept = np.unique(sweep * 100 + track, return_index=True)[1]
    sweep, track = sweep[kept], track[kept]
    sizes = rng.uniform(0.3, 12, (len(IDS), 3))
    yaw = rng.choice([0, np.pi / 2, -np.pi / 2, np.pi, rng.uniform(-7, 7)], len(kept))
    labels = Labels.from_columns(
        times[sweep],
        [IDS[k] for k in track],
        [NAMES[k % len(NAMES)] for k in track],
        Cuboids(ego.world_from_ego[sweep][:, :3, 3] + rng.uniform(-80, 80, (len(kept), 3)),
                sizes[track], yaw),
    )  # fmt: skip
    sources = rng.choice(["human", "solver"], len(labels)).tolist()
    return (
        Labelled(
            log_id="law",
            boxes=labels_to_table(labels, sources),
            timestamps_ns=times,
            ego_poses=ego,
            ego_from_lidar=rigid(rng, 0.15, 3),
            cameras={"front": front} if has_camera else {},
            points=False,
        ),
        labels,
        sources,
    )


def in_world(given, facts, sweeps):
    world_from_ego = facts.ego_poses.world_from_ego[sweeps]
    if given.coordinate_frame == "ego":
        return given.cuboids.moved(world_from_ego)
    if given.coordinate_frame == "sensor":
        return given.cuboids.moved(world_from_ego @ facts.ego_from_lidar)
    assert given.coordinate_frame == "world"
    return given.cuboids


@pytest.mark.parametrize("format", LABELS)
@settings(max_examples=25, deadline=None)
@drawn(seed=st.integers(0, 2**32 - 1), n_boxes=st.integers(0, 30), has_camera=st.booleans())
def test_labels_come_back(format, seed, n_boxes, has_camera):
    labelled, labels, sources = log(seed, n_boxes, has_camera)
    facts = Facts(
        log_id="law",
        timestamps_ns=labelled.timestamps_ns,
        ego_poses=labelled.ego_poses,
        ego_from_lidar=labelled.ego_from_lidar,
        cameras=labelled.cameras,
    )
    with tempfile.TemporaryDirectory() as folder:
        write(plan(labelled, format), Path(folder))
        given = read_labels(Path(folder) / LABELS[format], format, facts)
    sweeps = given.at
    if not given.by_number:
        sweeps = np.searchsorted(facts.timestamps_ns, given.at)
        assert (facts.timestamps_ns[sweeps] == given.at).all()
    boxes = in_world(given, facts, sweeps)
    places = zip(given.track_ids.tolist(), sweeps.tolist(), strict=True)
    found = {place: k for k, place in enumerate(places)}
    assert len(found) == len(labels) == len(given.at)
    for row in range(len(labels)):
        sweep = int(np.searchsorted(facts.timestamps_ns, labels.timestamps_ns[row]))
        k = found[labels.track_names[labels.tracks[row]], sweep]
        name = given.class_names[k]
        name = class_names_of(format).get(name.lower(), name)
        assert name == labels.class_names[labels.classes[row]]
        assert np.allclose(boxes.center_m[k], labels.cuboids.center_m[row], rtol=0, atol=NEAR)
        assert np.allclose(boxes.size_m[k], labels.cuboids.size_m[row], rtol=0, atol=NEAR)
        off = boxes.yaw_rad[k] - labels.cuboids.yaw_rad[row]
        assert abs((off + np.pi) % (2 * np.pi) - np.pi) < NEAR
        if given.is_key is not None:
            assert given.is_key[k] == (sources[row] == "human")
