import numpy as np
import pytest

import image_label_sets as sets
from perception_label import schema
from perception_label.errors import EditError, SettingError, SourceError, WorkspaceError
from perception_label.geometry.shapes import Shape
from perception_label.pipeline.solve_images import NAME, image_labels, solve_images
from perception_label.storage.edits import make
from perception_label.tables import image_labels_from_table


@pytest.fixture
def workspace(tmp_path):
    return sets.workspace(tmp_path)


def times_of(ws):
    return [int(t) for t in ws.log().image_timestamps_ns["front"]]


def box(k, times, track="t", camera="front", **by):
    return make.set_shape(track, camera, times[k], Shape.box([10 + k, 10, 30 + k, 30]), **by)


def test_edits_become_labels_on_every_image(workspace):
    t = times_of(workspace)
    edits = workspace.edits()
    edits.append([make.create_track("t", "car"), box(0, t), box(8, t), box(3, t, camera="rear")])
    report = solve_images(workspace)
    assert report.cameras == ("front", "rear")
    assert report.n_tracks == 1
    table = workspace.boxes()
    assert table.schema.equals(schema.BOXES_2D)
    assert len(table) == report.n_labels
    front = image_labels(workspace.log(), "front")
    assert set(range(9)) <= set(front.images.tolist())
    by_image = {int(i): b for i, b in zip(front.images, front.boxes_px, strict=True)}
    assert max(np.abs(by_image[k] - [10 + k, 10, 30 + k, 30]).max() for k in range(9)) < 1
    assert front.timestamps_ns.tolist() == [t[i] for i in front.images]
    assert set(front.revision.tolist()) == {4}
    assert [str(s) for s in front.sources[front.is_key]] == ["human", "human"]
    assert ("front", "t", "box") in report.next_keyframes
    assert report.next_keyframes["front", "t", "box"] in t


def test_the_same_edits_give_the_same_bytes(workspace):
    t = times_of(workspace)
    workspace.edits().append([make.create_track("t", "car"), box(0, t), box(8, t)])
    solve_images(workspace)
    path = workspace.log().machine_file(NAME)
    was = path.read_bytes()
    solve_images(workspace)
    assert path.read_bytes() == was


def test_lifespan_and_intervals_outside_are_kept_free(workspace):
    t = times_of(workspace)
    workspace.edits().append([
        make.create_track("t", "car", span_ns=(t[0], t[6] + 5)),
        box(0, t),
        box(6, t),
        make.set_outside("t", t[2], t[3], camera="front"),
        make.set_outside("t", t[5], t[5]),
    ])  # fmt: skip
    solve_images(workspace)
    front = image_labels(workspace.log(), "front")
    assert front.images.tolist() == [0, 1, 4, 6]


def test_people_win_over_models_and_rejected_tracks_are_left_out(workspace):
    t = times_of(workspace)
    workspace.edits().append([
        make.create_track("t", "car"),
        box(0, t, source="model:m"),
        box(4, t),
        make.create_track("m", "car", source="model:m"),
        box(0, t, track="m", source="model:m"),
        make.create_track("no", "car"),
        box(0, t, track="no"),
        make.verdict("no", "reject"),
    ])  # fmt: skip
    solve_images(workspace)
    front = image_labels(workspace.log(), "front")
    keys = {
        (n, i)
        for n, i, k in zip(front.track_ids, front.images.tolist(), front.is_key, strict=True)
        if k
    }
    assert keys == {("t", 4), ("m", 0)}


def test_one_camera_again_keeps_the_others(workspace):
    t = times_of(workspace)
    workspace.edits().append([make.create_track("t", "car"), box(0, t), box(3, t, camera="rear")])
    solve_images(workspace)
    workspace.edits().append([box(9, t)])
    was = workspace.boxes(camera="rear").to_pylist()
    solve_images(workspace, cameras=("front",))
    assert workspace.boxes(camera="rear").to_pylist() == was
    assert 9 in image_labels(workspace.log(), "front").images.tolist()
    with pytest.raises(SettingError, match="expected cameras of front, rear"):
        solve_images(workspace, cameras=("left",))


def test_of_nothing_there_is_an_empty_table_and_before_it_an_error(workspace):
    with pytest.raises(WorkspaceError, match="solve_images makes them"):
        workspace.boxes()
    report = solve_images(workspace)
    assert report.n_labels == 0
    assert len(workspace.boxes(camera="front", track="t")) == 0
    assert len(image_labels_from_table(workspace.boxes())) == 0


def test_images_that_are_gone_are_told(workspace, tmp_path):
    t = times_of(workspace)
    workspace.edits().append([make.create_track("t", "car"), box(0, t)])
    (tmp_path / "0000.png").unlink()
    with pytest.raises(SourceError, match="expected the first image of front"):
        solve_images(workspace)


def test_a_workspace_knows_which_images_there_are(workspace):
    with pytest.raises(EditError, match="time of an image of front"):
        workspace.edits().append([
            make.create_track("t", "car"),
            make.set_shape("t", "front", times_of(workspace)[0] + 1, Shape.box([1, 1, 5, 5])),
        ])  # fmt: skip
