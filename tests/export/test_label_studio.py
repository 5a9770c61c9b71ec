"""Label Studio: video rectangles out, back as they were, and as its own page changes them."""

import copy
import json
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import format_worlds as worlds
from labelled_logs import labelled as awkward
from labelled_logs import write
from perception_label.errors import SourceError
from perception_label.export import plan_logs
from perception_label.geometry.cameras import Images
from perception_label.geometry.image_labels import ImageLabels, no_image_labels, texts
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels
from perception_label.readers.labels import Facts, label_studio, read_labels

N = 12
TIMES = 1_700_000_000_000_000_000 + np.arange(N, dtype=np.int64) * 40_000_000
# image, track, class, box, is_key: a track with a gap, one of a single image
ROWS = (
    (2, "ü 1", "car", (100.0, 50.0, 300.5, 200.25), True),
    (3, "ü 1", "car", (104.0, 51.0, 304.5, 201.25), False),
    (4, "ü 1", "car", (107.0, 53.0, 309.5, 203.25), True),
    (8, "ü 1", "car", (120.0, 60.0, 320.0, 210.0), True),
    (11, "7", "truck <b>", (0.0, 0.0, 1242.0, 374.0), False),
)


def labels(rows=ROWS):
    if not rows:
        return no_image_labels()
    images, tracks, names, boxes, is_key = zip(*rows, strict=True)
    return ImageLabels(
        images=np.array(images),
        timestamps_ns=TIMES[np.array(images)],
        track_ids=texts(tracks),
        class_names=texts(names),
        boxes_px=np.array(boxes),
        is_key=np.array(is_key),
        sources=texts(["human" if k else "video" for k in is_key]),
    )


def exported(out, rows=ROWS):
    given = awkward(
        images={"front": Images(TIMES, (Path("x.jpg"),) * N)},
        image_labels=lambda _camera: labels(rows),
        points=False,
    )
    write(plan_logs([given], "label-studio")[0], out)
    return out / "tasks.json"


def facts(**changes):
    known = {
        "log_id": "log-1", "cameras": {"front": awkward().cameras["front"]},
        "image_timestamps_ns": {"front": TIMES}, "image_names": {"front": ("a.mp4",) * N},
    }  # fmt: skip
    return Facts(**{**known, **changes})


def back(path, **changes):
    given = read_labels(path, "label-studio", facts(**changes))
    (found,) = given.images.values()
    return found.labels, given


def rows_of(found):
    columns = (found.images, found.track_ids, found.class_names, found.boxes_px, found.is_key)
    plain = [c.tolist() for c in columns]
    return sorted((i, t, c, tuple(b), k) for i, t, c, b, k in zip(*plain, strict=True))


def test_rectangles_are_per_cent_of_the_video(tmp_path):
    (task,) = json.loads(exported(tmp_path).read_text("utf-8"))
    results = {r["meta"]["track_id"]: r for r in task["annotations"][0]["result"]}
    first = results["ü 1"]["value"]["sequence"][0]
    # The video has no 375th row.
    assert task["data"]["height"] == 374
    assert first["x"] == pytest.approx(100 / 1242 * 100)
    assert first["y"] == pytest.approx(50 / 374 * 100)
    assert first["width"] == pytest.approx(200.5 / 1242 * 100)
    assert first["height"] == pytest.approx(150.25 / 374 * 100)
    sequence = results["ü 1"]["value"]["sequence"]
    assert [i["frame"] for i in sequence] == [3, 4, 5, 9]
    assert [i["enabled"] for i in sequence] == [True, True, False, False]
    assert [i["source"] for i in sequence] == ["human", "video", "human", "human"]
    assert first["time"] == pytest.approx(3 / 25)
    assert results["7"]["value"]["sequence"][0]["enabled"]
    assert results["7"]["value"]["framesCount"] == N


def test_the_config_names_every_class(tmp_path):
    exported(tmp_path)
    root = ElementTree.parse(tmp_path / "label_config.xml").getroot()
    assert [e.get("value") for e in root.iter("Label")] == ["car", "truck <b>"]
    assert root.find("VideoRectangle").get("name") == "box"


def test_what_is_written_comes_back(tmp_path):
    found, given = back(exported(tmp_path))
    assert given.left_out == ()
    for mine, sent in zip(rows_of(found), sorted(ROWS), strict=True):
        assert mine[:3] == sent[:3]
        assert np.allclose(mine[3], sent[3], atol=1e-9)
        assert mine[4] == sent[4]


edges = st.tuples(*[st.floats(0, 800)] * 2, *[st.floats(0.5, 400)] * 2)
some = st.dictionaries(
    st.tuples(st.integers(0, N - 1), st.sampled_from(["a", "b 2", "ü"])),
    st.tuples(edges, st.booleans()),
    max_size=12,
)


@settings(max_examples=40)
@drawn(some)
def test_any_rectangles_come_back(tmp_path_factory, given):
    rows = [(i, t, "car", (x, y, x + w, y + h), k) for (i, t), ((x, y, w, h), k) in given.items()]
    found, _ = back(exported(tmp_path_factory.mktemp("any"), rows))
    for mine, sent in zip(rows_of(found), sorted(rows), strict=True):
        assert mine[:3] == sent[:3]
        assert np.allclose(mine[3], sent[3], atol=1e-6)
        assert mine[4] == sent[4]


def test_one_moved_in_label_studio_is_a_keyframe_from_then_on(tmp_path):
    path = exported(tmp_path)
    said = json.loads(path.read_text("utf-8"))
    track = next(r for r in said[0]["annotations"][0]["result"] if r["meta"]["track_id"] == "ü 1")
    # Its page keeps what an item has, and writes the new place over it.
    track["value"]["sequence"][1]["x"] += 1
    path.write_text(json.dumps(said))
    found, _ = back(path)
    assert found.is_key[found.images == 3].tolist() == [True]


def native(**changes):
    """A task as Label Studio itself exports it: two keyframes, and the second ends it."""
    item = {"rotation": 0, "x": 10.0, "y": 20.0, "width": 5.0, "height": 10.0}
    result = {
        "id": "abc", "from_name": "box", "to_name": "video", "type": "videorectangle",
        "value": {
            "framesCount": N, "duration": 1.2, "labels": ["Auto"],
            "sequence": [
                {**item, "frame": 1, "enabled": True, "time": 0.1},
                {**item, "frame": 5, "enabled": False, "time": 0.5, "x": 18.0},
            ],
        },
    }  # fmt: skip
    return {"data": {"video": "/upload/a.mp4"}, "annotations": [{"result": [result]}], **changes}


def read_native(folder, task, **changes):
    (folder / "x.json").write_text(json.dumps([task]))
    return back(folder / "x.json", **changes)


def test_boxes_between_keyframes_are_as_its_page_shows_them(tmp_path):
    found, _ = read_native(tmp_path, native())
    assert found.images.tolist() == [0, 1, 2, 3, 4]
    assert found.is_key.tolist() == [True, False, False, False, True]
    assert np.allclose(found.boxes_px[:, 0], np.array([10, 12, 14, 16, 18]) * 12.42)
    assert np.allclose(found.boxes_px[0], np.multiply([10, 20, 15, 30], [12.42, 3.75, 12.42, 3.75]))
    assert set(found.class_names) == {"Auto"}
    task = native()
    task["annotations"][0]["result"][0]["value"]["sequence"][1]["enabled"] = True
    found, _ = read_native(tmp_path, task)
    assert found.images.tolist() == list(range(N))


def test_the_newest_annotation_counts_and_predictions_are_no_keyframes(tmp_path):
    newer = copy.deepcopy(native()["annotations"][0])
    newer["updated_at"] = "2026-02-02"
    newer["result"][0]["value"]["labels"] = ["Bus"]
    older = {**native()["annotations"][0], "updated_at": "2026-01-01"}
    cancelled = {"was_cancelled": True, "result": [], "updated_at": "2027"}
    task = native(annotations=[newer, older, cancelled])
    found, given = read_native(tmp_path, task)
    assert set(found.class_names) == {"Bus"}
    assert given.left_out == ("1 annotations of a task that has newer ones",)
    made = native()
    found, _ = read_native(tmp_path, native(annotations=[], predictions=made["annotations"]))
    assert not found.is_key.any()


def test_what_cannot_be_taken_is_told(tmp_path):
    task = native()
    result = task["annotations"][0]["result"][0]
    flat = copy.deepcopy(result)
    flat["value"]["sequence"] = [{**result["value"]["sequence"][1], "width": 0, "frame": 2}]
    late = copy.deepcopy(result)
    late["value"]["sequence"] = [{**result["value"]["sequence"][1], "frame": 10**12}]
    task["annotations"][0]["result"] += [flat, late, {"type": "choices"}]
    _, given = read_native(tmp_path, task)
    assert set(given.left_out) == {
        "1 rectangles without a width or a height",
        "1 rectangles on images that the camera does not have",
        "1 results of choices",
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.pop("data"), "tasks with data"),
        (lambda t: t["annotations"][0].pop("result"), "tasks with data"),
        (lambda t: sequence(t)[0].update(rotation=30), "upright rectangle of abc on image 0"),
        (lambda t: sequence(t)[0].update(x="left"), "number for x of abc"),
        (lambda t: sequence(t)[0].update(frame=None), "tasks with data"),
        (lambda t: t["data"].update(width=-3, height=4), "width"),
    ],
)
def test_what_is_no_label_studio_is_refused_in_one_line(change, expected, tmp_path):
    task = native()
    change(task)
    with pytest.raises(SourceError, match=expected) as error:
        read_native(tmp_path, task)
    assert "\n" not in str(error.value)


def sequence(task):
    return task["annotations"][0]["result"][0]["value"]["sequence"]


def test_a_small_file_cannot_ask_for_any_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(label_studio, "MOST_BOXES", 20)
    task = native()
    task["annotations"][0]["result"] *= 5
    with pytest.raises(SourceError, match="at most 20 rectangles"):
        read_native(tmp_path, task)


def test_a_camera_must_be_told_where_there_are_several(tmp_path):
    many = {"a": TIMES, "b": TIMES}
    with pytest.raises(SourceError, match="--camera of a, b"):
        read_native(tmp_path, native(), image_timestamps_ns=many, image_names={})
    found, given = read_native(
        tmp_path, native(), image_timestamps_ns=many, image_names={}, camera="b",
        cameras={"b": awkward().cameras["front"]},
    )  # fmt: skip
    assert list(given.images) == [""]
    assert len(found) == 5


def test_a_whole_log_with_videos_goes_out_and_comes_in(tmp_path):
    world = worlds.format_world(tmp_path)
    out = tmp_path / "out put"
    export(world.workspace, out, "label-studio")
    with av.open(str(out / "videos/hill-1__front.mp4")) as video:
        decoded = list(video.decode(video=0))
    assert len(decoded) == worlds.N_SWEEPS
    assert (decoded[0].width, decoded[0].height) == (160, 120)
    report = import_labels(world.workspace, out, world.log, format="label-studio", name="ls")
    assert report.n_image_labels == sum(
        len(r["value"]["sequence"])
        for task in json.loads((out / "tasks.json").read_text("utf-8"))
        for a in task["annotations"]
        for r in a["result"]
    )
    assert report.n_image_labels > 20
