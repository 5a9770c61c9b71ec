"""Write then read is identity, as far as a format can hold a label."""

import json

import numpy as np
import pytest

import image_label_sets as sets
from perception_label.errors import SettingError
from perception_label.export.image_labels import format_for, write_image_labels
from perception_label.geometry.shapes import KINDS
from perception_label.readers.image_labels import read_image_labels

SUFFIX = {
    "csv": "csv",
    "jsonl": "jsonl",
    "parquet": "parquet",
    "coco": "json",
    "mot": "txt",
    "cvat": "xml",
}


def written(tmp_path, format, only=KINDS):
    path = tmp_path / f"labels.{SUFFIX[format]}"
    left_out = write_image_labels(path, sets.video(only), format)
    return path, left_out, read_image_labels(path)


def rows_of(labels, digits=3):
    """What says the same in every format, by track, kind and image; ends of tracks left aside."""
    found = {}
    for (track, kind), rows in labels.tracks().items():
        for row in rows[labels.visible[rows]]:
            box = np.round(labels.boxes_px[row], digits).tolist()
            found[track, kind, int(labels.images[row])] = (str(labels.class_names[row]), box)
    return found


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_our_columns_hold_all(tmp_path, format):
    given = sets.labels()
    _, left_out, read = written(tmp_path, format)
    assert left_out == ()
    order = np.lexsort((given.images, given.track_ids.astype(str)))
    back = np.lexsort((read.labels.images, read.labels.track_ids.astype(str)))
    a, b = given[order], read.labels[back]
    for name in ("images", "timestamps_ns", "kinds", "is_key", "visible", "scores", "revision"):
        assert getattr(a, name).tolist() == getattr(b, name).tolist(), name
    assert a.shapes.tolist() == b.shapes.tolist()
    assert np.array_equal(a.boxes_px, b.boxes_px)
    assert np.array_equal(a.expected_iou, b.expected_iou, equal_nan=True)
    assert a.sources.tolist() == b.sources.tolist()


def test_coco_holds_all_but_lines_and_keeps_tracks(tmp_path):
    path, _, read = written(tmp_path, "coco", ("box", "polygon", "keypoints"))
    assert rows_of(read.labels) == rows_of(sets.labels(("box", "polygon", "keypoints")))
    kinds = dict(zip(read.labels.track_ids, read.labels.shapes, strict=True))
    given = sets.labels()
    last = dict(zip(given.track_ids, given.shapes, strict=True))
    assert kinds["11"] == last["11"]
    assert kinds["13"] == last["13"]
    assert (read.width_px, read.height_px, read.n_images) == (64, 48, sets.N)
    assert read.labels.is_key.sum() == (sets.labels(("box", "polygon", "keypoints")).is_key).sum()
    said = json.loads(path.read_text())
    assert [image["frame_index"] for image in said["images"]] == list(range(sets.N))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_our_coco(tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    path, _, _ = written(tmp_path, "coco")
    db = coco.COCO(str(path))
    found = {
        a["attributes"]["track_name"]: a for a in db.dataset["annotations"] if a["image_id"] == 1
    }
    # Of the 16 x 5 cut-out one corner is missing.
    assert db.annToMask(found["12"]).sum() == 16 * 5 - 1
    assert found["7"]["bbox"] == [5, 6.25, 15, 23.75]


def test_mot_counts_from_one_and_leaves_out_what_is_no_box(tmp_path):
    path, left_out, read = written(tmp_path, "mot")
    assert left_out == ("12 labels other than boxes",)
    first = path.read_text().splitlines()[0].split(",")
    assert first[:2] == ["1", "7"]
    assert [float(v) for v in first[2:6]] == [6, 7.25, 15, 23.75]
    assert rows_of(read.labels) == rows_of(sets.labels(("box",)))
    confidence = {float(line.split(",")[6]) for line in path.read_text().splitlines()}
    assert confidence == {1.0, 0.75}


def test_cvat_is_read_back_and_tells_keyframes_apart(tmp_path):
    _, left_out, read = written(tmp_path, "cvat", ("box", "mask", "polyline"))
    assert left_out == ()
    given = sets.labels(("box", "mask", "polyline"))
    kept = read.labels[read.labels.visible]
    assert {k: v for k, v in rows_of(kept).items() if k[1] != "mask"} == {
        k: v for k, v in rows_of(given).items() if k[1] != "mask"
    }
    masks = {
        i: s
        for i, s in zip(kept.images.tolist(), kept.shapes, strict=True)
        if s and s.kind == "mask"
    }
    wanted = {
        i: s
        for i, s in zip(given.images.tolist(), given.shapes, strict=True)
        if s and s.kind == "mask"
    }
    assert masks == wanted
    assert int(kept.is_key.sum()) == int(given.is_key.sum())
    # Each track ends after its last image, and is not to be seen between.
    gone = read.labels[~read.labels.visible]
    assert sorted(gone.images[gone.track_ids == "7"].tolist()) == [1, 4, 7]


def test_a_polygon_of_several_parts_loses_the_small_ones_in_cvat_and_says_so(tmp_path):
    _, left_out, read = written(tmp_path, "cvat", ("polygon",))
    assert left_out == ("3 polygons' smaller parts: an outline has one part there",)
    assert len(read.labels.shapes[0].parts) == 1


def test_formats_go_by_suffix(tmp_path):
    for format, suffix in SUFFIX.items():
        assert format_for(tmp_path / f"a.{suffix}") == format
    assert format_for(tmp_path / "a.json", "mot") == "mot"
    with pytest.raises(SettingError, match="expected a format of csv, jsonl"):
        format_for(tmp_path / "a.doc")
    with pytest.raises(SettingError, match="expected one of csv"):
        write_image_labels(tmp_path / "x", sets.video(), "voc")
