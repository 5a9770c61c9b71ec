"""Waymo v2: range images against a slow twin and the ground they hit, boxes, pictures, refusals."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from oracles import range_images as oracle
from perception_label.errors import SourceError
from perception_label.geometry.poses import inverse, transform
from perception_label.pipeline.doctor import examine
from perception_label.pipeline.ingest import ingest
from perception_label.pipeline.workspace import Workspace
from perception_label.readers import open_log
from perception_label.readers.parquet_rows import ParquetRows, read_columns
from perception_label.readers.range_images import points_of
from readers import layouts_waymo as made_of


@pytest.fixture(scope="module")
def made():
    return made_of.drive()


@pytest.fixture(scope="module")
def root(made, tmp_path_factory):
    return made_of.waymo(tmp_path_factory.mktemp("waymo"), made)


def file(root, component):
    return root / "training" / component / f"{made_of.SEGMENT}.parquet"


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 7), st.booleans())
def test_range_images_match_the_oracle(seed, height, width, moves):
    rng = np.random.default_rng(seed)
    ranges = rng.uniform(-20, 75, (height, width)).astype(np.float32)
    ranges[rng.random((height, width)) < 0.1] = np.nan
    mount = oracle.pose_matrix([*rng.uniform(-0.2, 0.2, 2), *rng.uniform(-3, 3, 4)])
    rises = np.sort(rng.uniform(-0.5, 0.2, height))
    poses = frame = None
    if moves:
        poses = rng.uniform(-3, 3, (height, width, 6)).astype(np.float32)
        poses[..., 3:] += [900, -700, 20]
        frame = oracle.pose_matrix([0.02, -0.03, rng.uniform(-3, 3), 901, -699, 20])
    expected = oracle.points_of(ranges, mount, rises, poses, frame)
    points, is_hit = points_of(ranges, mount, rises, poses, frame)
    assert is_hit.sum() == len(expected)
    np.testing.assert_allclose(points, expected, atol=1e-9)


def test_what_was_seen_of_the_ground_lies_on_it(root, made):
    """Of both LiDARs, while the vehicle turns, rolls and pitches within each sweep."""
    recording = open_log(root)
    assert recording.timestamps_ns.tolist() == (made.times_us * 1000).tolist()
    np.testing.assert_allclose(recording.ego_poses.world_from_ego, made.world_from_ego)
    for i in range(len(made.times_us)):
        sweep = recording.source(i)
        world = transform(made.world_from_ego[i] @ recording.ego_from_lidar, sweep.points_m)
        assert set(sweep.lidar.tolist()) == {0, 1}
        assert np.abs(world[:, 2]).max() < 2e-3  # float32 poses 100 m from the origin
        top, _ = made_of.top_image(i)
        n_hits = int((top[..., 0] > 0).sum())
        n_twice = int((top[:, ::5, 0] > 0).sum())
        assert (sweep.lidar == 0).sum() == n_hits + n_twice
        assert sweep.ring.max() < made_of.ROWS
        np.testing.assert_allclose(sweep.intensity[:n_hits] * 4, sweep.ring[:n_hits], atol=1e-6)


def test_the_world_under_two_sweeps_agrees_with_the_oracle(root, made):
    recording = open_log(root)
    image, poses = made_of.top_image(1)
    args = (made_of.TOP, made_of.INCLINATIONS, poses.astype(np.float32), made.world_from_ego[1])
    expected = oracle.points_of(image[..., 0].astype(np.float32), *args)
    seen = recording.source(1).points_m[: len(expected)] + recording.ego_from_lidar[:3, 3]
    np.testing.assert_allclose(seen, expected, atol=1e-4)


def test_boxes_come_in_the_world_with_their_ids(root, made):
    truth = open_log(root).truth
    assert len(truth) == 4 * len(made.times_us)
    assert truth.track_names == ("car-Ä b", "rider-Ä b", "sign-Ä b", "walker-Ä b")
    for k, pose in enumerate(made.world_from_ego):
        here = truth[truth.timestamps_ns == made.times_us[k] * 1000]
        back = here.cuboids.moved(inverse(pose))
        center, size, heading = made.boxes[k]
        np.testing.assert_allclose(back.center_m, [center] * 4, atol=1e-9)
        np.testing.assert_allclose(back.size_m, [size] * 4)
        np.testing.assert_allclose(back.yaw_rad, heading, atol=2e-3)  # upright on a slope
        kinds = {here.track_names[t][:3]: here.class_names[c]
                 for t, c in zip(here.tracks, here.classes, strict=True)}  # fmt: skip
        assert kinds == {"car": "car", "rid": "cyclist", "sig": "other", "wal": "pedestrian"}


def test_the_camera_looks_ahead_and_counts_from_pixel_centres(root, made):
    recording = open_log(root)
    camera = recording.cameras["FRONT"]
    there = inverse(camera.ego_from_camera) @ [11.5, 0.1, 2.1, 1]
    np.testing.assert_allclose(there, [0, 0, 10, 1], atol=1e-9)
    assert camera.intrinsics[0][2] == 31.5
    assert camera.distortion == (0.01, 0.0, 0.001, 0.0, 0.0)
    pictures = recording.pictures["FRONT"]
    assert pictures.timestamps_ns.tolist() == [t * 1000 + 20_000_000 for t in made.times_us]
    assert all(pictures.read(i).startswith(b"\xff\xd8") for i in (2, 0, 1))


@pytest.mark.parametrize("row_group_size", [1, 2, 100])
def test_sweeps_are_read_in_any_order_by_threads(row_group_size, made, tmp_path):
    recording = open_log(made_of.waymo(tmp_path, made, row_group_size=row_group_size))
    source = pickle.loads(pickle.dumps(recording.source))
    expected = [recording.source(i).points_m for i in range(3)]
    order = [2, 0, 1] * 6
    with ThreadPoolExecutor(3) as pool:
        for i, sweep in zip(order, pool.map(source, order), strict=True):
            np.testing.assert_array_equal(sweep.points_m, expected[i])


def test_rows_come_from_where_they_are_and_little_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("perception_label.readers.parquet_rows.KEPT_BYTES", 1000)
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": range(200)}), path, row_group_size=70)
    rows = ParquetRows(path, ("a",))
    asked = [0, 199, 3, 70, 69, 140, *range(100, 180), 12]
    assert [rows.row(i)["a"].as_py() for i in asked] == asked
    assert sum(b.nbytes for b in rows._kept.values()) <= 1000
    with pytest.raises(SourceError, match="a row 200"):
        rows.row(200)


def test_a_parquet_file_of_run_lengths_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    n = 3_000_000
    table = pa.table({"key.frame_timestamp_micros": pa.array(np.zeros(n, np.int64))})
    parquet.write_table(table, path, compression="zstd")
    assert path.stat().st_size < n / 100
    with pytest.raises(SourceError, match="bytes can hold, got 3000000 rows"):
        read_columns(path, ("key.frame_timestamp_micros",))
    with pytest.raises(SourceError, match="bytes can hold"):
        ParquetRows(path, ("key.frame_timestamp_micros",)).row(0)


def test_labels_alone_are_a_log_of_empty_sweeps(made, tmp_path):
    root = made_of.waymo(tmp_path, made, pictures=False)
    file(root, "lidar").unlink()
    recording = open_log(root)
    assert [len(recording.source(i)) for i in range(3)] == [0, 0, 0]
    assert len(recording.truth) == 12
    assert any("empty sweeps" in line for line in recording.warnings)
    assert "components that are not taken: stats" in recording.left_out


def test_segments_are_named(made, tmp_path):
    root = made_of.waymo(tmp_path, made)
    path = file(root, "vehicle_pose")
    (path.parent / "other.parquet").write_bytes(path.read_bytes())
    with pytest.raises(SourceError, match=f"got 2: {made_of.SEGMENT}, other"):
        open_log(root)
    for name in (f"{root}:other", root / "training/other", f"{root}/training:other"):
        assert open_log(name).log_id == "waymo-other"


def read_all(root):
    recording = open_log(root)
    return [recording.source(i) for i in range(3)]


def changed(path, edit):
    table = parquet.read_table(path)
    rows = table.to_pylist()
    edit(rows)
    parquet.write_table(pa.Table.from_pylist(rows), path)


LIDAR = "[LiDARComponent].range_image_return1"


@pytest.mark.parametrize(
    ("component", "edit", "told"),
    [
        ("lidar", lambda r: r[0].update({f"{LIDAR}.shape": [9, 9, 4]}), "values of a shape"),
        ("lidar", lambda r: r[0].update({f"{LIDAR}.shape": [-4, -12, 4]}), "values of a shape"),
        ("lidar", lambda r: [x.pop(f"{LIDAR}.values") for x in r], "a column"),
        ("lidar", lambda r: [x.pop("key.laser_name") for x in r], "a column key.laser_name"),
        ("lidar_pose", lambda r: r[0].update({"[LiDARPoseComponent].range_image_return1.shape":
                                              [6, 20, 12]}), "poses of"),
        ("vehicle_pose", lambda r: r[0].update(
            {"[VehiclePoseComponent].world_from_vehicle.transform": [1.0] * 16}), "rigid"),
        ("vehicle_pose", lambda r: r[0].update({"key.frame_timestamp_micros": -1}), "microseconds"),
        ("lidar_box", lambda r: r[0].update({"[LiDARBoxComponent].box.size.x": -1.0}), "sizes"),
        ("lidar_box", lambda r: r[0].update({"[LiDARBoxComponent].box.heading": None}), "finite"),
        ("lidar_calibration", lambda r: r[0].update({"key.laser_name": 9}), "LiDARs 1, 2"),
        ("lidar_calibration", lambda r: r[0].update(
            {"[LiDARCalibrationComponent].beam_inclination.values": [0.1]}), "inclinations"),
        ("camera_calibration", lambda r: r[0].update(
            {"[CameraCalibrationComponent].width": 0}), "above 0"),
    ],
)  # fmt: skip
def test_broken_components_are_refused_by_name(component, edit, told, made, tmp_path):
    root = made_of.waymo(tmp_path, made)
    changed(file(root, component), edit)
    with pytest.raises(SourceError, match=told) as error:
        read_all(root)
    assert "\n" not in str(error.value)
    assert f"{made_of.SEGMENT}.parquet: expected" in str(error.value)


def test_a_segment_is_ingested_with_its_pictures(root, tmp_path):
    report = ingest(tmp_path / "workspace", root)
    assert (report.format, report.n_sweeps) == ("waymo", 3)
    log = Workspace(tmp_path / "workspace").log(report.log_id)
    assert log.images["FRONT"].paths[2].read_bytes().startswith(b"\xff\xd8")
    assert not [f for f in examine(log) if f.severity == "error"]
