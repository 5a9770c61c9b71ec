"""MCAP: read with Foxglove's own messages, and taken in again as a log."""

import json
from dataclasses import replace

import numpy as np
import pytest
from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory
from scipy.spatial.transform import Rotation

import format_worlds as worlds
from perception_label.export import plan_logs
from perception_label.geometry.poses import interpolate_poses
from perception_label.pipeline.export import export, labelled
from perception_label.readers import open_log


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"))


@pytest.fixture(scope="module")
def path(world):
    export(world.workspace, world.root / "out", "mcap", source="solved")
    return world.root / "out" / "hill-1.mcap"


def test_boxes_and_attributes_are_those_of_the_truth(world, path):
    truth = {(r["timestamp_ns"], r["track_id"]): r for r in world.rows}
    found = set()
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
        for _, _, message, scene in reader.iter_decoded_messages(topics=["/labels"]):
            for entity in scene.entities:
                row = truth[message.log_time, entity.id]
                found.add((message.log_time, entity.id))
                (cube,) = entity.cubes
                at, turn, size = cube.pose.position, cube.pose.orientation, cube.size
                assert np.allclose([at.x, at.y, at.z], row["world_center_m"], atol=1e-12)
                assert np.allclose([size.x, size.y, size.z], row["size_m"], atol=1e-12)
                matrix = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
                assert np.allclose(matrix[:, 0], row["world_heading"], atol=1e-12)
                told = {pair.key: pair.value for pair in entity.metadata}
                assert told["class"] == row["class_name"]
                if entity.id == "人 3":
                    assert told["n_people"] == "2"
                    assert ("pose" in told) == (row["sweep"] >= 4)
        (facts,) = (r for r in reader.iter_metadata() if r.name == "perception_label")
    assert found == truth.keys()
    assert json.loads(facts.metadata["origin_m"]) == [5000.0, 6000.0, 70.0]


def test_a_box_is_shown_until_the_next_instant(path):
    with path.open("rb") as file:
        for _, _, message in make_reader(file).iter_messages(topics=["/labels"]):
            scene = SceneUpdate.FromString(message.data)
            gaps = {entity.lifetime.ToNanoseconds() for entity in scene.entities}
            is_last = message.log_time == worlds.START_NS + 7 * worlds.PERIOD_NS
            assert gaps == {10**9 if is_last else worlds.PERIOD_NS}


def test_the_file_is_a_log_again(world, path):
    recording = open_log(path)
    assert recording.chosen["lidar"] == "/top"
    assert recording.timestamps_ns.tolist() == world.timestamps_ns.tolist()
    poses = interpolate_poses(recording.ego_poses, recording.timestamps_ns)
    np.testing.assert_allclose(poses, world.world_from_ego, atol=1e-9)
    np.testing.assert_allclose(recording.ego_from_lidar, world.ego_from_lidar, atol=1e-12)
    for i in (0, 5):
        mine, given = recording.source(i), world.log.sweep(i)
        for name in ("points_m", "intensity", "ring", "time_offset_ns"):
            assert np.array_equal(getattr(mine, name), getattr(given, name)), name
    assert recording.cameras.keys() == recording.pictures.keys() == worlds.CAMERAS.keys()
    for name, camera in worlds.CAMERAS.items():
        made = recording.cameras[name]
        assert made.intrinsics == camera.intrinsics
        np.testing.assert_allclose(made.ego_from_camera, camera.ego_from_camera, atol=1e-12)
        source = world.log.images[name].paths[3].read_bytes()
        assert recording.pictures[name].read(3) == source


def test_without_points_it_holds_labels_and_poses_alone(world):
    export(world.workspace, world.root / "bare", "mcap", source="solved", points=False)
    with (world.root / "bare/hill-1.mcap").open("rb") as file:
        topics = {c.topic for c in make_reader(file).get_summary().channels.values()}
    assert topics == {
        "/labels",
        "/tf",
        "/camera/front/calibration",
        "/camera/left_back/calibration",
    }


@pytest.mark.parametrize(
    ("lens", "model"),
    [
        ((), "pinhole"), ((), "fisheye"),
        ((0.1, -0.2, 1e-3, 2e-3), "pinhole"), ((0.1, 0.02, -0.01, 1e-3), "fisheye"),
        ((0.1, -0.2, 1e-3, 2e-3, 0.03), "pinhole"),
        ((0.1, -0.2, 1e-3, 2e-3, 0.03, 0.4, 0.01, 0.02), "pinhole"),
    ],
)  # fmt: skip
def test_lenses_come_back(lens, model, world, tmp_path):
    given = labelled(world.workspace, world.log, world.log.dense_boxes(), points=True)
    front = replace(worlds.CAMERAS["front"], distortion=lens, model=model)
    (planned,) = plan_logs([replace(given, cameras={"front": front})], "mcap")
    planned.files["hill-1.mcap"](tmp_path / "a.mcap")
    back = open_log(tmp_path / "a.mcap").cameras["front"]
    assert back.model == model
    assert np.allclose(back.lens(), front.lens(), atol=0)
