"""COCO, CVAT, MOT of a whole log: out and in again, as a source and as edits."""

import json

import numpy as np
import pytest

import format_worlds as worlds
from perception_label.errors import SourceError
from perception_label.pipeline.export import export, labelled
from perception_label.pipeline.imported import import_labels
from perception_label.tables import image_labels_from_table

FORMATS = ("coco", "cvat", "mot")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    logs = ("hill-1", "hill-2")
    made = worlds.format_world(tmp_path_factory.mktemp("a world ü"), logs)
    for format in FORMATS:
        export(made.workspace, made.root / format, format, source="solved", points=False)
    return made


def rows_of(labels, prefix=""):
    kept = np.flatnonzero(labels.visible)
    return {
        (str(labels.track_ids[r]).removeprefix(prefix), int(labels.images[r])):
        (str(labels.class_names[r]), bool(labels.is_key[r]), labels.boxes_px[r].tolist())
        for r in kept.tolist()
    }  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_a_round_trip_keeps_tracks_classes_and_boxes(format, world):
    report = import_labels(
        world.workspace, world.root / format, "hill-1", format=format, name=format
    )
    assert report.left_out == (("16 images of other logs",) if format == "coco" else ())
    given = labelled(world.workspace, world.log, world.log.dense_boxes())
    table = world.log.machine(f"images.{format}")
    n = 0
    for camera in worlds.CAMERAS:
        rows = np.flatnonzero(np.array(table.column("camera").to_pylist()) == camera)
        back = rows_of(image_labels_from_table(table.take(rows)), f"{format}:")
        expected = rows_of(given.image_labels(camera))
        n += len(back)
        assert back.keys() == expected.keys()
        for key, (name, is_key, box) in back.items():
            assert name == expected[key][0]
            assert is_key == expected[key][1]
            assert np.allclose(box, expected[key][2], atol=2e-3)
    assert report.n_image_labels >= n > 20


def drawn(folder, log_id="hill-1"):
    """A COCO file of one track that a person drew on two images, and a tool between them."""
    images = [
        {
            "id": k,
            "camera": "front",
            "log_id": log_id,
            "frame_index": k,
            "width": 160,
            "height": 120,
        }
        for k in range(3)
    ]
    annotations = [
        {
            "id": k, "image_id": k, "category_id": 1, "bbox": [10 + k, 20, 30, 40],
            "attributes": {"track_id": 1, "track_name": "ü 1", "is_key": k != 1},
        }
        for k in range(3)
    ]  # fmt: skip
    said = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "car"}]}
    path = folder / "instances_x.json"
    path.write_text(json.dumps(said))
    return path


def test_as_edits_only_keyframes_become_edits_and_twice_is_once(tmp_path):
    world = worlds.format_world(tmp_path)
    path = drawn(tmp_path)
    options = {"format": "coco", "name": "tool", "way": "edits"}
    first = import_labels(world.workspace, path, **options)
    assert first.n_edits == 3
    assert import_labels(world.workspace, path, **options).n_edits == 0
    track = world.workspace.edits(world.log).state().live()["tool:ü 1"]
    assert track.class_name == "car"


def test_images_of_other_logs_or_cameras_are_refused_or_told(world, tmp_path):
    path = drawn(tmp_path, "moon")
    with pytest.raises(SourceError, match="images of log hill-1, got moon"):
        import_labels(world.workspace, path, "hill-1", format="coco")
    path.write_text(path.read_text().replace("moon", "hill-1").replace("front", "roof"))
    report = import_labels(world.workspace, path, "hill-1", format="coco", name="roof")
    assert report.left_out == ("3 images of roof, no camera of the log",)
    assert report.n_image_labels == 0
    with pytest.raises(SourceError, match=r"hill-1__CAMERA/annotations\.xml with CAMERA of front"):
        import_labels(world.workspace, tmp_path, "hill-1", format="cvat")
