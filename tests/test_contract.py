"""The names, shapes and keys that users' scripts rely on; change one only with a reason."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import perception_label as pl
from perception_label import schema
from perception_label.cli import VERBS, main

POINTS = np.random.default_rng(0).uniform(-20, 20, (400, 3))
BOXES = pl.Cuboids([[0, 0, 0], [5, 5, 0]], [[4, 2, 2], [3, 3, 3]], [0.0, 0.5])
TIMES = [0, 100_000_000, 200_000_000]


def as_list(values):
    return np.asarray(values).tolist()


def as_tuples(values):
    return tuple(map(tuple, np.asarray(values).tolist()))


GIVEN_AS = pytest.mark.parametrize(
    "given",
    [np.float64, np.float32, np.asfortranarray, as_list, as_tuples],
    ids=["float64", "float32", "fortran", "list", "tuples"],
)


@GIVEN_AS
def test_split_ground(given):
    is_ground = pl.split_ground(given(POINTS))
    assert (is_ground.dtype, is_ground.shape) == (np.bool_, (400,))


@GIVEN_AS
@pytest.mark.parametrize("method", ["dbscan", "euclidean", "adaptive"])
def test_cluster(given, method):
    ids = pl.cluster(given(POINTS), radius_m=2.0, min_points=3, method=method)
    assert (ids.dtype, ids.shape) == (np.int32, (400,))
    assert set(ids) >= set(range(ids.max() + 1))
    assert ids.min() >= -1


def test_clusters_defaults_are_the_contracts():
    assert np.array_equal(
        pl.cluster(POINTS), pl.cluster(POINTS, radius_m=0.5, min_points=5, method="dbscan")
    )


@GIVEN_AS
def test_fit_cuboids(given):
    ids = np.arange(400) % 4 - 1
    for labels in (ids, ids.astype(np.int32), ids.tolist()):
        boxes = pl.fit_cuboids(given(POINTS), labels, sensor_origin_m=(0, 0, 0))
        assert isinstance(boxes, pl.Cuboids)
        assert len(boxes) == 3
        assert (boxes.center_m.shape, boxes.size_m.shape, boxes.yaw_rad.shape) == (
            (3, 3),
            (3, 3),
            (3,),
        )


def test_cuboids_are_float64_with_the_centre_in_the_middle():
    for column in (BOXES.center_m, BOXES.size_m, BOXES.yaw_rad):
        assert column.dtype == np.float64
    assert pl.points_inside([[1.9, 0.9, 0.9], [1.9, 0.9, -0.9]], BOXES)[0] == 2
    assert pl.points_inside([[0.9, 1.9, 0.9]], BOXES)[0] == 0  # length runs along x at yaw 0


@pytest.mark.parametrize("overlap", [pl.overlap_3d, pl.overlap_bev])
def test_overlap(overlap):
    iou = overlap(BOXES, BOXES[:1])
    assert iou.shape == (2, 1)
    assert iou[:, 0] == pytest.approx([1, 0])


@GIVEN_AS
def test_points_inside(given):
    counts = pl.points_inside(given(POINTS), BOXES)
    mask = pl.points_inside(given(POINTS), BOXES, mask=True)
    assert counts.shape == (2,)
    assert counts.dtype.kind == "i"
    assert (mask.dtype, mask.shape) == (np.bool_, (2, 400))
    assert counts.tolist() == mask.sum(axis=1).tolist()


@pytest.mark.parametrize("times", [TIMES, tuple(TIMES), np.array(TIMES)], ids=type)
def test_track_cuboids(times):
    boxes = pl.Cuboids([[0, 0, 0], [0.5, 0, 0], [1, 0, 0]], [[4, 2, 1.5]] * 3, [0, 0, 0])
    ids = pl.track_cuboids(boxes, times, scores=[0.9, 0.8, 0.9])
    assert (ids.dtype, ids.shape) == (np.int64, (3,))
    assert len(set(ids)) == 1
    assert pl.track_cuboids(boxes, times).shape == (3,)


@pytest.mark.parametrize("method", ["linear", "makima", "motion"])
@pytest.mark.parametrize("given", [list, np.array], ids=["list", "array"])
def test_interpolate(method, given):
    keys = pl.Cuboids([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[4, 2, 1.5]] * 3, [0, 0, 0])
    boxes = pl.interpolate(keys, given(TIMES), given([50_000_000, 100_000_000]), method=method)
    assert isinstance(boxes, pl.Cuboids)
    assert boxes.center_m[:, 0] == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: pl.split_ground(np.zeros((3, 2))),
        lambda: pl.cluster([1, 2, 3]),
        lambda: pl.cluster([["a", "b", "c"]]),
        lambda: pl.split_ground([[1, 2, 3], [1, 2]]),
        lambda: pl.points_inside([[1, 2, 3], [1, 2]], BOXES),
        lambda: pl.Cuboids([[0, 0, 0], [1]], [[1, 1, 1]] * 2, [0, 0]),
        lambda: pl.track_cuboids(BOXES, [0, 1], scores=[1]),
        lambda: pl.fit_cuboids([[0, 0, 0]], [0], sensor_origin_m=(0, 0)),
        lambda: pl.cluster(POINTS, method="magic"),
        lambda: pl.cluster(POINTS, radius_m=0),
        lambda: pl.cluster(POINTS, min_points=0),
        lambda: pl.fit_cuboids(POINTS, [0, 1]),
        lambda: pl.fit_cuboids(POINTS, np.zeros(400)),
        lambda: pl.points_inside([[1, 2]], BOXES),
        lambda: pl.Cuboids([[0, 0, 0]], [[1, 1]], [0]),
        lambda: pl.Cuboids([[0, 0, 0]], [[1, 1, 1]], [[0]]),
        lambda: pl.track_cuboids(BOXES, [0]),
        lambda: pl.track_cuboids(BOXES, [0.5, 1.5]),
        lambda: pl.interpolate(BOXES, [0, 1], [0], method="magic"),
        lambda: pl.interpolate(BOXES, [0], [0], method="linear"),
        lambda: pl.open_workspace("/dev/null"),
    ],
)
def test_mistakes_are_label_errors_in_one_line(call):
    with pytest.raises(pl.LabelError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert "expected" in str(caught.value)
    assert "got" in str(caught.value)


def test_no_items_are_fine():
    none = pl.Cuboids(np.empty((0, 3)), np.empty((0, 3)), np.empty(0))
    no_points = np.empty((0, 3))
    assert pl.split_ground(no_points).shape == (0,)
    assert pl.cluster(no_points).shape == (0,)
    assert len(pl.fit_cuboids(no_points, np.empty(0, np.int32))) == 0
    assert pl.overlap_3d(none, BOXES).shape == (0, 2)
    assert pl.overlap_bev(BOXES, none).shape == (2, 0)
    assert pl.points_inside(POINTS, none).shape == (0,)
    assert pl.points_inside(no_points, BOXES, mask=True).shape == (2, 0)
    assert pl.track_cuboids(none, np.empty(0, np.int64)).shape == (0,)


def test_workspace_and_log(town_workspace, town):
    ws = pl.open_workspace(str(town_workspace.path))
    assert isinstance(ws, pl.Workspace)
    assert ws.logs() == [town.log_id]
    log = ws.log(town.log_id)
    assert len(log.sweeps) == len(log.timestamps_ns) == 20
    assert log.timestamps_ns.dtype == np.int64
    for one in (log, log.id, None):
        boxes = ws.cuboids(one, coordinate_frame="world")
        assert isinstance(boxes, pa.Table)
        assert boxes.schema.equals(schema.CUBOIDS)
        assert ws.truth(one).schema.equals(schema.CUBOIDS)
        assert ws.tracks(one).schema.equals(schema.TRACKS)
    assert ws.cuboids(log).equals(boxes)
    assert set(ws.tracks(log)["track_id"].to_pylist()) == set(boxes["track_id"].to_pylist())


def test_sweep(town_workspace):
    log = town_workspace.log()
    sweep = log.sweep(3)
    n = len(sweep)
    assert (sweep.points_m.dtype, sweep.points_m.shape) == (np.float32, (n, 3))
    assert sweep.intensity.shape == (n,)
    assert sweep.timestamp_ns == log.timestamps_ns[3]
    assert isinstance(sweep.timestamp_ns, int)
    assert (sweep.world_from_sensor.dtype, sweep.world_from_sensor.shape) == (np.float64, (4, 4))


def test_ingest_from_python(town, tmp_path):
    ws = pl.open_workspace(tmp_path / "ws")
    assert ws.ingest(town).log_id == ws.logs()[0]


KEYS = {
    "doctor": {"findings"},
    "propose": {"n_tracks", "n_boxes", "wall_s", "sweeps_per_s"},
    "score": {"recall", "precision", "mean_iou", "ap", "hota", "mota", "identity_switches"},
    "export": {"n_tracks", "n_boxes", "files"},
    "ingest": {"log_id", "n_sweeps", "n_points", "left_out", "warnings"},
}


@pytest.fixture(scope="module")
def from_files(town, tmp_path_factory):
    from perception_label.simulate.write import write_log
    from towns import first

    folder = tmp_path_factory.mktemp("contract")
    write_log(first(town, 4), folder / "kitti", "kitti_tracking")
    return folder


@pytest.mark.parametrize(
    "verb", ["ingest", "doctor", "propose", "score", "export"]
)  # in the order that a user runs them, in one workspace
def test_json_is_one_object_with_the_contracts_keys(verb, from_files, capfd):
    ws = str(from_files / "ws")
    argv = {
        "ingest": [str(from_files / "kitti"), ws, "--format", "auto"],
        "export": [ws, "--format", "kitti-tracking", "--out", str(from_files / "out")],
    }.get(verb, [ws])
    assert main([verb, *argv, "--json"]) == 0
    out, err = capfd.readouterr()
    result = json.loads(out)
    assert err == ""
    assert KEYS[verb] <= result.keys()
    if verb in ("doctor", "propose", "score"):
        log_id = pl.open_workspace(ws).logs()[0]
        assert main([verb, ws, "--log", log_id]) == 0


def test_every_verb_has_help_and_usage_errors_are_2(capfd):
    for verb in VERBS:
        assert main([verb, "--help"]) == 0
        assert "--json" in capfd.readouterr().out
        assert main([verb, "--no-such-option"]) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert "No such option" in err
    assert main(["no-such-verb"]) == 2


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "perception_label", "doctor", "/no/such/place", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
