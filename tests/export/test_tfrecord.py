"""TFRecord: read by protobuf itself, checksums by the twin, boxes against truth held outside."""

import io
import json
import struct

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.transform import Rotation

import format_worlds as worlds
from labelled_logs import labelled as awkward
from labelled_logs import write
from oracles.checksums import crc32c
from perception_label.errors import MissingPosesError
from perception_label.export import plan_logs, tfrecord_file
from perception_label.pipeline.export import export


def messages():
    """tensorflow/core/example/{feature,example}.proto, as far as it matters here."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    lists = {
        "BytesList": kinds.TYPE_BYTES,
        "FloatList": kinds.TYPE_FLOAT,
        "Int64List": kinds.TYPE_INT64,
    }
    for name, kind in lists.items():
        message = file.message_type.add(name=name)
        message.field.add(name="value", number=1, type=kind, label=kinds.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(lists, start=1):
        feature.field.add(
            name=name[:-4].lower() + "_list", number=number, type=kinds.TYPE_MESSAGE,
            type_name=f".t.{name}", label=kinds.LABEL_OPTIONAL, oneof_index=0,
        )  # fmt: skip
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    entry.field.add(
        name="value", number=2, type=kinds.TYPE_MESSAGE, type_name=".t.Feature",
        label=kinds.LABEL_OPTIONAL,
    )  # fmt: skip
    features.field.add(
        name="feature", number=1, type=kinds.TYPE_MESSAGE, type_name=".t.Features.FeatureEntry",
        label=kinds.LABEL_REPEATED,
    )  # fmt: skip
    example = file.message_type.add(name="Example")
    example.field.add(
        name="features", number=1, type=kinds.TYPE_MESSAGE, type_name=".t.Features",
        label=kinds.LABEL_OPTIONAL,
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


EXAMPLE = messages()


def parsed(data):
    found = EXAMPLE.FromString(data).features.feature
    return {
        name: (kind, list(getattr(value, kind).value))
        for name, value in found.items()
        for kind in [value.WhichOneof("kind")]
    }


def masked(data):
    value = crc32c(data, 0)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path, *, check=True):
    data, at = path.read_bytes(), 0
    while at < len(data):
        length, checksum = struct.unpack_from("<QI", data, at)
        assert checksum == masked(data[at : at + 8])
        body = data[at + 12 : at + 12 + length]
        assert not check or struct.unpack_from("<I", data, at + 12 + length)[0] == masked(body)
        yield {name: values for name, (_, values) in parsed(body).items()}
        at += 16 + length


whole = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5)
reals = st.lists(st.floats(width=32, allow_nan=False), max_size=5)
names = st.text(st.characters(codec="utf-8"), max_size=8)


@given(
    st.dictionaries(names, st.lists(st.binary(max_size=300), max_size=3), max_size=3),
    st.dictionaries(names, whole, max_size=3),
    st.dictionaries(names, reals, max_size=3),
)
def test_protobuf_reads_what_is_written(texts, numbers, floats):
    given_all = {f"t{k}": v for k, v in texts.items()}
    given_all |= {f"n{k}": np.array(v, dtype=np.int64) for k, v in numbers.items()}
    given_all |= {f"f{k}": np.array(v, dtype=np.float32) for k, v in floats.items()}
    expected = {f"t{k}": ("bytes_list", v) for k, v in texts.items()}
    expected |= {f"n{k}": ("int64_list", v) for k, v in numbers.items()}
    expected |= {f"f{k}": ("float_list", v) for k, v in floats.items()}
    assert parsed(tfrecord_file.example(given_all)) == expected


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"), ("hill-1", "hill-2"))


@pytest.fixture(scope="module")
def out(world):
    export(world.workspace, world.root / "out put", "tfrecord")
    return world.root / "out put"


def poses(row, name):
    return np.frombuffer(row[name][0], "<f8").reshape(4, 4)


def test_sweeps_have_their_points_and_boxes_in_the_lidars_frame(world, out):
    found = list(records(out / "hill-2/sweeps.tfrecord", check=False))
    assert len(found) == worlds.N_SWEEPS
    for number, row in enumerate(found):
        assert row["sweep/number"] == [number]
        assert row["sweep/timestamp_ns"] == [world.timestamps_ns[number]]
        points = np.frombuffer(row["sweep/points/xyz_m"][0], "<f4").reshape(-1, 3)
        assert np.array_equal(points, world.log.sweep(number).points_m)
        assert len(np.frombuffer(row["sweep/points/ring"][0], "<u2")) == len(points)
        world_from_lidar = world.world_from_ego[number] @ world.ego_from_lidar
        assert np.allclose(poses(row, "sweep/world_from_lidar"), world_from_lidar)
        said = {k.removeprefix("sweep/object/"): v for k, v in row.items()}
        center = np.reshape(said["center_m"], (-1, 3))
        turns = Rotation.from_quat(np.reshape(said["rotation_wxyz"], (-1, 4)), scalar_first=True)
        true = {r["track_id"]: r for r in world.rows if r["sweep"] == number}
        assert len(center) == len(true)
        for k, track in enumerate(said["track_id"]):
            box = true[track.decode()]
            assert np.allclose(center[k], box["lidar_center_m"], atol=1e-5)
            assert np.allclose(turns[k].as_matrix()[:, 0], box["lidar_heading"], atol=1e-6)
            assert np.allclose(said["size_m"][3 * k : 3 * k + 3], box["size_m"])
            assert said["class/text"][k].decode() == box["class_name"]
            assert said["is_key"][k] == box["is_key"]
            assert said["source"][k] == (b"human" if box["is_key"] else b"solver")
            local = np.abs((points - center[k]) @ turns[k].as_matrix())
            assert (local <= np.array(box["size_m"]) / 2).all(axis=1).sum() == box["n_points"]


def test_attributes_hold_at_their_instants(out):
    for row in records(out / "hill-1/sweeps.tfrecord", check=False):
        k = row["sweep/object/track_id"].index("人 3".encode())
        said = json.loads(row["sweep/object/attributes"][k])
        assert said.get("pose") == ("walking" if row["sweep/number"][0] >= 4 else None)


def test_pictures_are_the_cameras_and_boxes_shares_of_them(world, out):
    seen = 0
    for camera in worlds.CAMERAS:
        found = list(records(out / f"hill-1/{camera}.tfrecord"))
        assert len(found) == worlds.N_SWEEPS
        for k, row in enumerate(found):
            data = row["image/encoded"][0]
            assert data == world.log.images[camera].paths[k].read_bytes()
            with Image.open(io.BytesIO(data)) as picture:
                assert [picture.width, picture.height] == [
                    row["image/width"][0], row["image/height"][0]
                ]  # fmt: skip
                assert picture.format.lower().encode() == row["image/format"][0]
            pose = poses(row, "image/camera/ego_from_camera")
            assert np.array_equal(pose, worlds.CAMERAS[camera].ego_from_camera)
            sides = [row[f"image/object/bbox/{n}"] for n in ("xmin", "ymin", "xmax", "ymax")]
            for x0, y0, x1, y1 in zip(*sides, strict=True):
                assert 0 <= x0 < x1 <= 1
                assert 0 <= y0 < y1 <= 1
                seen += 1
    assert seen > 20


def test_classes_have_the_numbers_of_the_label_map(out):
    text = (out / "label_map.pbtxt").read_text(encoding="utf-8")
    numbers = dict(zip(text.split('"')[1::2], range(1, 100), strict=False))
    assert list(numbers) == ["car", "cyclist", "pedestrian", "truck"]
    for row in records(out / "hill-1/front.tfrecord", check=False):
        texts = [name.decode() for name in row["image/object/class/text"]]
        assert row["image/object/class/label"] == [numbers[name] for name in texts]


def test_labels_alone_need_no_points(tmp_path):
    given = awkward(points=False)
    write(plan_logs([given], "tfrecord")[0], tmp_path)
    found = list(records(tmp_path / "log-1/sweeps.tfrecord"))
    assert sum(len(row["sweep/object/track_id"]) for row in found) == len(given.boxes)
    assert "sweep/points/xyz_m" not in found[0]
    with pytest.raises(MissingPosesError, match="log-1: expected ego poses"):
        plan_logs([awkward(ego_poses=None)], "tfrecord")
