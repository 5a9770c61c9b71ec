"""nuScenes tables and results, read by the book, and back through our own reader."""

import json

import numpy as np
import pytest
from PIL import Image

import format_worlds as worlds
from perception_label.export import plan_logs
from perception_label.export.nuscenes_results import MOST_BOXES
from perception_label.geometry.poses import interpolate_poses
from perception_label.pipeline.export import export, labelled
from perception_label.readers import open_log
from perception_label.tables import labels_to_table
from recordings import recording

VERSION = "v1.0-labels"
TABLES = (
    "category", "attribute", "visibility", "instance", "sensor", "calibrated_sensor", "ego_pose",
    "log", "scene", "sample", "sample_data", "sample_annotation", "map",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"), ("hill-1", "hill-2"))


@pytest.fixture(scope="module")
def out(world):
    export(world.workspace, world.root / "out put", "nuscenes")
    return world.root / "out put"


@pytest.fixture(scope="module")
def tables(out):
    return {
        name: {r["token"]: r for r in json.loads((out / VERSION / f"{name}.json").read_text())}
        for name in TABLES
    }


def test_every_reference_is_there_and_no_token_twice(out, tables):
    names = {"calibrated_sensor_token": "calibrated_sensor", "first_sample_token": "sample",
             "last_sample_token": "sample", "first_annotation_token": "sample_annotation",
             "last_annotation_token": "sample_annotation"}  # fmt: skip
    for name, rows in tables.items():
        assert len(rows) == len(json.loads((out / VERSION / f"{name}.json").read_text())), name
        for row in rows.values():
            for key, value in row.items():
                if key in ("prev", "next"):
                    assert value == "" or value in rows
                elif key.endswith("_token"):
                    assert value in tables[names.get(key, key.removesuffix("_token"))], key
                elif key.endswith("_tokens"):
                    table = tables["log" if key == "log_tokens" else "attribute"]
                    assert set(value) <= table.keys()
                elif key == "filename":
                    assert (out / value).is_file()


def test_lists_run_through_time(tables):
    for name, key, n in (
        ("sample", "scene_token", worlds.N_SWEEPS),
        ("sample_annotation", "instance_token", worlds.N_SWEEPS),
        ("sample_data", "calibrated_sensor_token", worlds.N_SWEEPS),
    ):
        first = [r for r in tables[name].values() if r["prev"] == ""]
        assert len(first) == len({r[key] for r in tables[name].values()})
        for row in first:
            rows = [row]
            while rows[-1]["next"]:
                rows.append(tables[name][rows[-1]["next"]])
            assert len(rows) == n
            assert len({r[key] for r in rows}) == 1
            stamps = [
                r.get("timestamp") or tables["sample"][r["sample_token"]]["timestamp"] for r in rows
            ]
            assert stamps == sorted(stamps)


def test_boxes_are_where_the_truth_has_them(world, out, tables):
    side = json.loads((out / "side/hill-2.json").read_text())
    number = {token: k for k, token in enumerate(side["samples"])}
    mine = [r for r in tables["sample_annotation"].values() if r["sample_token"] in number]
    assert len(mine) == len(world.rows)
    rows = {(r["track_id"], r["sweep"]): r for r in world.rows}
    for box in mine:
        row = rows[side["instances"][box["instance_token"]], number[box["sample_token"]]]
        assert box["translation"] == pytest.approx(row["world_center_m"])
        length, width, height = row["size_m"]
        assert box["size"] == [width, length, height]
        w, x, y, z = box["rotation"]
        assert (x, y) == (0, 0)
        ahead = [w * w - z * z, 2 * w * z]
        assert ahead == pytest.approx(row["world_heading"][:2])
        assert box["num_lidar_pts"] == row["n_points"]


def test_attributes_go_where_the_book_has_them(tables):
    names = {
        tables["attribute"][t]["name"]
        for r in tables["sample_annotation"].values()
        for t in r["attribute_tokens"]
    }
    assert names == {"cycle.with_rider", "pedestrian.moving"}
    assert all(len(r["attribute_tokens"]) <= 1 for r in tables["sample_annotation"].values())


def test_our_reader_gets_the_log_back(world, out):
    again = open_log(f"{out}:hill-1")
    assert again.timestamps_ns.tolist() == world.timestamps_ns.tolist()
    poses = interpolate_poses(again.ego_poses, again.timestamps_ns)
    np.testing.assert_allclose(poses, world.world_from_ego, atol=1e-9)
    np.testing.assert_allclose(again.ego_from_lidar, world.ego_from_lidar, atol=1e-12)
    assert len(again.truth) == len(world.rows)
    for k in range(worlds.N_SWEEPS):
        before, after = world.log.sweep(k), again.source(k)
        np.testing.assert_array_equal(after.points_m, before.points_m)
        np.testing.assert_array_equal(after.ring, before.ring)
        np.testing.assert_array_equal(after.intensity, before.intensity)
    camera = again.cameras["CAM_FRONT"]
    mount = worlds.CAMERAS["front"].ego_from_camera
    np.testing.assert_allclose(camera.ego_from_camera, mount, atol=1e-12)
    assert camera.intrinsics == worlds.CAMERAS["front"].intrinsics
    with Image.open(again.images["CAM_LEFT_BACK"].paths[0]) as picture:
        assert picture.size == (128, 96)


def test_results_hold_every_sample_and_the_best_boxes_only(out, tables):
    detections = json.loads((out / "results/detection.json").read_text())
    tracks = json.loads((out / "results/tracking.json").read_text())
    for said in (detections, tracks):
        assert said["results"].keys() == tables["sample"].keys()
    box = next(b for b in next(iter(detections["results"].values())) if b["velocity"][1] > 0.9)
    assert box["velocity"] == pytest.approx([0, 1], abs=1e-6)
    names = {b["detection_name"] for rows in detections["results"].values() for b in rows}
    assert names == {"car", "truck", "pedestrian", "bicycle"}


def test_without_points_there_are_labels_alone(world, tmp_path):
    report = export(world.workspace, tmp_path / "o", "nuscenes", log="hill-1", points=False)
    assert not (tmp_path / "o/samples").exists()
    assert report.n_boxes == len(world.rows)
    again = open_log(tmp_path / "o")
    assert len(again.truth) == len(world.rows)


def test_what_results_cannot_hold_is_told(world, tmp_path):
    log = world.log
    table = world.log.machine("solved")
    from perception_label.geometry.cuboids import Cuboids
    from perception_label.geometry.labels import Labels

    n = MOST_BOXES + 3
    labels = Labels.from_columns(
        [log.timestamps_ns[2]] * n,
        [f"t{k}" for k in range(n)],
        ["other", *["car"] * (n - 1)],
        Cuboids(np.zeros((n, 3)), np.ones((n, 3)), np.zeros(n)),
        n_points=[1] * n,
    )
    given = labelled(world.workspace, log, labels_to_table(labels, "model:x").cast(table.schema))
    plan = plan_logs([given], "nuscenes")[0]
    assert plan.left_out == (
        "log hill-1: 1 boxes of other in results/, which knows no such class",
        "log hill-1: 2 boxes in results/, those of least score beyond 500 a sweep",
    )
    path = tmp_path / "d.json"
    plan.files["results/detection.json"](path)
    counts = [len(rows) for rows in json.loads(path.read_text())["results"].values()]
    assert sorted(counts)[-2:] == [0, MOST_BOXES]


def test_a_log_without_boxes_has_empty_tables(tmp_path):
    from perception_label import open_workspace

    workspace = open_workspace(tmp_path / "w", create=True)
    workspace.ingest(recording(3))
    log = workspace.log("yard")
    log.write_machine("solved", log.truth_table().slice(0, 0))
    export(workspace, tmp_path / "o", "nuscenes")
    assert json.loads((tmp_path / f"o/{VERSION}/sample_annotation.json").read_text()) == []
    assert len(open_log(tmp_path / "o").timestamps_ns) == 3
