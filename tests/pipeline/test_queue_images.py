import shutil
from dataclasses import replace

import numpy as np
import pytest

import image_label_sets as sets
from cards import camera, cards, drive
from perception_label.errors import WorkspaceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.shapes import Shape
from perception_label.pipeline.project import project_tracks
from perception_label.pipeline.queue import review_queue
from perception_label.pipeline.queue_images import compare_labels
from perception_label.pipeline.solve_images import NAME, image_labels, solve_images
from perception_label.pipeline.workspace import open_workspace
from perception_label.storage.edits import make
from perception_label.tables import image_labels_to_table, labels_to_table

N, LAST = 12, 9


def boxes(log):
    """A thin box around each card at every sweep."""
    corners, _ = cards()
    along = corners[:, 1] - corners[:, 0]
    size = np.column_stack(
        [np.linalg.norm(along, axis=1), np.full(len(along), 0.1), corners[:, 3, 2] - 0.3]
    )
    m, yaw = len(corners), np.arctan2(along[:, 1], along[:, 0])
    one = Cuboids(corners.mean(axis=1), size, yaw).packed()
    return Labels.from_columns(
        np.repeat(log.timestamps_ns, m), [f"{k:02d}" for k in range(m)] * N, ["car"] * m * N,
        Cuboids.unpack(np.tile(one, (N, 1))),
    )  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Cards with cuboids, and boxes of some on images 0 and `LAST`; those tracks."""
    root = tmp_path_factory.mktemp("on_images")
    workspace = open_workspace(root / "workspace", create=True)
    workspace.ingest(drive(root / "pictures", {"front": camera()}, n=N, cells=8))
    log = workspace.log()
    labels = boxes(log)
    log.write_machine("solved", labels_to_table(labels, "solver"))
    seen = project_tracks(log, "front", labels, images=[0, LAST], min_visible=0.95)
    names, counts = np.unique(seen.tracks, return_counts=True)
    return workspace, seen, names[counts == 2][:4]


def draw(workspace, seen, tracks, off_px):
    """Set keyframes of tracks at their silhouettes, moved right by `off_px` of each."""
    times = workspace.log().image_timestamps_ns["front"]
    edits = []
    for track, off in zip(tracks, off_px, strict=True):
        name = f"{track:02d}"
        edits.append(make.create_track(name, "car"))
        for row in np.flatnonzero(seen.tracks == track):
            shape = Shape.box(seen.boxes_px[row] + [off, 0, off, 0])
            edits.append(make.set_shape(name, "front", int(times[seen.images[row]]), shape))
    workspace.edits().append(edits)
    solve_images(workspace)


@pytest.fixture
def edited(drawn, tmp_path):
    workspace, seen, tracks = drawn
    shutil.copytree(workspace.path, tmp_path / "ws")
    return open_workspace(tmp_path / "ws"), seen, tracks


def test_labels_on_images_where_their_cuboids_are_ask_for_nothing(edited):
    workspace, seen, tracks = edited
    draw(workspace, seen, tracks, [0] * len(tracks))
    log = workspace.log()
    met = compare_labels(log, "front", boxes(log), image_labels(log, "front"), is_exact=True)
    assert set(met.tracks.tolist()) == set(tracks.tolist())
    assert met.iou[np.isin(met.images, [0, LAST])].min() > 0.99
    assert len(met) > 2 * len(tracks)  # and one between
    assert [i for i in review_queue(log).of_kind("image") if "cuboid" in i.item_id] == []


def test_a_label_on_images_that_is_elsewhere_than_its_cuboid_is_asked_about(edited):
    workspace, seen, tracks = edited
    draw(workspace, seen, tracks, [200] + [0] * (len(tracks) - 1))
    items = [i for i in review_queue(workspace.log()).of_kind("image") if "cuboid" in i.item_id]
    assert [(i.track_id, i.camera) for i in items] == [(f"{tracks[0]:02d}", "front")]
    assert items[0].at_ns in workspace.log().timestamps_ns
    assert items[0].first_ns <= items[0].at_ns <= items[0].last_ns
    assert "overlap by 0.0" in items[0].reason


def test_where_all_are_elsewhere_the_camera_is_to_blame(edited):
    workspace, seen, tracks = edited
    draw(workspace, seen, tracks, [200] * len(tracks))
    queue = review_queue(workspace.log())
    assert [i for i in queue.of_kind("image") if "cuboid" in i.item_id] == []
    said = [note for note in queue.notes if "camera front" in note]
    assert len(said) == 1
    assert f"{len(tracks)} of {len(tracks)} tracks, the median by +200 px right" in said[0]


def test_a_log_with_labels_on_images_alone_has_a_queue(tmp_path):
    workspace = sets.workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="got none"):
        review_queue(workspace.log())
    log = workspace.log()
    times = [int(t) for t in log.image_timestamps_ns["front"]]
    shapes = [Shape.box([10 + k, 10, 30 + k, 30]) for k in (0, 9)]
    keys = [make.set_shape("t", "front", times[k], s) for k, s in zip((0, 9), shapes, strict=True)]
    workspace.edits().append([make.create_track("t", "car"), *keys])
    solve_images(workspace)
    assert review_queue(log).items == ()
    made = image_labels(log, "front")
    low = np.where(made.is_key, made.expected_iou, 0.9 - 0.05 * made.images)
    log.write_machine(NAME, image_labels_to_table(replace(made, expected_iou=low), "front"))
    (item,) = review_queue(log).items
    assert (item.item_id, item.camera, item.source) == ("image:t:front:box", "front", "video")
    assert item.at_ns in log.timestamps_ns
    assert 2 < item.expected_error < 8
    assert "at image 11" in item.reason
    workspace.edits().append([make.verdict("t", "accept")])
    assert review_queue(log).items == ()
