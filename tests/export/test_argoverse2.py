"""Argoverse 2 logs, read by the book, and back through our own reader."""

import json

import numpy as np
import pytest
from pyarrow import feather
from scipy.spatial.transform import Rotation

import format_worlds as worlds
from perception_label.pipeline.export import export
from perception_label.readers import open_log

POSE = ["qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"))


@pytest.fixture(scope="module")
def out(world):
    export(world.workspace, world.root / "out put", "argoverse2")
    return world.root / "out put"


def read(path):
    return feather.read_table(str(path)).to_pylist()


def placed(row):
    out = np.eye(4)
    out[:3, :3] = Rotation.from_quat([row[k] for k in ("qx", "qy", "qz", "qw")]).as_matrix()
    out[:3, 3] = [row[k] for k in ("tx_m", "ty_m", "tz_m")]
    return out


def test_boxes_are_in_the_ego_frame_of_their_sweep(world, out):
    rows = {(r["track_id"], r["timestamp_ns"]): r for r in world.rows}
    found = read(out / "val/hill-1/annotations.feather")
    assert len(found) == len(rows)
    for box in found:
        row = rows[box["track_uuid"], box["timestamp_ns"]]
        there = placed(box)
        assert there[:3, 3] == pytest.approx(row["ego_center_m"])
        assert there[:3, 0] == pytest.approx(row["ego_heading"], abs=1e-9)
        assert [box[k] for k in ("length_m", "width_m", "height_m")] == row["size_m"]
        assert box["num_interior_pts"] == row["n_points"]
    kinds = {box["category"] for box in found}
    assert kinds == {"REGULAR_VEHICLE", "TRUCK", "PEDESTRIAN", "BICYCLIST"}


def test_poses_are_there_at_every_sweep_and_image(world, out):
    known = {
        r["timestamp_ns"]: placed(r) for r in read(out / "val/hill-1/city_SE3_egovehicle.feather")
    }
    for at, pose in zip(world.timestamps_ns.tolist(), world.world_from_ego, strict=True):
        np.testing.assert_allclose(known[at], pose, atol=1e-9)
    for images in world.log.images.values():
        assert set(images.timestamps_ns.tolist()) <= known.keys()


def test_the_layout_has_what_its_loader_needs(world, out):
    root = out / "val/hill-1"
    assert len(list((root / "sensors/lidar").iterdir())) == worlds.N_SWEEPS
    mounts = {
        r["sensor_name"]: placed(r)
        for r in read(root / "calibration/egovehicle_SE3_sensor.feather")
    }
    assert mounts.keys() == {"up_lidar", "down_lidar", "ring_front_center", "left_back"}
    np.testing.assert_allclose(mounts["up_lidar"], world.ego_from_lidar, atol=1e-12)
    lens = {r["sensor_name"]: r for r in read(root / "calibration/intrinsics.feather")}
    assert (lens["left_back"]["width_px"], lens["left_back"]["fx_px"]) == (128, 70.0)
    assert len(list((root / "sensors/cameras/ring_front_center").glob("*.jpg"))) == worlds.N_SWEEPS
    area = json.loads(next((root / "map").glob("log_map_archive_*.json")).read_text())
    ring = area["drivable_areas"]["1"]["area_boundary"]
    xs, ys = [p["x"] for p in ring], [p["y"] for p in ring]
    assert min(xs) < world.world_from_ego[:, 0, 3].min() - 100
    assert max(ys) > world.world_from_ego[:, 1, 3].max() + 100
    side = json.loads((out / "side/hill-1.json").read_text())
    assert side["cameras"]["ring_front_center"] == "front"
    assert side["keyframes"]["7"] == [0, 3, 6, 7]
    assert side["attributes"]["car 1"] == worlds.ATTRIBUTES["car 1"]


def test_our_reader_gets_the_log_back(world, out):
    again = open_log(out)
    assert again.timestamps_ns.tolist() == world.timestamps_ns.tolist()
    truth = again.truth
    assert len(truth) == len(world.rows)
    for row in world.rows:
        mine = (truth.timestamps_ns == row["timestamp_ns"]) & (
            np.array(truth.track_names)[truth.tracks] == row["track_id"]
        )
        box = truth[mine].cuboids
        np.testing.assert_allclose(box.center_m[0], row["world_center_m"], atol=1e-9)
        np.testing.assert_allclose(box.size_m[0], row["size_m"])
        np.testing.assert_allclose(np.cos(box.yaw_rad[0] - row["yaw_rad"]), 1, atol=1e-12)
    for k in range(worlds.N_SWEEPS):
        before, after = world.log.sweep(k), again.source(k)
        ego = world.ego_from_lidar
        np.testing.assert_allclose(
            after.points_m + again.ego_from_lidar[:3, 3],
            before.points_m @ ego[:3, :3].T + ego[:3, 3],
            atol=1e-4,
        )
        np.testing.assert_array_equal(after.ring, before.ring)
        np.testing.assert_array_equal(after.time_offset_ns, before.time_offset_ns)


def test_without_points_there_are_labels_alone(world, tmp_path):
    export(world.workspace, tmp_path / "o", "argoverse2", points=False)
    assert not (tmp_path / "o/val/hill-1/sensors").exists()
    assert len(open_log(tmp_path / "o").truth) == len(world.rows)
