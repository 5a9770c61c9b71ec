"""Proposals over whole logs: what they find, and what must change nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from perception_label import open_workspace
from perception_label.config import Scoring
from perception_label.errors import MissingPosesError, WorkspaceError
from perception_label.geometry.cuboids import wrap
from perception_label.geometry.overlap import overlap_3d
from perception_label.pipeline.propose import propose
from perception_label.pipeline.score import score
from perception_label.tables import labels_from_table
from towns import first, moved, proposals, with_points, with_sweeps

NOTHING = np.empty((0, 3))


def workspace_of(tmp_path, recording):
    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(recording)
    return workspace


def found(town_workspace):
    return labels_from_table(town_workspace.cuboids())


def shares_matched(a, b, least=0.8):
    """Shares of the boxes of `a` and of `b` that the other has at 3-D IoU `least`, same class."""
    shares = []
    for one, other in ((a, b), (b, a)):
        hits = 0
        for time in np.unique(one.timestamps_ns):
            mine, theirs = (x[x.timestamps_ns == time] for x in (one, other))
            overlap = overlap_3d(mine.cuboids, theirs.cuboids)
            names = [np.array(x.class_names)[x.classes] for x in (mine, theirs)]
            hits += ((overlap >= least) & (names[0][:, None] == names[1])).any(axis=1).sum()
        shares.append(hits / max(1, len(one)))
    return shares


def test_most_of_what_is_there_is_found(town_workspace):
    report = score(town_workspace, settings=Scoring(min_points=30, max_range_m=40))
    vehicles = report.as_dict()["classes"]["vehicle"]["criteria"]["iou_bev@0.5"]
    assert vehicles["n_truth"] > 100
    assert vehicles["recall"] > 0.8
    assert vehicles["precision"] > 0.75


def test_boxes_are_sane(town_workspace):
    labels = found(town_workspace)
    assert ((labels.scores >= 0.4) & (labels.scores <= 1)).all()
    assert (labels.cuboids.size_m > 0.1).all()
    assert (np.abs(labels.cuboids.yaw_rad) <= np.pi).all()
    assert (labels.n_points >= 0).all()
    assert np.isin(labels.timestamps_ns, town_workspace.log().timestamps_ns).all()
    # One box per track and sweep, one class and size per track.
    pairs = np.column_stack([labels.timestamps_ns, labels.tracks])
    assert len(np.unique(pairs, axis=0)) == len(labels)
    for track in np.unique(labels.tracks):
        own = labels[labels.tracks == track]
        assert len(np.unique(own.classes)) == 1
        assert np.ptp(own.cuboids.size_m, axis=0).max() < 1e-9


def test_any_number_of_workers_and_twice_give_the_same_bytes(town, tmp_path):
    workspace = workspace_of(tmp_path, first(town, 6))
    seen = set()
    for workers in (1, 2, 2):
        propose(workspace, workers=workers)
        seen.add((workspace.path / "machine" / town.log_id / "proposals.arrow").read_bytes())
    assert len(seen) == 1


def test_a_log_without_poses_is_one_line_that_names_odometry(town, tmp_path):
    workspace = workspace_of(tmp_path, replace(first(town, 2), ego_poses=None, truth=None))
    with pytest.raises(MissingPosesError, match=r"^log \S+: expected ego poses.*--odometry.*$"):
        propose(workspace)
    assert workspace.log().machine("proposals") is None


def test_estimated_poses_are_enough(town, tmp_path):
    given = replace(first(town, 6), ego_poses=None, truth=None)
    workspace = open_workspace(tmp_path / "ws")
    workspace.ingest(given, odometry="open3d")
    labels = proposals(workspace)
    known = proposals(workspace_of(tmp_path / "known", first(town, 6)))
    n = [len(np.unique(x.tracks)) for x in (labels, known)]
    assert n[1] / 2 < n[0] < n[1] * 2


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_sweeps_are_enough(n, town, tmp_path):
    workspace = workspace_of(tmp_path, first(town, n))
    labels = proposals(workspace)
    assert len(np.unique(labels.tracks)) > 3
    assert len(np.unique(labels.timestamps_ns)) == n


def test_empty_sweeps_in_between_lose_no_track(town, tmp_path):
    whole = proposals(workspace_of(tmp_path / "whole", first(town, 8)), workers=1)
    holed = with_sweeps(
        first(town, 8), lambda i, s: with_points(s, NOTHING) if i in (0, 3, 4) else s
    )
    labels = proposals(workspace_of(tmp_path / "holed", holed), workers=1)
    at_end = town.timestamps_ns[7]
    a, b = (x[x.timestamps_ns == at_end] for x in (whole, labels))
    assert min(shares_matched(a, b, 0.5)) > 0.7


@pytest.mark.parametrize("filled", [{1}, {3}, {1, 4}])
def test_the_only_sweeps_with_points_are_searched(filled, town, tmp_path):
    """Logs of labels with points at few instants: which number those have does not matter."""
    sparse = with_sweeps(first(town, 6), lambda i, s: s if i in filled else with_points(s, NOTHING))
    labels = proposals(workspace_of(tmp_path, sparse), workers=1)
    for i in filled:
        assert (labels.timestamps_ns == town.timestamps_ns[i]).sum() > 3


def test_a_log_of_only_empty_sweeps_has_no_proposals(town, tmp_path):
    empty = with_sweeps(first(town, 4), lambda i, s: with_points(s, NOTHING))
    assert len(proposals(workspace_of(tmp_path, empty))) == 0


@pytest.mark.parametrize(
    "points",
    [
        [[5.0, 0, 0]],
        np.tile([[8.0, 1, -0.5]], (500, 1)),
        np.zeros((50, 3)),
        np.column_stack([np.random.default_rng(0).uniform(-30, 30, (3000, 2)), np.full(3000, -2)]),
        np.column_stack(
            [np.full(2000, 9.0), np.random.default_rng(0).uniform((-9, -2), (9, 2), (2000, 2))]
        ),
        np.column_stack([np.linspace(-70, 70, 900), np.zeros(900), np.zeros(900)]),
        [[1e30, 0, 0], [-1e30, 1e30, 5], [3, 3, 1e30]],
    ],
    ids=["one point", "one spot", "origin", "floor", "wall", "line", "far away"],
)
def test_degenerate_points_are_no_error(points, town, tmp_path):
    odd = with_sweeps(first(town, 3), lambda i, s: with_points(s, points))
    labels = proposals(workspace_of(tmp_path, odd))
    assert np.isfinite(labels.cuboids.packed()).all()


def test_a_single_odd_sweep_among_sound_ones_is_no_error(town, tmp_path):
    odd = with_sweeps(first(town, 4), lambda i, s: with_points(s, [[5, 0, 0]]) if i == 1 else s)
    assert len(proposals(workspace_of(tmp_path, odd))) > 10


def test_another_world_frame_gives_the_same_boxes_moved(town, tmp_path):
    short = first(town, 8)
    here = proposals(workspace_of(tmp_path / "here", short), workers=1)
    turn, shift = 0.9, np.array([120.0, -310.0, 15.0])
    there_from_here = np.eye(4)
    there_from_here[:3, :3] = Rotation.from_euler("z", turn).as_matrix()
    there_from_here[:3, 3] = shift
    there = proposals(workspace_of(tmp_path / "there", moved(short, there_from_here)), workers=1)
    expected = here.cuboids.moved(there_from_here)
    assert there.timestamps_ns.tolist() == here.timestamps_ns.tolist()
    assert there.tracks.tolist() == here.tracks.tolist()
    assert np.allclose(there.cuboids.center_m, expected.center_m, atol=1e-5)
    assert np.allclose(there.cuboids.size_m, expected.size_m, atol=1e-5)
    assert np.allclose(wrap(there.cuboids.yaw_rad - expected.yaw_rad), 0, atol=1e-5)
    assert np.allclose(there.scores, here.scores, atol=1e-6)


def test_utm_coordinates_change_no_box(town, tmp_path):
    short = first(town, 8)
    here = proposals(workspace_of(tmp_path / "here", short), workers=1)
    far = np.eye(4)
    far[:3, 3] = [500_123.25, 5_400_321.5, 480.125]
    workspace = workspace_of(tmp_path / "far", moved(short, far))
    there = proposals(workspace, workers=1)
    origin = np.array(workspace.log().info.origin_m)
    assert np.abs(origin).max() > 1e6
    assert np.allclose(
        there.cuboids.center_m + origin, here.cuboids.center_m + far[:3, 3], atol=1e-4
    )
    assert np.allclose(there.cuboids.size_m, here.cuboids.size_m, atol=1e-4)


@pytest.mark.parametrize("rpy", [(0.0, 0.12, 0.0), (0.08, -0.05, 2.5)], ids=["nods", "all round"])
def test_a_tilted_sensor_gives_the_same_boxes_as_a_level_one(rpy, town, tmp_path):
    short = first(town, 8)
    level = proposals(workspace_of(tmp_path / "level", short), workers=1)
    turn = Rotation.from_euler("xyz", rpy).as_matrix()
    mount = np.array(short.ego_from_lidar)
    mount[:3, :3] = mount[:3, :3] @ turn
    turned = with_sweeps(
        short, lambda i, s: replace(s, points_m=(s.points_m @ turn).astype(np.float32))
    )
    turned = replace(turned, ego_from_lidar=mount)
    tilted = proposals(workspace_of(tmp_path / "tilted", turned), workers=1)
    assert min(shares_matched(level, tilted)) > 0.9


def test_progress_rises_to_its_total(town, tmp_path):
    workspace = workspace_of(tmp_path, first(town, 3))
    told = []
    propose(workspace, progress=lambda done, total: told.append((done, total)), workers=1)
    done, total = np.array(told).T
    assert (np.diff(done) == 1).all()
    assert (total == done[-1]).all()


def test_a_result_that_cannot_be_written_leaves_the_one_before(town, tmp_path, monkeypatch):
    workspace = workspace_of(tmp_path, first(town, 2))
    propose(workspace)
    path = workspace.path / "machine" / town.log_id / "proposals.arrow"
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("perception_label.storage.whole._fill_table", full)
    with pytest.raises(WorkspaceError, match="the disk is full"):
        propose(workspace)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".part"] == []
