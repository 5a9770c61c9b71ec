"""Datumaro: out against truth, and back as a source and as edits."""

import json

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import format_worlds as worlds
from labelled_logs import TIMES, labels, path, write
from labelled_logs import labelled as awkward
from perception_label.errors import MissingPosesError, SourceError
from perception_label.export import datumaro as exporter
from perception_label.export import plan_logs
from perception_label.geometry.shapes import Shape
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels
from perception_label.readers.clouds import read_cloud
from perception_label.readers.labels import Facts, read_labels
from perception_label.readers.labels import datumaro as reader
from perception_label.tables import labels_from_table


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = worlds.format_world(tmp_path_factory.mktemp("a world ü"), ("hill-1", "hill-2"))
    export(made.workspace, made.root / "out put", "datumaro")
    return made


@pytest.fixture(scope="module")
def out(world):
    return world.root / "out put"


def document(out, place):
    return json.loads((out / place).read_text(encoding="utf-8"))


def test_cuboids_are_where_the_truth_has_them_in_the_lidar(world, out):
    said = document(out, "lidar/annotations/hill-2.json")
    classes = [one["name"] for one in said["categories"]["label"]["labels"]]
    truth = {(r["sweep"], r["track_id"]): r for r in world.rows}
    for item in said["items"]:
        cloud = read_cloud(out / "lidar/point_clouds/hill-2" / item["point_cloud"]["path"])
        assert item["attr"]["timestamp_ns"] == world.timestamps_ns[item["attr"]["frame"]]
        for one in item["annotations"]:
            row = truth.pop((item["attr"]["frame"], one["attributes"]["track_id"]))
            assert np.allclose(one["position"], row["lidar_center_m"], atol=1e-9)
            assert one["scale"] == row["size_m"]
            turned = Rotation.from_euler("XYZ", one["rotation"]).as_matrix()
            assert np.allclose(turned[:, 0], row["lidar_heading"], atol=1e-9)
            assert classes[one["label_id"]] == row["class_name"]
            assert one["attributes"]["keyframe"] == row["is_key"]
            assert one["attributes"]["source"] == ("human" if row["is_key"] else "solver")
            local = np.abs((cloud.points_m - one["position"]) @ turned)
            inside = (local <= np.array(one["scale"]) / 2).all(axis=1)
            assert inside.sum() == row["n_points"]
    assert not truth


def test_pictures_are_the_cameras_and_all_files_have_the_same_classes(world, out):
    categories = [
        json.dumps(json.loads(file.read_text("utf-8"))["categories"])
        for file in out.rglob("annotations/*.json")
    ]
    assert len(categories) == 6
    assert len(set(categories)) == 1
    said = document(out, "cameras/annotations/hill-1__left_back.json")
    for k, item in enumerate(said["items"]):
        file = out / "cameras/images/hill-1__left_back" / item["image"]["path"]
        assert file.read_bytes() == world.log.images["left_back"].paths[k].read_bytes()
        assert item["image"]["size"] == [96, 128]
        for one in item["annotations"]:
            x, y, w, h = one["bbox"]
            assert 0 <= x < x + w <= 128
            assert 0 <= y < y + h <= 96


def test_a_round_trip_as_a_source_keeps_boxes_classes_and_keyframes(world, out):
    report = import_labels(
        world.workspace, out / "lidar", world.log, format="datumaro", name="back"
    )
    assert report.left_out == ("8 items of other logs",)
    table = world.log.machine("imported.back")
    back = labels_from_table(table)
    truth = {(r["timestamp_ns"], f"back:{r['track_id']}"): r for r in world.rows}
    for k, source in enumerate(table.column("source").to_pylist()):
        row = truth.pop((int(back.timestamps_ns[k]), back.track_names[back.tracks[k]]))
        assert np.allclose(back.cuboids.center_m[k], row["world_center_m"], atol=1e-9)
        assert np.allclose(back.cuboids.size_m[k], row["size_m"], atol=1e-12)
        assert np.cos(back.cuboids.yaw_rad[k] - row["yaw_rad"]) == pytest.approx(1, abs=1e-12)
        assert back.class_names[back.classes[k]] == row["class_name"]
        assert source.endswith(":key") == row["is_key"]
    assert not truth


def test_attributes_come_back_with_the_sweep_they_hold_from(world, out):
    facts = Facts(log_id="hill-1", timestamps_ns=world.timestamps_ns)
    given = read_labels(out / "lidar", "datumaro", facts)
    assert given.attributes == worlds.ATTRIBUTES
    assert given.sweep_attributes == {"人 3": {"pose": {4: "walking"}}}


def test_as_edits_twice_is_once(tmp_path):
    world = worlds.format_world(tmp_path)
    export(world.workspace, tmp_path / "out", "datumaro")
    options = {"format": "datumaro", "name": "tool", "way": "edits"}
    first = import_labels(world.workspace, tmp_path / "out", **options)
    again = import_labels(world.workspace, tmp_path / "out", **options)
    assert first.n_edits > 0
    assert again.n_edits == 0


@settings(max_examples=25)
@drawn(st.integers(0, 2**32 - 1))
def test_any_boxes_come_back(tmp_path_factory, seed):
    sent = labels(seed)
    out = tmp_path_factory.mktemp("any")
    write(plan_logs([awkward(sent, points=False)], "datumaro")[0], out)
    facts = Facts(
        log_id="log-1",
        timestamps_ns=TIMES,
        ego_poses=path(),
        ego_from_lidar=awkward().ego_from_lidar,
    )
    given = read_labels(out, "datumaro", facts)
    assert given.coordinate_frame == "world"
    tracks = [sent.track_names[k] for k in sent.tracks]
    rows = {(TIMES[at], t): k for k, (at, t) in enumerate(zip(given.at, given.track_ids))}  # noqa: B905
    assert len(rows) == len(sent)
    for k, track in enumerate(tracks):
        row = rows[sent.timestamps_ns[k], track]
        assert np.allclose(given.cuboids.center_m[row], sent.cuboids.center_m[k], atol=1e-6)
        assert np.allclose(given.cuboids.size_m[row], sent.cuboids.size_m[k], atol=1e-9)
        turn = given.cuboids.yaw_rad[row] - sent.cuboids.yaw_rad[k]
        assert np.cos(turn) == pytest.approx(1, abs=1e-9)
        assert given.class_names[row] == sent.class_names[sent.classes[k]]
        assert given.scores[row] == sent.scores[k]


@pytest.mark.parametrize(
    "shape",
    [
        Shape.box([1.5, 2.25, 30.125, 40.5]),
        Shape.polygon([[[1, 2], [9, 3], [4, 8]]]),
        Shape.polygon([[[1, 2], [9, 3], [4, 8]], [[20, 20], [30, 20], [30, 31], [20, 30]]]),
        Shape.keypoints([[1, 2], [3, 4]], [2, 1]),
        Shape.polyline([[1, 2], [3, 4], [8, 8.5]]),
        Shape.mask([48, 64], "PPY1"),
    ],
    ids=["box", "polygon", "two parts", "keypoints", "polyline", "mask"],
)
def test_every_shape_comes_back(shape, tmp_path):
    attributes = {"track_id": "ü 1", "keyframe": "false"}
    parts = [
        {"id": k, "label_id": 0, "group": 3, "attributes": attributes, **part}
        for k, part in enumerate(exporter._parts(shape))
    ]
    said = {
        "categories": {"label": {"labels": [{"name": "car"}]}},
        "items": [{"id": "x", "attr": {"frame": 7}, "annotations": parts, "image": {"path": "x"}}],
    }
    (tmp_path / "x.json").write_text(json.dumps(said))
    found = read_labels(tmp_path / "x.json", "datumaro", Facts()).images[""].labels
    assert len(found) == 1
    assert found.shape(0) == shape
    assert (found.images[0], found.track_ids[0], found.class_names[0]) == (7, "ü 1", "car")
    assert not found.is_key[0]


# As Datumaro 1.13.12 writes it.
ITS_OWN = (
    '{"dm_format_version":"1.0","media_type":2,"infos":{},"categories":{"label":{"labels":['
    '{"name":"car","parent":"","attributes":[]},{"name":"bus","parent":"","attributes":[]}],'
    '"label_groups":[],"attributes":[]}},"items":[{"id":"a/000004","annotations":['
    '{"id":1,"type":"bbox","attributes":{"track_id":7,"keyframe":false,"occluded":true},"group":0,'
    '"label_id":0,"z_order":0,"bbox":[1.0,2.0,3.0,4.0]},{"id":2,"type":"polygon","attributes":'
    '{"track_id":"x"},"group":2,"label_id":1,"points":[1.0,1.0,9.0,1.0,9.0,9.0],"z_order":0},'
    '{"id":3,"type":"mask","attributes":{},"group":0,"label_id":0,"rle":{"counts":"PPY1",'
    '"size":[48,64]},"z_order":0},{"id":0,"type":"label","attributes":{},"group":0,"label_id":0},'
    '{"id":0,"type":"caption","attributes":{},"group":0,"caption":"hi"}],"attr":{"frame":4},'
    '"image":{"path":null,"size":[48,64]}}]}'
)


def test_its_own_file_is_read_and_what_is_no_place_is_told(tmp_path):
    (tmp_path / "train.json").write_text(ITS_OWN)
    given = read_labels(tmp_path / "train.json", "datumaro", Facts())
    found = given.images[""].labels
    assert [found.shape(k).kind for k in range(3)] == ["box", "polygon", "mask"]
    assert found.images.tolist() == [4, 4, 4]
    assert found.track_ids.tolist() == ["7", "x", "alone 4-2"]
    assert found.class_names.tolist() == ["car", "bus", "car"]
    assert found.is_key.tolist() == [False, True, True]
    assert found.boxes_px[0].tolist() == [1, 2, 4, 6]
    assert given.left_out == (
        "1 annotations of label on pictures",
        "1 annotations of caption on pictures",
    )


def test_scores_are_read(tmp_path):
    given = read_labels(one_cuboid(tmp_path, score=0.25), "datumaro", Facts())
    assert given.scores.tolist() == [0.25]


def one_cuboid(folder, **attributes):
    cuboid = {
        "type": "cuboid_3d", "label_id": 0, "attributes": attributes,
        "position": [1, 2, 3], "scale": [4, 2, 1], "rotation": [0, 0, 0.5],
    }  # fmt: skip
    said = {
        "categories": {"label": {"labels": [{"name": "car"}]}},
        "items": [{"id": "0", "attr": {"frame": 0}, "annotations": [cuboid]}],
    }
    (folder / "x.json").write_text(json.dumps(said))
    return folder / "x.json"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"label_id": 0', '"label_id": 9', "label_id 9 of 1 labels"),
        ("[1, 2, 3]", "[1, 2]", "boxes: shape"),
        ("[1, 2, 3]", '[1, 2, "x"]', "boxes: numbers"),
        ('"items": [', '"items": 3, "x": [', "categories and items"),
        ('"type": "cuboid_3d"', '"kind": "cuboid_3d"', "categories and items"),
        ("}", "", "JSON"),
    ],
)
def test_what_is_no_datumaro_is_refused_in_one_line(before, after, expected, tmp_path):
    path = one_cuboid(tmp_path)
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(SourceError, match=expected) as error:
        read_labels(path, "datumaro", Facts())
    assert "\n" not in str(error.value)


def test_a_folder_without_annotations_and_a_log_without_poses_are_told(tmp_path):
    with pytest.raises(SourceError, match="expected annotations"):
        read_labels(tmp_path, "datumaro", Facts())
    with pytest.raises(MissingPosesError, match="log-1: expected ego poses"):
        plan_logs([awkward(ego_poses=None)], "datumaro")
    assert set(reader.OWN) == set(exporter.OWN)
