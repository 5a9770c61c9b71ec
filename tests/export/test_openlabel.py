"""OpenLABEL: valid by the official schema, transforms the right way round, and back again."""

import gc
import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import format_worlds as worlds
from labelled_logs import labelled as odd_log
from labelled_logs import write
from perception_label.export import plan
from perception_label.geometry.image_labels import ImageLabels, objects, texts
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.pipeline.export import export, labelled
from perception_label.pipeline.imported import facts_of
from perception_label.readers.labels import read_labels


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("open ü"))


@pytest.fixture(scope="module")
def file(world):
    return export(world.workspace, world.root / "out", "openlabel").files[1]


def drawn(world):
    """The world's log with a box, a polygon and a mask on the front camera's images 2 and 5."""
    times = world.log.images["front"].timestamps_ns
    corners = np.array([[10.0, 10], [40, 12], [30, 30]])
    shapes = [None, Shape.polygon([corners]), Shape.mask((120, 160), "0")]
    found = ImageLabels(
        images=np.array([2, 5, 5]),
        timestamps_ns=times[[2, 5, 5]],
        track_ids=texts(["car 1", "only flat", "car 1"]),
        class_names=texts(["car", "pedestrian", "car"]),
        boxes_px=np.array([[5.0, 6, 25, 16], [10.5, 10.5, 40.5, 30.5], [0, 0, 1, 1]]),
        kinds=np.array([KINDS.index(k) for k in ("box", "polygon", "mask")], dtype=np.int8),
        shapes=objects(shapes),
    )
    given = labelled(world.workspace, world.log, world.log.dense_boxes())
    return replace(
        given, drawn_cameras=lambda: frozenset({"front"}), image_labels=lambda _camera: found
    )


def test_the_official_schema_reports_no_error(world, file, tmp_path, real_data):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(
        (real_data("formats/openlabel") / "openlabel_json_schema-v1.0.0.json").read_text()
    )
    check = jsonschema.Draft7Validator(schema)
    write(plan(drawn(world), "openlabel"), tmp_path)
    for path in (file, tmp_path / "hill-1.openlabel.json"):
        errors = [e.message for e in check.iter_errors(json.loads(path.read_text("utf-8")))]
        assert errors == []


def test_transforms_lead_from_the_cuboids_to_the_true_world(world, file):
    document = json.loads(file.read_text(encoding="utf-8"))["openlabel"]
    names = {key: said["name"] for key, said in document["objects"].items()}
    rows = {(r["track_id"], r["sweep"]): r for r in world.rows}
    for number, frame in document["frames"].items():
        said = frame["frame_properties"]["transforms"]["ego_to_world"]["transform_src_to_dst"]
        world_from_ego = world.world_from_ego[int(number)]
        assert np.allclose(said["translation"], world_from_ego[:3, 3], atol=1e-9)
        assert np.allclose(turned(said["quaternion"]), world_from_ego[:3, :3], atol=1e-9)
        for key, found in frame["objects"].items():
            (cuboid,) = found["object_data"]["cuboid"]
            row = rows[names[key], int(number)]
            assert np.allclose(cuboid["val"][:3], row["ego_center_m"], atol=1e-5)
            assert np.allclose(turned(cuboid["val"][3:7])[:, 0], row["ego_heading"], atol=1e-6)
            assert np.allclose(cuboid["val"][7:], row["size_m"], atol=1e-6)


def turned(quaternion):
    """The matrix of x, y, z, w, by its textbook formula."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def test_all_comes_back(world, file):
    given = read_labels(file, "openlabel", facts_of(world.log))
    assert given.coordinate_frame == "world"
    assert given.left_out == ()
    found = {
        (track, at): k for k, (track, at) in enumerate(zip(given.track_ids, given.at, strict=True))
    }
    for row in world.rows:
        k = found[row["track_id"], row["timestamp_ns"]]
        assert given.class_names[k] == row["class_name"]
        assert given.is_key[k] == row["is_key"]
        assert np.allclose(given.cuboids.center_m[k], row["world_center_m"], atol=1e-5)
        assert np.allclose(given.cuboids.size_m[k], row["size_m"], atol=1e-6)
        assert np.isclose(np.exp(1j * given.cuboids.yaw_rad[k]), np.exp(1j * row["yaw_rad"]))
    assert given.attributes == worlds.ATTRIBUTES
    name, value = worlds.SWEEP_ATTRIBUTE
    at = int(world.timestamps_ns[4])
    assert given.sweep_attributes == {"人 3": {name: {at: value}}}


def test_drawn_labels_come_back_at_their_images(world, tmp_path):
    planned = plan(drawn(world), "openlabel")
    assert planned.left_out == ("1 2-D labels that are masks or keypoints",)
    write(planned, tmp_path)
    given = read_labels(tmp_path / "hill-1.openlabel.json", "openlabel", facts_of(world.log))
    (camera,) = given.images
    labels = given.images[camera].labels
    assert camera == "front"
    assert labels.track_ids.tolist() == ["car 1", "only flat"]
    assert labels.timestamps_ns.tolist() == (
        world.log.images["front"].timestamps_ns[[2, 5]].tolist()
    )
    assert labels.boxes_px[0].tolist() == [5, 6, 25, 16]
    assert labels.shapes[1].points_px.tolist() == [[10, 10], [40, 12], [30, 30]]


@pytest.mark.filterwarnings("error")
def test_odd_ids_and_gaps_are_valid_json(tmp_path):
    write(plan(odd_log(), "openlabel"), tmp_path)
    document = json.loads((tmp_path / "log-1.openlabel.json").read_text(encoding="utf-8"))
    names = [said["name"] for said in document["openlabel"]["objects"].values()]
    assert 'a"b' in names
    assert "line\nbreak" in names


def test_memory_does_not_grow_with_the_log(tmp_path):
    def peak(copies):
        given = odd_log()
        times = np.concatenate([given.timestamps_ns + k * 10**10 for k in range(copies)])
        boxes = long_table(given, copies)
        poses = given.ego_poses
        path = type(poses)(times, np.tile(poses.world_from_ego, (copies, 1, 1)))
        long = replace(given, timestamps_ns=times, ego_poses=path, boxes=boxes)
        fill = plan(long, "openlabel").files["log-1.openlabel.json"]
        gc.collect()
        tracemalloc.start()
        fill(tmp_path / "x.json")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found, (tmp_path / "x.json").stat().st_size

    (small, bytes_small), (large, bytes_large) = peak(10), peak(100)
    # Ten times the file; what grows is a few numbers per box, not its text.
    assert bytes_large > 9 * bytes_small
    assert large - small < 0.5 * (bytes_large - bytes_small)


def long_table(given, copies):
    parts = []
    for k in range(copies):
        times = given.boxes.column("timestamp_ns").to_numpy() + k * 10**10
        parts.append(given.boxes.set_column(0, given.boxes.schema.field(0), pa.array(times)))
    return pa.concat_tables(parts)
