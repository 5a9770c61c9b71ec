"""KITTI raw: the drive, read back by our reader and by a stranger's arithmetic."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

import format_worlds as worlds
from perception_label.export import plan
from perception_label.geometry.cuboids import Cuboids
from perception_label.pipeline.export import export, labelled
from perception_label.pipeline.imported import facts_of
from perception_label.readers import open_log
from perception_label.readers.labels import read_labels
from perception_label.tables import labels_from_table, labels_to_table


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("drive ü"))


@pytest.fixture(scope="module")
def drive(world):
    export(world.workspace, world.root / "out", "kitti-raw")
    return next((world.root / "out").glob("hill-1/*/*_drive_0001_sync"))


def test_the_drive_is_a_log_again(world, drive):
    log = open_log(drive)
    assert log.timestamps_ns.tolist() == world.timestamps_ns.tolist()
    first = world.world_from_ego[0, :3, 3]
    moved = world.world_from_ego.copy()
    moved[:, :3, 3] -= first
    assert np.allclose(log.ego_poses.world_from_ego, moved, atol=1e-6)
    assert np.allclose(log.ego_from_lidar, world.ego_from_lidar, atol=1e-9)
    assert np.array_equal(log.source(3).points_m, world.log.sweep(3).points_m)
    truth = log.truth
    rows = sorted(world.rows, key=lambda r: (r["timestamp_ns"], r["world_center_m"][0]))
    order = np.lexsort((truth.cuboids.center_m[:, 0], truth.timestamps_ns))
    centers = np.array([r["world_center_m"] for r in rows]) - first
    assert np.allclose(truth.cuboids.center_m[order], centers, atol=1e-5)
    yaws = np.array([r["yaw_rad"] for r in rows])
    assert np.allclose(np.exp(1j * truth.cuboids.yaw_rad[order]), np.exp(1j * yaws), atol=1e-6)
    assert log.cameras["image_02"].width_px == 160
    assert np.allclose(
        log.cameras["image_02"].ego_from_camera, worlds.CAMERAS["front"].ego_from_camera
    )
    assert log.images["image_02"].timestamps_ns.tolist() == (
        world.log.images["front"].timestamps_ns.tolist()
    )


def test_tracklets_lie_on_their_bottom_face_in_the_lidar(world, drive):
    root = ET.parse(drive / "tracklet_labels.xml").getroot()
    items = root.findall("./tracklets/item")
    assert len(items) == len(worlds.TRACKS)
    sizes = sorted(tuple(float(i.findtext(k)) for k in "lwh") for i in items)
    assert sizes == sorted(worlds.SIZES.values())
    pedestrian = next(i for i in items if i.findtext("objectType") == "Pedestrian")
    at = [float(pedestrian.find("poses")[2].findtext(k)) for k in ("tx", "ty", "tz")]
    row = next(r for r in world.rows if r["track_id"] == "人 3" and r["sweep"] == 0)
    assert np.allclose(at, np.subtract(row["lidar_center_m"], [0, 0, 0.9]), atol=1e-5)


def test_labels_come_back_with_ids_classes_and_keyframes(world, drive):
    given = read_labels(drive, "kitti-raw", facts_of(world.log))
    found = dict(
        zip(zip(given.track_ids, given.at, strict=True), range(len(given.at)), strict=True)
    )
    for row in world.rows:
        k = found[row["track_id"], row["sweep"]]
        assert given.class_names[k] == row["class_name"]
        assert given.is_key[k] == row["is_key"]
        assert np.allclose(given.cuboids.center_m[k], row["lidar_center_m"], atol=1e-5)


def test_a_pause_makes_two_tracklets_of_one_track(world, tmp_path):
    labels = labels_from_table(world.log.dense_boxes())
    track = labels.track_names.index("car 1")
    gone = (labels.tracks == track) & (labels.timestamps_ns == world.timestamps_ns[3])
    sizes = labels.cuboids.size_m.copy()
    sizes[np.flatnonzero(labels.tracks == track)[0]] += 0.5
    odd = replace(labels, cuboids=Cuboids(labels.cuboids.center_m, sizes, labels.cuboids.yaw_rad))[
        ~gone
    ]
    given = labelled(world.workspace, world.log, labels_to_table(odd, "x"), points=False)
    planned = plan(given, "kitti-raw")
    assert planned.left_out == ("sizes of 1 boxes that differ from their tracklet's",)
    assert len(read_labels(_written(planned, tmp_path), "kitti-raw", facts_of(world.log)).at) == 39
    tracks = read_labels(_written(planned, tmp_path), "kitti-raw", facts_of(world.log)).track_ids
    assert set(tracks) == set(worlds.CLASSES)


def _written(planned, out):
    for name, fill in planned.files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        fill(out / name)
    return next(out.glob("hill-1/*/*_sync"))


def test_kitti_tracking_with_points_is_a_log_again(world, tmp_path):
    export(world.workspace, tmp_path / "out", "kitti-tracking", points=True)
    log = open_log(f"{tmp_path / 'out'}:hill-1")
    assert len(log.timestamps_ns) == worlds.N_SWEEPS
    assert np.array_equal(log.source(5).points_m, world.log.sweep(5).points_m)
    assert len(log.images["image_02"].paths) == worlds.N_SWEEPS
    source = world.log.images["front"].paths[2].read_bytes()
    assert log.images["image_02"].paths[2].read_bytes() == source
