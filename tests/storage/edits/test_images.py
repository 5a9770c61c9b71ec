import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edit_logs import TIMES, at
from perception_label.errors import EditError, WorkspaceError
from perception_label.geometry.shapes import Shape
from perception_label.storage.edits import EditLog, make, migrations
from perception_label.storage.edits.checks_images import CameraImages
from perception_label.storage.edits.database import Database

IMAGES = TIMES[:50] - 40_000_000  # the first image comes before the first sweep
CAMERAS = {"front": CameraImages(IMAGES, 640, 480), "rear": CameraImages(IMAGES + 7, 640, 480)}
WHOLE = (int(IMAGES[0]), int(TIMES[-1]))
SHAPES = {
    "box": Shape.box([10, 20, 50, 90]),
    "polygon": Shape.polygon([[[1, 1], [9, 1], [9, 9]], [[20, 20], [30, 20], [30, 30]]]),
    "keypoints": Shape.keypoints([[5, 5], [0, 0]], [2, 0]),
    "polyline": Shape.polyline([[1, 1], [9, 5], [600, 470]]),
}


def im(k):
    return int(IMAGES[k])


def opened(folder):
    database = Database(folder / "labels.db")
    return EditLog(database, "log", TIMES, folder / "ontology.yaml", CAMERAS)


@pytest.fixture
def log(tmp_path):
    made = opened(tmp_path)
    made.append([make.create_track("t", "car")])
    return made


def box(k, x=10.0, track="t", camera="front", **by):
    return make.set_shape(track, camera, im(k), Shape.box([x, 20, x + 40, 90]), **by)


def mask_of(size, runs):
    """COCO's text of run lengths, by the definition."""
    text = ""
    for i, run in enumerate(runs):
        value, more = run - (runs[i - 2] if i > 2 else 0), True
        while more:
            code, value = value & 31, value >> 5
            more = value != (-1 if code & 16 else 0)
            text += chr(48 + (code | (32 if more else 0)))
    return Shape.mask(size, text)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_is_read_back_as_it_was_set(log, tmp_path, kind):
    name = "line" if kind == "polyline" else "t"
    if kind == "polyline":
        log.append([make.create_track(name, "other")])
    log.append([make.set_shape(name, "front", im(3), SHAPES[kind])])
    keys = opened(tmp_path).track(name).shapes["front", kind]
    assert keys.shapes() == (SHAPES[kind],)
    assert keys.timestamps_ns.tolist() == [im(3)]
    assert keys.sources == ("human",)
    assert opened(tmp_path).state().tracks[name].shapes["front", kind].shapes() == (SHAPES[kind],)


def test_a_track_has_cuboids_and_boxes_of_several_cameras(log):
    log.append([
        make.set_keyframe("t", at(4), [1, 2, 0], 0.1),
        box(2),
        box(5, 30),
        make.set_shape("t", "front", im(5), SHAPES["polygon"]),
        make.set_shape("t", "rear", im(5) + 7, SHAPES["box"]),
    ])  # fmt: skip
    track = log.track("t")
    assert list(track.shapes) == [("front", "box"), ("front", "polygon"), ("rear", "box")]
    assert track.shapes["front", "box"].timestamps_ns.tolist() == [im(2), im(5)]
    assert track.key_timestamps_ns.tolist() == [at(4)]
    assert track.n_human == 5


def test_a_later_shape_replaces_and_an_undo_brings_back(log):
    second = box(2, 99)
    log.append([box(2), second])
    assert log.track("t").shapes["front", "box"].shapes()[0].box_px[0] == 99
    assert log.history()[-1].edit.before["shape"]["box_px"][0] == 10
    log.append([make.undo(second.edit_id)])
    assert log.track("t").shapes["front", "box"].shapes()[0].box_px[0] == 10
    gone = make.remove_shape("t", "front", im(2))
    log.append([gone])
    assert not log.track("t").shapes
    log.append([make.undo(gone.edit_id)])
    assert len(log.state().tracks["t"].shapes["front", "box"].said) == 1


def test_merge_takes_the_other_tracks_shapes_and_people_win(log):
    log.append([
        make.create_track("u", "car"),
        box(2, 10, source="model:m"),
        box(2, 20, track="u"),
        box(9, 30, track="u"),
        make.set_outside("u", im(10), im(20), camera="front"),
        make.merge("t", "u"),
    ])  # fmt: skip
    track = log.track("t")
    keys = track.shapes["front", "box"]
    assert [shape.box_px[0] for shape in keys.shapes()] == [20, 30]
    assert track.camera_outside_ns["front"].tolist() == [[im(10), im(20)]]


def test_tracks_that_are_apart_on_one_image_are_not_merged(log):
    log.append([make.create_track("u", "car"), box(2, 10), box(2, 300, track="u")])
    with pytest.raises(EditError, match="apart from it on front's image"):
        log.append([make.merge("t", "u")])


def test_split_cuts_shapes_and_intervals_of_cameras(log):
    log.append([
        box(2),
        box(8),
        box(12),
        make.set_outside("t", im(4), im(10), camera="front"),
        make.split("t", im(8), "n"),
    ])  # fmt: skip
    first, second = log.track("t"), log.track("n")
    assert first.shapes["front", "box"].timestamps_ns.tolist() == [im(2)]
    assert second.shapes["front", "box"].timestamps_ns.tolist() == [im(8), im(12)]
    assert first.span_ns == (im(2), im(8) - 1)
    assert second.span_ns == (im(8), im(12))
    assert first.camera_outside_ns["front"].tolist() == [[im(4), im(8) - 1]]
    assert second.camera_outside_ns["front"].tolist() == [[im(8), im(10)]]


def test_lifespan_holds_shapes_too(log):
    log.append([box(2), box(8, source="model:m")])
    with pytest.raises(EditError, match="lifespan that holds the keyframes people set"):
        log.append([make.set_lifespan("t", im(3), at(20))])
    log.append([make.set_lifespan("t", im(1), im(5))])
    assert log.track("t").shapes["front", "box"].timestamps_ns.tolist() == [im(2)]
    with pytest.raises(EditError, match="within the lifespan"):
        log.append([box(9)])


def test_an_interval_of_no_end_reaches_to_the_first_image(log):
    log.append([make.set_outside("t")])
    assert log.track("t").outside_ns.tolist() == [list(WHOLE)]
    log.append([make.set_attribute("t", "occlusion", "partial", im(0))])
    assert log.track("t").sweep_attributes["occlusion"] == {im(0): "partial"}


def test_a_finalised_track_is_open_again_after_a_shape(log):
    log.append([box(2), make.finalise("t")])
    assert log.track("t").is_finalised
    log.append([box(3)])
    assert not log.track("t").is_finalised


def test_a_model_does_not_replace_what_a_person_drew(log):
    log.append([box(2)])
    with pytest.raises(EditError, match="no keyframe by a person"):
        log.append([box(2, 50, source="model:m")])
    with pytest.raises(EditError, match="no keyframe by a person"):
        log.append([make.remove_shape("t", "front", im(2), source="rule")])


def test_a_mask_of_the_images_size_is_taken(log):
    n = 480 * 640
    mask = mask_of((480, 640), [1000, 500, n - 1500])
    log.append([make.set_shape("t", "front", im(1), mask)])
    assert log.track("t").shapes["front", "mask"].shapes() == (mask,)


N = 480 * 640
BAD = [
    (Shape.box([700, 20, 750, 90]), "box: expected to touch the image of 640 x 480 px"),
    (Shape.box([-50, 20, 0, 90]), "box: expected to touch"),
    (Shape.box([600, 20, 5000, 90]), "box: expected to stay near"),
    (Shape.polygon([[[1, 1], [9, 9], [9, 1], [1, 9]]]), "polygon: expected edges that do not"),
    (Shape.polygon([[[1, 1], [2, 2], [3, 3]]]), "polygon: expected an area above 0"),
    (Shape.keypoints([[5, 5]], [0]), "keypoints: expected at least one that is labelled"),
    (Shape.keypoints([[-50, 5]]), "keypoints: expected to touch"),
    (mask_of((480, 639), [0, 480 * 639]), "mask: expected one of the image's 640 x 480 px, got"),
    (mask_of((480, 640), [1, 2, 3]), "runs that add up to 307200 pixels, got 6"),
    (mask_of((480, 640), [N]), "got an empty mask"),
    (Shape.mask((480, 640), "é"), "counts as COCO writes them"),
    (Shape.mask((480, 640), "0P"), "counts as COCO writes them"),
    (Shape.polyline([[1, 1], [9, 9]]), "geometry a car may have .*got polyline"),
]


@pytest.mark.parametrize(("shape", "match"), BAD)
def test_a_shape_that_cannot_be_is_refused_in_one_line(log, shape, match):
    with pytest.raises(EditError, match=match) as error:
        log.append([make.set_shape("t", "front", im(1), shape)])
    assert "\n" not in str(error.value)
    assert log.revision == 1


def test_a_shape_needs_a_camera_and_the_time_of_its_image(log):
    with pytest.raises(EditError, match="expected a camera of front, rear, got 'left'"):
        log.append([make.set_shape("t", "left", im(1), SHAPES["box"])])
    with pytest.raises(EditError, match="time of an image of front"):
        log.append([make.set_shape("t", "front", at(1), SHAPES["box"])])
    with pytest.raises(EditError, match="time of an image of rear"):
        log.append([make.set_shape("t", "rear", im(1), SHAPES["box"])])
    with pytest.raises(EditError, match="expected a camera of"):
        log.append([make.set_outside("t", camera="left")])
    with pytest.raises(EditError, match="expected a box on front's image"):
        log.append([make.remove_shape("t", "front", im(1))])


def test_a_class_must_allow_the_geometry_that_is_there(log):
    log.append([
        make.create_track("line", "other"),
        make.set_shape("line", "front", im(1), SHAPES["polyline"]),
    ])  # fmt: skip
    with pytest.raises(EditError, match="class that may have polyline, got car"):
        log.append([make.set_class("line", "car")])


NO_SHAPES = [
    None,
    {},
    {"kind": "blob"},
    {"kind": "box"},
    {"kind": "box", "box_px": [1, 2, 3]},
    {"kind": "box", "box_px": [5, 5, 5, 9]},
    {"kind": "box", "box_px": [1, 1, float("nan"), 9]},
    {"kind": "box", "box_px": ["a", 1, 2, 3]},
    {"kind": "polygon", "parts_px": []},
    {"kind": "polygon", "parts_px": [[[1, 1], [2, 2]]]},
    {"kind": "polyline", "points_px": [[1, 1]]},
    {"kind": "mask", "size_px": [0, 4], "counts": "04"},
    {"kind": "mask", "size_px": [4, 4], "counts": ""},
    {"kind": "keypoints", "points_px": [[1, 1]], "visibility": [3]},
    {"kind": "box", "box_px": [1, 2, 3, 4], "extra": 1},
]


@pytest.mark.parametrize("said", NO_SHAPES)
def test_what_is_no_shape_is_refused(log, said):
    with pytest.raises(EditError) as error:
        make.set_shape("t", "front", im(1), said)
    assert "\n" not in str(error.value)
    sent = make.set_shape("t", "front", im(1), SHAPES["box"])
    bad = type(sent)(
        edit_id=sent.edit_id, kind="set_shape", track_id="t", timestamp_ns=im(1),
        after={"camera": "front", "shape": said},
    )  # fmt: skip
    with pytest.raises(EditError):
        log.append([bad])


def test_a_log_of_images_alone_can_be_labelled(tmp_path):
    log = EditLog(Database(tmp_path / "l.db"), "v", TIMES[:0], tmp_path / "o.yaml", CAMERAS)
    log.append([make.create_track("t", "car"), box(0)])
    assert log.track("t").n_human == 1
    with pytest.raises(EditError, match="time of a sweep"):
        log.append([make.set_keyframe("t", im(0), [0, 0, 0], 0)])


@given(st.lists(st.tuples(st.sampled_from("srum"), st.integers(0, 9)), max_size=25))
def test_one_track_replays_as_the_whole_log_does(tmp_path_factory, script):
    log = opened(tmp_path_factory.mktemp("law"))
    log.append([make.create_track("t", "car"), make.create_track("u", "car")])
    sent = []
    for verb, k in script:
        track = "t" if k % 3 else "u"
        edit = {
            "s": lambda k=k, track=track: box(k, 10 + k, track),
            "r": lambda k=k, track=track: make.remove_shape(track, "front", im(k)),
            "u": lambda k=k: make.undo(sent[k % len(sent)].edit_id if sent else "none"),
            "m": lambda k=k, track=track: make.split(track, im(k), f"n{len(sent)}"),
        }[verb]()
        try:
            log.append([edit])
            sent.append(edit)
        except EditError:
            continue
    for name, track in log.state().tracks.items():
        alone = log.track(name)
        assert alone.span_ns == track.span_ns
        assert {k: (v.said, v.timestamps_ns.tolist()) for k, v in alone.shapes.items()} == {
            k: (v.said, v.timestamps_ns.tolist()) for k, v in track.shapes.items()
        }
    log.close()


def test_bounds_of_shapes():
    assert SHAPES["polygon"].box_px.tolist() == [1.5, 1.5, 30.5, 30.5]
    assert SHAPES["keypoints"].box_px.tolist() == [5.5, 5.5, 5.5, 5.5]
    assert np.isnan(mask_of((4, 4), [0, 16]).box_px).all()
    assert [len(part) for part in SHAPES["polygon"].parts_px] == [3, 3]


def test_a_pickled_edit_log_still_knows_its_cameras(log, tmp_path):
    again = pickle.loads(pickle.dumps(log))
    again.append([box(2)])
    assert log.track("t").n_human == 1


def test_an_older_release_refuses_a_database_with_shapes(log, monkeypatch):
    log.append([box(2)])
    log.close()
    monkeypatch.setattr(migrations, "STEPS", migrations.STEPS[:1])
    with pytest.raises(WorkspaceError, match="a newer release of perception-label made them"):
        log.track("t")
