"""nuScenes tables: samples and sweeps, several LiDARs, what is not here, what is refused."""

import json

import numpy as np
import pytest

from perception_label.errors import SourceError
from perception_label.geometry.poses import inverse
from perception_label.pipeline.doctor import examine
from perception_label.pipeline.ingest import ingest
from perception_label.pipeline.workspace import Workspace
from perception_label.readers import open_log
from perception_label.readers.json_tables import records
from readers import layouts_nuscenes as made_of
from readers.drives import drive

TABLES = "v1.0-tiny"


def change(root, table, edit):
    path = root / TABLES / f"{table}.json"
    rows = json.loads(path.read_text())
    edited = edit(rows)
    path.write_text(json.dumps(edited if isinstance(edited, list) else rows))


@pytest.fixture
def root(tmp_path):
    return made_of.nuscenes(tmp_path, drive())


def test_sweeps_between_samples_have_no_truth(tmp_path):
    made = drive(5)
    recording = open_log(made_of.nuscenes(tmp_path, made, keys=(0, 3)))
    assert recording.timestamps_ns.tolist() == made.times_ns.tolist()
    assert sorted(set(recording.truth.timestamps_ns.tolist())) == made.times_ns[[0, 3]].tolist()
    assert recording.ego_poses.timestamps_ns.tolist() == made.times_ns.tolist()
    assert "2 attributes of boxes (pedestrian.moving)" in recording.left_out


def test_a_scene_is_named_and_several_are_listed(root):
    other = made_of.tables(drive(2, seed=5), scene="scene 0008/ä")
    for name, rows in other.items():
        known = {r["token"] for r in json.loads((root / TABLES / f"{name}.json").read_text())}
        change(root, name, lambda t, r=rows, k=known: t + [x for x in r if x["token"] not in k])
    with pytest.raises(SourceError, match="got 2: scene-0007, scene 0008-ä"):
        open_log(root)
    for path in (f"{root}:scene-0007", root / "scene-0007", root / TABLES / "scene-0007"):
        assert open_log(path).log_id == "nuscenes-scene-0007"
    with pytest.raises(SourceError, match="expected a log scene-0007, scene 0008-ä, got 'x'"):
        open_log(f"{root}:x")


def test_the_camera_sees_along_its_axis(root):
    recording = open_log(root)
    camera = recording.cameras["CAM_FRONT"]
    assert (camera.width_px, camera.height_px) == (320, 180)
    there = inverse(camera.ego_from_camera) @ [11.7, 0.2, 1.5, 1]
    np.testing.assert_allclose(there, [0, 0, 10, 1], atol=1e-9)
    assert recording.images["CAM_FRONT"].timestamps_ns.tolist() == recording.timestamps_ns.tolist()


def test_files_that_are_not_here_are_counted(tmp_path):
    root = made_of.nuscenes(tmp_path, drive(4), keys=(0, 2))
    files = sorted(root.glob("s*/LIDAR_TOP/*"), key=lambda p: p.name)
    for k in (1, 2):  # a sweep, and a sample whose boxes stay
        files[k].unlink()
    next(root.glob("samples/CAM_FRONT/*")).unlink()
    recording = open_log(root)
    assert [len(recording.source(i)) > 0 for i in range(3)] == [True, False, True]
    assert len(recording.truth) == 6
    told = [*recording.left_out, *recording.warnings]
    assert "1 sweeps of LIDAR_TOP whose files are not here" in told
    assert "1 images of CAM_FRONT whose files are not here" in told
    assert any("1 of 3 instants have no LiDAR file" in line for line in told)


def test_a_ridden_bicycle_is_a_cyclist_and_strange_names_are_told(root):
    change(root, "category", lambda t: t[2].update(name="vehicle.bicycle"))
    assert "bicycle" in open_log(root).truth.class_names
    change(root, "attribute", lambda t: t[0].update(name="cycle.with_rider"))
    change(root, "category", lambda t: t[0].update(name="animal"))
    recording = open_log(root)
    assert set(recording.truth.class_names) == {"cyclist", "truck", "other"}
    assert "names that became other: animal" in recording.left_out


def test_several_lidars_are_merged_where_the_ego_was(tmp_path):
    """A second LiDAR on the roof's rear, half a period later, sees the same standing things."""
    made = drive(4)
    root = made_of.nuscenes(tmp_path, made)
    mount = np.array([[0, -1, 0, -1.0], [1, 0, 0, 0.4], [0, 0, 1, 1.5], [0, 0, 0, 1]])
    change(root, "sensor", lambda t: t[2].update(channel="LIDAR_REAR", modality="lidar"))
    turn = {"translation": mount[:3, 3].tolist(), "rotation": [0.5**0.5, 0, 0, 0.5**0.5]}
    rear = {"token": "rear", "sensor_token": made_of.token("s", "RADAR_FRONT"), **turn}
    change(root, "calibrated_sensor", lambda t: [*t, rear])
    rows, poses = [], []
    (root / "samples/LIDAR_REAR").mkdir()
    world = made.points_m[0] @ made.world_from_ego[0, :3, :3].T + made.world_from_ego[0, :3, 3]
    for i in range(3):
        at = int(made.times_ns[i] // 1000) + 50_000
        half = made.world_from_ego[i].copy()
        half[:3, 3] = made.world_from_ego[i : i + 2, :3, 3].mean(axis=0)
        name = f"samples/LIDAR_REAR/{at}.pcd.bin"
        points = world @ np.linalg.inv(half @ mount)[:3, :3].T + np.linalg.inv(half @ mount)[:3, 3]
        columns = np.column_stack([points, np.ones((len(points), 2))])
        (root / name).write_bytes(columns.astype("<f4").tobytes())
        pose = {"token": f"p{i}", "timestamp": at, "translation": half[:3, 3].tolist()}
        poses.append({**pose, "rotation": made_of.quaternion(half)})
        row = {"token": f"r{i}", "sample_token": made_of.token(made_of.SCENE, "sample", i)}
        row |= {"ego_pose_token": f"p{i}", "calibrated_sensor_token": "rear", "timestamp": at}
        rows.append({**row, "is_key_frame": False, "filename": name})
    change(root, "sample_data", lambda t: t + rows)
    change(root, "ego_pose", lambda t: t + poses)
    recording = open_log(root)
    sweep = recording.source(1)
    n = len(made.points_m[1])
    assert sweep.lidar.tolist() == [0] * n + [1] * len(world)
    at = made.world_from_ego[1] @ recording.ego_from_lidar
    seen = sweep.points_m[n:] @ at[:3, :3].T + at[:3, 3]
    np.testing.assert_allclose(seen, world, atol=2e-4)
    assert any("0 LIDAR_TOP, 1 LIDAR_REAR" in line for line in recording.warnings)


@pytest.mark.parametrize("name", ["../../secret.bin", "/etc/passwd", "a\\..\\b", "x\0y"])
def test_files_outside_the_dataset_are_refused(name, root):
    change(root, "sample_data", lambda t: t[0].update(filename=name))
    with pytest.raises(SourceError, match="files below the dataset"):
        open_log(root)


@pytest.mark.parametrize(
    ("table", "edit", "told"),
    [
        ("sample_data", lambda t: t[0].update(ego_pose_token="no"), "a record 'no'"),
        ("sample_data", lambda t: t[0].update(timestamp="1"), "timestamp: a int"),
        ("sample_data", lambda t: t[0].update(timestamp=10**18), "microseconds"),
        ("sample_data", lambda t: [x for x in t if "CAM" in x["filename"]], "sweeps of a LiDAR"),
        ("sample_annotation", lambda t: t[1].update(size=None), "size: numbers"),
        ("sample_annotation", lambda t: t[1].update(rotation=[2, 0, 0, 0]), "unit quaternions"),
        ("instance", lambda t: t[:1], "which sample_annotation.json names"),
        ("calibrated_sensor", lambda t: t[1].update(camera_intrinsic=[[1]]), "camera_intrinsic"),
        ("sensor", lambda t: [1], "a JSON array of records"),
    ],
)
def test_broken_tables_are_refused_by_name(table, edit, told, root):
    change(root, table, edit)
    with pytest.raises(SourceError, match=told) as error:
        open_log(root)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "n"), [("[]", 0), (' [ {"a":[{"b":"]"}]} ,\n{}\t] \n', 2), ('\ufeff[{"ä":1}]', 1)]
)
def test_records_come_one_by_one(text, n, tmp_path, monkeypatch):
    monkeypatch.setattr("perception_label.readers.json_tables.CHUNK_BYTES", 3)
    (tmp_path / "t.json").write_text(text)
    assert len(list(records(tmp_path / "t.json"))) == n


@pytest.mark.parametrize(
    "text", ["", "{}", "[", "[{}", "[{},]", "[{} {}]", "[{}]x", "[1]", '[{"a":' + "[" * 9999]
)
def test_what_is_no_table_is_refused(text, tmp_path):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(SourceError, match="JSON"):
        list(records(tmp_path / "t.json"))


def test_a_scene_is_ingested_and_the_doctor_sees_nothing_wrong(root, tmp_path):
    for source in (root, root / made_of.SCENE):
        report = ingest(tmp_path / "workspace", source, replace=True)
        assert (report.format, report.n_sweeps) == ("nuscenes", 4)
    log = Workspace(tmp_path / "workspace").log(report.log_id)
    assert log.images["CAM_FRONT"].paths[0].exists()
    assert len(log.truth()) == 12
    assert not [f for f in examine(log) if f.severity == "error"]
