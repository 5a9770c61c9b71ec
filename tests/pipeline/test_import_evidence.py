"""Boxes whose numbers mean something else are told by the points they do not hold."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perception_label import open_workspace
from perception_label.geometry.cuboids import Cuboids
from perception_label.pipeline.imported import import_labels
from perception_label.tables import labels_from_table

WRONG = {
    "length and width are swapped, or the heading is 0 along y": lambda c, s, y: (
        c,
        s[:, [1, 0, 2]],
        y,
    ),
    "positions are of the bottom face": lambda c, s, y: (c - s * [0, 0, 0.5], s, y),
    "x points right and y ahead": lambda c, s, y: (c[:, [1, 0, 2]] * [-1, 1, 1], s, y + np.pi / 2),
    "y points right": lambda c, s, y: (c * [1, -1, 1], s, -y),
}


@pytest.fixture
def workspace(town_workspace, tmp_path):
    shutil.copytree(town_workspace.path, tmp_path / "ws")
    return open_workspace(tmp_path / "ws")


def written(workspace, path, frame, change=lambda c, s, y: (c, s, y)):
    log = workspace.log()
    boxes = labels_from_table(workspace.truth())
    poses = log.world_from_sensor[np.searchsorted(log.timestamps_ns, boxes.timestamps_ns)]
    if frame == "ego":
        poses = poses @ np.linalg.inv(log.info.ego_from_lidar)
    cuboids = boxes.cuboids if frame == "world" else boxes.cuboids.seen_from(poses)
    packed = Cuboids(*change(cuboids.center_m, cuboids.size_m, cuboids.yaw_rad)).packed()
    names = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")
    columns = {
        "timestamp_ns": boxes.timestamps_ns,
        "class_name": [boxes.class_names[k] for k in boxes.classes],
        "track_id": [boxes.track_names[k] for k in boxes.tracks],
        **{name: packed[:, k] for k, name in enumerate(names)},
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("frame", ["world", "ego", "sensor"])
def test_what_is_right_is_not_doubted(workspace, tmp_path, frame):
    file = written(workspace, tmp_path / "t.parquet", frame)
    assert import_labels(workspace, file, coordinate_frame=frame).warnings == ()


@pytest.mark.parametrize("said", WRONG)
def test_axes_sizes_and_origins_taken_wrongly_are_told(workspace, tmp_path, said):
    file = written(workspace, tmp_path / "t.parquet", "sensor", WRONG[said])
    (line,) = import_labels(workspace, file, coordinate_frame="sensor").warnings
    assert f"if {said}: were they meant so?" in line


def test_a_wrong_coordinate_frame_is_told(workspace, tmp_path):
    file = written(workspace, tmp_path / "t.parquet", "sensor")
    (line,) = import_labels(workspace, file).warnings
    assert "if they are relative to sensor" in line
