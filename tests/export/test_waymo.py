"""Waymo v2 segments: by the book, by the slow decoder, and back through our own reader."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import format_worlds as worlds
from oracles import range_images as oracle
from perception_label.export.waymo_ranges import _placed
from perception_label.pipeline.export import export
from perception_label.readers import open_log


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"))


@pytest.fixture(scope="module")
def out(world):
    export(world.workspace, world.root / "out put", "waymo")
    return world.root / "out put"


def rows(out, component):
    return parquet.read_table(out / f"training/{component}/hill-1.parquet").to_pylist()


def test_boxes_are_in_the_vehicle_frame(world, out):
    name = "[LiDARBoxComponent]"
    known = {(r["track_id"], r["timestamp_ns"] // 1000): r for r in world.rows}
    found = rows(out, "lidar_box")
    assert len(found) == len(known)
    types = {"car": 1, "truck": 1, "pedestrian": 2, "cyclist": 4}
    for box in found:
        row = known[box["key.laser_object_id"], box["key.frame_timestamp_micros"]]
        center = [box[f"{name}.box.center.{axis}"] for axis in "xyz"]
        assert center == pytest.approx(row["ego_center_m"])
        assert [box[f"{name}.box.size.{axis}"] for axis in "xyz"] == row["size_m"]
        heading = box[f"{name}.box.heading"]
        assert -np.pi <= heading < np.pi
        ahead = world.world_from_ego[row["sweep"]][:3, :3] @ [np.cos(heading), np.sin(heading), 0]
        assert ahead[:2] / np.hypot(*ahead[:2]) == pytest.approx(row["world_heading"][:2])
        assert box[f"{name}.type"] == types[row["class_name"]]
        assert box[f"{name}.num_lidar_points_in_box"] == row["n_points"]
        assert box[f"{name}.difficulty_level.detection"] == 1


def test_range_images_hold_the_very_points(world, out):
    laser = rows(out, "lidar_calibration")[0]
    rise = laser["[LiDARCalibrationComponent].beam_inclination.values"]
    mount = np.array(laser["[LiDARCalibrationComponent].extrinsic.transform"]).reshape(4, 4)
    np.testing.assert_allclose(mount, world.ego_from_lidar, atol=1e-12)
    image, poses = (
        np.reshape(
            rows(out, component)[3][f"[{kind}].range_image_return1.values"],
            rows(out, component)[3][f"[{kind}].range_image_return1.shape"],
        )
        for component, kind in (("lidar", "LiDARComponent"), ("lidar_pose", "LiDARPoseComponent"))
    )
    decoded = oracle.points_of(image[..., 0], mount, rise, poses, world.world_from_ego[3])
    sweep = world.log.sweep(3)
    ego = sweep.points_m.astype(float) @ mount[:3, :3].T + mount[:3, 3]
    for got, wanted in ((decoded, ego), (ego, decoded)):
        gaps = np.linalg.norm(got[:, None] - wanted[None], axis=2).min(axis=1)
        assert gaps.max() < 1e-4
    assert (image[..., 0] > 0).sum() == len(sweep)
    hit = image[..., 0] > 0
    assert sorted(image[hit][:, 1].tolist()) == sorted(sweep.intensity.tolist())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=30))
def test_points_get_pixels_of_their_own(pairs):
    beam = np.array([b for b, _ in pairs], dtype=np.int64)
    wanted = np.array([w for _, w in pairs], dtype=np.int64)
    width = max(10, int(np.bincount(beam, minlength=1).max()) if len(beam) else 10)
    column = _placed(beam, wanted, width)
    assert len(set(zip(beam.tolist(), column.tolist(), strict=True))) == len(pairs)
    assert ((column >= 0) & (column < width)).all()
    alone = [k for k in range(len(pairs)) if (beam == beam[k]).sum() == 1]
    assert column[alone].tolist() == wanted[alone].tolist()


def test_our_reader_gets_the_log_back(world, out):
    again = open_log(out)
    assert again.timestamps_ns.tolist() == world.timestamps_ns.tolist()
    truth = again.truth
    for row in world.rows:
        mine = (truth.timestamps_ns == row["timestamp_ns"]) & (
            np.array(truth.track_names)[truth.tracks] == row["track_id"]
        )
        box = truth[mine].cuboids
        np.testing.assert_allclose(box.center_m[0], row["world_center_m"], atol=1e-9)
        np.testing.assert_allclose(np.cos(box.yaw_rad[0] - row["yaw_rad"]), 1, atol=1e-12)
    for k in range(worlds.N_SWEEPS):
        assert len(again.source(k)) == len(world.log.sweep(k))
    camera = again.cameras["FRONT"]
    front = worlds.CAMERAS["front"]
    np.testing.assert_allclose(camera.ego_from_camera, front.ego_from_camera, atol=1e-12)
    assert camera.intrinsics == front.intrinsics
    taken = world.log.images["front"].timestamps_ns
    assert np.abs(again.pictures["FRONT"].timestamps_ns - taken).max() < 1000
    side = json.loads((out / "side/hill-1.json").read_text())
    assert side["cameras"] == {"front": 1, "left_back": 2}


def test_without_points_there_are_labels_alone(world, tmp_path):
    export(world.workspace, tmp_path / "o", "waymo", points=False)
    components = {p.name for p in (tmp_path / "o/training").iterdir()}
    assert components == {"lidar_box", "vehicle_pose"}
    assert len(open_log(tmp_path / "o").truth) == len(world.rows)
