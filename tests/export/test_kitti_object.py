"""KITTI object: each sweep's boxes, as a stranger who reads the layout by its book finds them."""

import json

import numpy as np
import pytest
from PIL import Image

import format_worlds as worlds
from perception_label.export import plan_logs
from perception_label.pipeline.export import export, labelled


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"), ("hill-1", "hill-2"))


@pytest.fixture(scope="module")
def out(world):
    export(world.workspace, world.root / "out put", "kitti-object")
    return world.root / "out put"


def calibration(out, number):
    lines = (out / f"training/calib/{number:06d}.txt").read_text().splitlines()
    said = {k: np.array(v.split(), float) for k, v in (line.split(": ") for line in lines)}
    lidar_to_camera = np.vstack([said["Tr_velo_to_cam"].reshape(3, 4), [0, 0, 0, 1]])
    return said["P2"].reshape(3, 4), np.linalg.inv(lidar_to_camera)


def lines(out, number):
    text = (out / f"training/label_2/{number:06d}.txt").read_text()
    return [line.split(" ") for line in text.splitlines()]


def test_boxes_are_where_the_truth_has_them(world, out):
    for number in range(2 * worlds.N_SWEEPS):
        _, lidar_from_camera = calibration(out, number)
        rows = {r["track_id"]: r for r in world.rows if r["sweep"] == number % worlds.N_SWEEPS}
        side = json.loads((out / f"side/hill-{1 + number // worlds.N_SWEEPS}.json").read_text())
        at = side["lines"][number - side["first_number"]]
        assert len(at) == len(rows)
        for line, track in zip(lines(out, number), at, strict=True):
            row = rows[side["tracks"][track]["track_id"]]
            h, w, length, x, y, z, ry = map(float, line[8:15])
            assert np.allclose([length, w, h], row["size_m"], atol=1e-6)
            center = lidar_from_camera @ [x, y - h / 2, z, 1]
            assert np.allclose(center[:3], row["lidar_center_m"], atol=1e-5)
            heading = lidar_from_camera[:3, :3] @ [np.cos(ry), 0, -np.sin(ry)]
            # Readers make a yaw about the LiDAR's z axis of it first.
            heading[2] = 0
            world_from_lidar = world.world_from_ego[row["sweep"]] @ world.ego_from_lidar
            level = (world_from_lidar[:3, :3] @ heading)[:2]
            assert np.allclose(level / np.hypot(*level), row["world_heading"][:2], atol=1e-5), row[
                "track_id"
            ]


def test_points_and_pictures_are_those_of_the_sweep(world, out):
    points = np.fromfile(out / "training/velodyne/000011.bin", dtype="<f4").reshape(-1, 4)
    assert np.array_equal(points[:, :3], world.log.sweep(3).points_m)
    assert points[:, 3].max() <= 1
    assert points[:, 3].max() > 0.9
    source = world.log.images["front"].paths[3].read_bytes()
    assert (out / "training/image_2/000011.png").read_bytes() == source
    numbers = (out / "ImageSets/train.txt").read_text().split()
    assert numbers == [f"{k:06d}" for k in range(16)]


def test_flat_boxes_hold_the_points_of_their_track(world, out):
    matrix, lidar_from_camera = calibration(out, 0)
    seen = 0
    with Image.open(out / "training/image_2/000000.png") as picture:
        width, height = picture.size
    for line, row in zip(lines(out, 0), sorted(world.rows[:5], key=track), strict=True):
        x0, y0, x1, y1 = map(float, line[4:8])
        center = np.linalg.inv(lidar_from_camera) @ [*row["lidar_center_m"], 1]
        pixel = matrix @ center
        u, v = pixel[:2] / pixel[2]
        if line[4] == "-1.00":
            assert float(line[1]) == 1
            assert center[2] < 0 or not (0 <= u < width and 0 <= v < height)
        else:
            seen += 1
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            if float(line[1]) == 0:
                assert x0 <= u <= x1
                assert y0 <= v <= y1
    assert seen >= 2


def track(row):
    return row["track_id"]


def test_nothing_but_labels_is_written_when_so_asked(world):
    given = labelled(world.workspace, world.log, world.log.dense_boxes(), points=False)
    (planned,) = plan_logs([given], "kitti-object")
    assert {name.split("/")[-2] for name in planned.files} == {
        "calib", "label_2", "ImageSets", "side"
    }  # fmt: skip
