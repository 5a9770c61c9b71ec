"""Solving tracks of a log: from keyframes, from edits, from a click."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from perception_label import (
    Cuboids,
    LabelError,
    open_workspace,
    overlap_3d,
    solve_track,
    track_from_click,
)
from perception_label.errors import EditError, SettingError, ShapeError, SourceError
from perception_label.pipeline.score import with_counts
from perception_label.pipeline.solve import solve
from perception_label.storage.edits import make
from perception_label.tables import labels_from_table


def best_seen(log, class_name="car"):
    """The rows of the truth's track of a class whose boxes hold the most points."""
    truth = with_counts(log, log.truth(), np.ones(len(log.truth()), dtype=bool))
    of_class = np.flatnonzero(np.array(truth.class_names)[truth.classes] == class_name)
    totals = np.bincount(truth.tracks[of_class], weights=truth.n_points[of_class])
    return truth, np.flatnonzero(truth.tracks == np.argmax(totals))


@pytest.fixture
def edited(town_workspace, tmp_path):
    """A copy of the town with an edit log of its own."""
    shutil.copytree(town_workspace.path, tmp_path / "ws")
    return open_workspace(tmp_path / "ws")


@pytest.fixture(scope="module")
def log(town_workspace):
    return town_workspace.log()


@pytest.fixture(scope="module")
def car(log):
    truth, rows = best_seen(log)
    return truth[rows]


def key_of(car):
    k = int(np.argmax(car.n_points))
    return car.cuboids[[k]], car.timestamps_ns[[k]]


def test_a_track_from_one_keyframe_meets_the_truth(log, car):
    span = (int(car.timestamps_ns[0]), int(car.timestamps_ns[-1]))
    solved = solve_track(log, *key_of(car), class_name="car", span_ns=span)
    assert solved.timestamps_ns.tolist() == car.timestamps_ns.tolist()
    assert np.diag(overlap_3d(solved.cuboids, car.cuboids)).min() > 0.7
    assert solved.covariance.shape == (len(car), 4, 4)
    assert ((solved.expected_iou > 0.3) & (solved.expected_iou <= 1)).all()
    assert span[0] <= solved.next_keyframe_ns <= span[1]


def test_solving_twice_gives_the_same_bytes(log, car):
    one, two = (solve_track(log, *key_of(car), class_name="car") for _ in range(2))
    assert one.cuboids.packed().tobytes() == two.cuboids.packed().tobytes()
    assert one.covariance.tobytes() == two.covariance.tobytes()


def test_a_click_finds_the_car(log, car):
    k = int(np.argmax(car.n_points))
    i = int(np.searchsorted(log.timestamps_ns, car.timestamps_ns[k]))
    solved = track_from_click(log, i, car.cuboids.center_m[k])
    row = int(np.flatnonzero(solved.timestamps_ns == car.timestamps_ns[k])[0])
    assert solved.class_name == "car"
    assert overlap_3d(solved.cuboids[[row]], car.cuboids[[k]])[0, 0] > 0.5


def test_a_click_into_the_sky_finds_nothing(log):
    with pytest.raises(EditError, match="expected an object within"):
        track_from_click(log, 0, [5000.0, 0.0, 0.0])


def test_a_teleport_goes_through_both_keyframes_and_expects_nothing_between(log, car):
    keys = car.cuboids[[2, 10]]
    keys = Cuboids(keys.center_m + np.array([[0, 0, 0], [80.0, 0, 0]]), keys.size_m, keys.yaw_rad)
    at = car.timestamps_ns[[2, 10]]
    solved = solve_track(log, keys, at, class_name="car")
    rows = np.searchsorted(solved.timestamps_ns, at)
    assert solved.cuboids.center_m[rows] == pytest.approx(keys.center_m)
    assert (solved.expected_iou[rows[0] + 1 : rows[1]] == 0).all()
    assert solved.expected_iou[rows] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"size": [[4.0, 0.0, 1.5]]}, SettingError, "expected positive sizes"),
        ({"center": [[np.nan, 0, 0]]}, ShapeError, "expected finite numbers"),
        ({"at": [-5]}, SettingError, "expected times from"),
        ({"span_ns": (0, 1)}, SettingError, "expected times from"),
        ({"span_ns": (9, 1)}, SettingError, "expected first <= last"),
        ({"size_m": [1.0, 2.0]}, SettingError, "three positive numbers"),
    ],
)
def test_bad_keyframes_are_refused(log, car, change, error, match):
    box, at = key_of(car)
    box = Cuboids(change.pop("center", box.center_m), change.pop("size", box.size_m), box.yaw_rad)
    at = np.array(change.pop("at", at), dtype=np.int64)
    with pytest.raises(error, match=match):
        solve_track(log, box, at, class_name="car", **change)


def test_keyframes_must_be_there_and_each_once(log, car):
    box, at = key_of(car)
    with pytest.raises(ShapeError, match="at least one"):
        solve_track(log, box[:0], at[:0], class_name="car")
    with pytest.raises(ShapeError, match="twice"):
        solve_track(log, box[[0, 0]], at[[0, 0]], class_name="car")


def test_edits_become_dense_boxes_and_proposals_stay(edited, car):
    log, edits = edited.log(), edited.edits()
    n_before = len(labels_from_table(edited.cuboids()))
    box, at = key_of(car)
    made = [
        make.create_track("mine", "car", span_ns=(int(at[0]), int(log.timestamps_ns[-1]))),
        make.set_keyframe(
            "mine", int(at[0]), box.center_m[0], float(box.yaw_rad[0]), box.size_m[0]
        ),
        make.create_track("bare", "car"),
    ]
    edits.append(made)
    report = solve(edited)
    table = edited.cuboids()
    labels = labels_from_table(table)
    mine = labels.tracks == labels.track_names.index("mine")
    assert report.without_keyframes == ("bare",)
    assert report.n_solved == 1
    assert mine.sum() == (log.timestamps_ns >= at[0]).sum()
    source = np.array(table.column("source").to_pylist())
    assert (source[mine] == "human").sum() == 1
    assert set(source[~mine]) == {"model:proposals"}
    # The proposal that stood there is hidden, the others are as they were.
    assert 0.5 * n_before < (~mine).sum() < n_before
    again = solve(edited, workers=1)
    assert edited.cuboids().equals(table)
    assert again.n_boxes == report.n_boxes


def test_outside_and_static_intervals_are_kept(edited, car):
    log, edits = edited.log(), edited.edits()
    box, at = key_of(car)
    times = log.timestamps_ns
    edits.append(
        [
            make.create_track("mine", "car", span_ns=(int(times[0]), int(times[-1]))),
            make.set_keyframe(
                "mine", int(at[0]), box.center_m[0], float(box.yaw_rad[0]), box.size_m[0]
            ),
            make.set_static("mine"),
            make.set_outside("mine", int(times[2]), int(times[4])),
        ]
    )
    solve(edited)
    labels = labels_from_table(edited.cuboids())
    mine = labels[labels.tracks == labels.track_names.index("mine")]
    assert set(times[2:5]) & set(mine.timestamps_ns) == set()
    assert len(mine) == len(times) - 3
    assert (mine.cuboids.center_m == box.center_m[0]).all()


def test_a_file_of_keyframes_is_taken_in_once(edited, car, tmp_path):
    box, at = key_of(car)
    names = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")
    columns = dict(zip(names, box.packed().T.tolist(), strict=True))
    table = pa.table(
        {"track_id": ["mine"], "timestamp_ns": at.tolist(), "class_name": ["car"], **columns}
    )
    path = tmp_path / "keys.csv"
    pa.csv.write_csv(table, path)
    one = solve(edited, keyframes=path)
    revision = edited.edits().revision
    two = solve(edited, keyframes=path)
    assert one.n_solved == two.n_solved == 1
    assert edited.edits().revision == revision
    path.write_text("nothing\n1\n")
    with pytest.raises(SourceError):
        solve(edited, keyframes=path)


def test_a_log_without_poses_is_refused(tmp_path, town):
    from dataclasses import replace

    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(replace(town, ego_poses=None))
    log = workspace.log()
    with pytest.raises(LabelError, match="expected ego poses"):
        solve_track(log, Cuboids([[0, 0, 0]], [[4, 2, 1.5]], [0]), log.timestamps_ns[:1],
                    class_name="car")  # fmt: skip
