from dataclasses import replace

import numpy as np
import pytest

from perception_label import LabelError, open_workspace
from perception_label.cloud.sweeps import Sweep
from perception_label.config import Scoring
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.pipeline.score import judged_instants, score, score_log
from perception_label.tables import labels_to_table
from recordings import MemorySource, recording


def workspace(tmp_path, **changes):
    opened = open_workspace(tmp_path / "ws")
    opened.ingest(recording(**changes))
    return opened


def shifted(labels, by_m):
    boxes = labels.cuboids
    return replace(labels, cuboids=Cuboids(boxes.center_m + by_m, boxes.size_m, boxes.yaw_rad))


def test_proposals_equal_to_truth_are_perfect(tmp_path):
    ws = workspace(tmp_path)
    ws.log().write_machine("proposals", ws.truth())
    result = score(ws, settings=Scoring(min_points=0)).as_dict()
    assert result["source"] == "proposals"
    assert (result["recall"], result["precision"], result["ap"], result["mota"]) == (1, 1, 1, 1)
    assert result["hota"] == pytest.approx(1)
    assert result["classes"]["vehicle"]["recall_by_class"] == {"car": {"recall": 1, "n_truth": 6}}


def test_boxes_beside_the_truth_are_wrong(tmp_path):
    ws = workspace(tmp_path)
    moved = shifted(ws.log().truth(), [5, 0, 0])
    ws.log().write_machine("proposals", labels_to_table(moved, "model:test"))
    result = score(ws, settings=Scoring(min_points=0)).as_dict()
    assert (result["recall"], result["precision"], result["mean_iou"]) == (0, 0, None)
    assert result["mota"] == -1


def test_points_nobody_counted_are_counted_in_the_sweeps(tmp_path):
    ws = workspace(tmp_path)
    log = ws.log()
    truth = log.truth()
    inside = [
        int(
            np.sum(
                np.all(
                    np.abs(log.sweep(i).world_points_m() - [10, 2, 0.75]) <= [2.25, 0.9, 0.75],
                    axis=1,
                )
            )
        )
        for i in range(6)
    ]
    assert max(inside) > 0
    limit = int(np.median(inside)) + 1
    found = score_log(log, truth, "truth", Scoring(min_points=limit)).as_dict()
    assert found["n_truth"] == sum(n >= limit for n in inside)
    assert found["precision"] in (1, None)


def test_boxes_at_other_instants_are_left_out_and_counted(tmp_path):
    ws = workspace(tmp_path)
    truth = ws.log().truth()
    late = replace(truth, timestamps_ns=truth.timestamps_ns + 1)
    result = score_log(ws.log(), late, "late", Scoring(min_points=0))
    assert (result.n_labels_left_out, result.n_truth_left_out) == (6, 0)
    assert result.as_dict()["recall"] == 0


def test_the_truths_view_comes_with_the_log(tmp_path):
    ws = workspace(tmp_path, truth_view_rad=(-0.5, 0.9))
    log = ws.log()
    truth = log.truth()
    behind = shifted(truth, [-60, 0, 0])
    both = Labels.from_columns(
        np.r_[truth.timestamps_ns, behind.timestamps_ns],
        np.r_[np.zeros(6), np.ones(6)],
        ["car"] * 12,
        Cuboids.unpack(np.r_[truth.cuboids.packed(), behind.cuboids.packed()]),
    )
    result = score_log(log, both, "both", Scoring(min_points=0)).as_dict()
    assert result["view_rad"] == (-0.5, 0.9)
    assert result["precision"] == 1


def test_sweeps_between_keyframes_are_not_judged():
    sweeps = np.arange(10)
    assert judged_instants(sweeps, np.array([0, 5])).tolist() == [0, 5]
    assert judged_instants(sweeps, np.arange(5, 30)).tolist() == sweeps.tolist()


@pytest.mark.parametrize(
    ("changes", "source", "line"),
    [
        ({"truth": None}, "proposals", "yard: expected truth"),
        ({}, None, "expected dense boxes"),
        ({}, "solved", "expected dense boxes .solved."),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, changes, source, line):
    ws = workspace(tmp_path, **changes)
    if source == "proposals":
        table = labels_to_table(recording().truth, "model:test")
        ws.log().write_machine("proposals", table)
    with pytest.raises(LabelError, match=line) as error:
        score(ws, source=source)
    assert "\n" not in str(error.value)


@pytest.mark.realdata
def test_a_kitti_log_scores_one_against_itself_in_its_cameras_view(real_data, tmp_path):
    ws = open_workspace(tmp_path / "ws")
    ws.ingest(real_data("kitti_seq0008_f000-004"))
    log = ws.log()
    result = score_log(log, log.truth(), "truth").as_dict()
    assert result["view_rad"] is not None
    assert (result["recall"], result["precision"]) == (1, 1)
    assert result["n_truth"] > 10


def test_instants_without_points_are_not_judged_unless_there_are_no_others(tmp_path):
    def emptied(given, rows):
        sweeps = [
            Sweep(points_m=np.empty((0, 3), np.float32), timestamp_ns=s.timestamp_ns)
            if i in rows
            else Sweep(points_m=s.points_m, timestamp_ns=s.timestamp_ns)
            for i, s in enumerate(given.source.sweeps)
        ]
        return replace(given, source=MemorySource(tuple(sweeps)))

    for rows, n_sweeps, min_points in ((range(4), 2, 0), (range(6), 6, 1)):
        ws = open_workspace(tmp_path / str(n_sweeps))
        ws.ingest(emptied(recording(), rows))
        log = ws.log()
        result = score_log(log, log.truth(), "truth", Scoring(min_points=min_points)).as_dict()
        assert result["n_sweeps"] == n_sweeps
        assert result["recall"] == 1
