from dataclasses import replace

import numpy as np
import pytest

from cards import camera, cards, drive
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.pipeline.camera_tracks import compare_tracks
from perception_label.pipeline.workspace import open_workspace
from perception_label.quality.queue_cameras import camera_items

N = 14


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    root = tmp_path_factory.mktemp("tracks")
    recording = drive(root / "pictures", {"front": camera()}, n=N, cells=8)
    workspace = open_workspace(root / "workspace", create=True)
    workspace.ingest(recording)
    return workspace.log()


def labels(log, drift_mps=0.0, which=()):
    """A thin box around each card at every sweep; those in `which` drift sideways."""
    corners, _ = cards()
    along = corners[:, 1] - corners[:, 0]
    yaw = np.arctan2(along[:, 1], along[:, 0])
    size = np.column_stack(
        [np.linalg.norm(along, axis=1), np.full(len(along), 1.2), corners[:, 3, 2] - 0.3]
    )
    parts, seconds = [], (log.timestamps_ns - log.timestamps_ns.mean()) / 1e9
    for t in seconds:
        center = corners.mean(axis=1)
        shift = np.where(np.isin(np.arange(len(yaw)), which), drift_mps * t, 0.0)
        center = center + np.column_stack([0 * shift, shift, 0 * shift])
        parts.append(Cuboids(center, size, yaw).packed())
    m = len(corners)
    return Labels.from_columns(
        np.repeat(log.timestamps_ns, m), [f"{k:02d}" for k in range(m)] * N, ["car"] * m * N,
        Cuboids.unpack(np.concatenate(parts)),
    )  # fmt: skip


def test_boxes_that_stand_as_their_cards_do_agree_with_the_pictures(log):
    given = labels(log)
    seen = compare_tracks(log, "front", given)
    assert len(seen) > 10
    assert np.median(seen.off_m) < 0.02
    assert camera_items(given, "solver", seen) == []


def test_a_box_that_drifts_off_its_card_is_asked_about(log):
    seen = compare_tracks(log, "front", labels(log))
    names, counts = np.unique(seen.tracks, return_counts=True)
    which = names[counts >= 2][:2]
    given = labels(log, 1.0, which)
    items = camera_items(given, "solver", compare_tracks(log, "front", given))
    assert {item.track_id for item in items} <= {f"{k:02d}" for k in which}
    assert items
    assert all(item.kind == "camera" and "front sees it go" in item.reason for item in items)
    assert all(item.first_ns <= item.at_ns <= item.last_ns for item in items)


def test_when_everything_is_off_the_camera_is_to_blame(log):
    given = labels(log)
    seen = compare_tracks(log, "front", given)
    off = replace(seen, off_m=seen.off_m + 0.5, off_px=seen.off_px + 9)
    assert camera_items(given, "solver", off) == []


def test_no_boxes_give_no_comparisons(log):
    given = labels(log)[np.empty(0, dtype=np.int64)]
    seen = compare_tracks(log, "front", given)
    assert len(seen) == 0
    assert camera_items(given, "solver", seen) == []
