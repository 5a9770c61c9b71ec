import json

import numpy as np
import pytest

from perception_label.errors import SettingError, SourceError
from perception_label.readers.image_labels import format_of, read_image_labels

BOX = [[10, 20, 30, 60]]
# The same box of track 3 in image 4, as people's tools write it.
TABLES = {
    "ours.csv": "image,track_id,class_name,x0_px,y0_px,x1_px,y1_px\n4,3,car,10,20,30,60\n",
    "short.csv": "frame,id,x0,y0,x1,y1\n4,3,10,20,30,60\n",
    "second.csv": "image,track,x1,y1,x2,y2\n4,3,10,20,30,60\n",
    "size.csv": "frame_index,object_id,label,x,y,w,h\n4,3,car,10,20,20,40\n",
    "left.csv": "at,track_id,left,top,width,height,visible\n4,3,10,20,20,40,true\n",
    "lines.jsonl": '{"image": 4, "track_id": 3, "xmin": 10, "ymin": 20, "xmax": 30, "ymax": 60}\n',
    "list.json": json.dumps(
        [{"image": 4, "track_id": "3", "x0": 10, "y0": 20, "x1": 30, "y1": 60}]
    ),
    "key.json": json.dumps(
        {"labels": [{"image": 4, "track": 3, "x": 10, "y": 20, "width": 20, "height": 40}]}
    ),
    "mot.csv": "5,3,11,21,20,40,1,1,1\n",
    "mot.txt": "5,3,11,21,20,40,1,-1,-1,-1\n",
    "pets.xml": '<dataset><frame number="4"><objectlist><object id="3">'
    '<box h="40" w="20" xc="20" yc="40"/></object></objectlist></frame></dataset>',
    "cvat.xml": '<annotations><track id="3" label="car"><box frame="4" keyframe="1" outside="0" '
    'xtl="10" ytl="20" xbr="30" ybr="60"/></track></annotations>',
    "coco.json": json.dumps(
        {
            "images": [{"id": 9, "frame_index": 4}],
            "categories": [{"id": 1, "name": "car"}],
            "annotations": [
                {"id": 1, "image_id": 9, "category_id": 1, "track_id": 3, "bbox": [10, 20, 20, 40]}
            ],
        }
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_one_box_reads_the_same_from_every_format(tmp_path, name):
    path = tmp_path / name
    path.write_text(TABLES[name])
    labels = read_image_labels(path).labels
    assert labels.images.tolist() == [4]
    assert labels.track_ids.tolist() == ["3"]
    assert labels.boxes_px.tolist() == BOX
    assert labels.visible.all() == ("-1,-1" not in TABLES[name])
    assert labels.is_key.all()


def test_times_instead_of_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("timestamp_ns,track_id,x0,y0,x1,y1\n4000000000,a,10,20,30,60\n")
    labels = read_image_labels(path).labels
    assert labels.images.tolist() == [-1]
    assert labels.timestamps_ns.tolist() == [4_000_000_000]


def test_boxes_of_one_image(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"at": 2, "boxes": [*BOX, [1, 2, 3, 4]]}))
    labels = read_image_labels(path).labels
    assert labels.images.tolist() == [2, 2]
    assert labels.track_ids.tolist() == ["0", "1"]


def test_cvat_masks_are_cut_outs_with_runs_along_rows(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(
        "<annotations><meta><original_size><width>6</width><height>4</height></original_size></meta>"
        '<track id="0" label="car"><mask frame="0" rle="1, 3, 2" left="2" top="1" width="3" '
        'height="2"/></track></annotations>'
    )
    from perception_label.geometry.masks import from_coco

    shape = read_image_labels(path).labels.shapes[0]
    mask = from_coco([{"size": shape.size_px, "counts": shape.counts}])[0]
    wanted = np.zeros((4, 6), dtype=bool)
    wanted[1, 3:5] = wanted[2, 2] = True
    assert np.array_equal(mask, wanted)


def test_an_end_in_cvat_is_not_visible_and_interpolated_rows_are_no_keyframes(tmp_path):
    path = tmp_path / "a.xml"
    rows = "".join(
        f'<box frame="{k}" keyframe="{key}" outside="{out}" xtl="1" ytl="2" xbr="3" ybr="4"/>'
        for k, key, out in ((0, 1, 0), (1, 0, 0), (2, 1, 1))
    )
    path.write_text(f'<annotations><track id="0" label="car">{rows}</track></annotations>')
    labels = read_image_labels(path).labels
    assert labels.is_key.tolist() == [True, False, True]
    assert labels.visible.tolist() == [True, True, False]


def test_seqinfo_tells_what_video_mot_is_for(tmp_path):
    (tmp_path / "gt").mkdir()
    path = tmp_path / "gt" / "gt.txt"
    path.write_text("1,1,1,1,5,5,0,1,1\n2,1,1,1,5,5,1,1,1\n")
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nseqLength=750\nimWidth=640\nimHeight=480\n")
    read = read_image_labels(path)
    assert (read.width_px, read.height_px, read.n_images) == (640, 480, 750)
    assert read.labels.images.tolist() == [1]  # the first row is to be ignored


BAD = {
    "none.csv": ("a,b\n1,2\n", "columns x0_px"),
    "notrack.csv": ("image,x0,y0,x1,y1\n1,2,3,4,5\n", "a column of track_id"),
    "noimage.csv": ("track_id,x0,y0,x1,y1\n1,2,3,4,5\n", "a column image or timestamp_ns"),
    "half.csv": ("image,track_id,x0,y0,x1,y1\n1.5,2,3,4,5,6\n", "whole numbers in image"),
    "nan.csv": ("image,track_id,x0,y0,x1,y1\n1,2,nan,4,5,6\n", "finite pixels in row 1"),
    "empty.csv": ("", "table of 2-D labels"),
    "cut.json": ('[{"image": 1', "JSON"),
    "word.json": ('"x"', "a list of labels"),
    "boxes.json": ('{"at": 1, "boxes": [[1, 2, 3]]}', "boxes: shape"),
    "broken.jsonl": ("{", "table of 2-D labels"),
    "zero.txt": ("0,1,1,1,5,5\n", "image numbers from 1"),
    "few.txt": ("1,1,1\n", "6 columns in line 1"),
    "cut.xml": ("<dataset><frame", "XML"),
    "other.xml": ("<svg/>", "CVAT's annotations or PETS' dataset"),
    "bomb.xml": ('<!DOCTYPE a [<!ENTITY b "c">]><dataset/>', "XML without entities"),
    "turned.xml": (
        '<annotations><track id="0" label="a"><box frame="0" rotation="30" xtl="1" ytl="2" xbr="3" '
        'ybr="4"/></track></annotations>',
        "an upright box",
    ),
    "flat.xml": (
        '<annotations><track id="0" label="a"><box frame="0" xtl="1" ytl="2" xbr="1" ybr="4"/>'
        "</track></annotations>",
        "x0 < x1",
    ),
    "coco.json": (
        '{"images": [], "annotations": [{"id": 1}]}',
        "attributes.track_id of annotation 1",
    ),
    "coco2.json": ('{"images": [], "annotations": [{"track_id": 1}]}', "COCO's images"),
    "kind.csv": ("image,track_id,geometry\n1,2,blob\n", "shapes of box, polygon"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_none_is_refused_in_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_text(BAD[name][0])
    with pytest.raises(SourceError, match=BAD[name][1]) as error:
        read_image_labels(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_what_is_not_there_or_of_no_format_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"none\.csv"):
        read_image_labels(tmp_path / "none.csv")
    with pytest.raises(SourceError, match=r"a file of \.csv"):
        read_image_labels(tmp_path / "a.doc")
    with pytest.raises(SettingError, match="expected one of auto, csv"):
        format_of(tmp_path / "a.csv", "voc")


@pytest.mark.realdata
def test_the_boxes_of_pets(real_data):
    read = read_image_labels(real_data("video/PETS2009-S2L1_f000-199.xml"))
    assert len(read.labels) == 1223
    assert read.labels.images.max() == 199
    assert (read.labels.boxes_px[:, :2] < read.labels.boxes_px[:, 2:]).all()
