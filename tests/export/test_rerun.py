"""Rerun: a recording, read back by Rerun's own reader and put together by its transforms."""

import sys

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("rerun", reason="needs rerun-sdk, the extra rerun")
from rerun.chunk import RrdReader

import format_worlds as worlds
from labelled_logs import labelled as awkward
from labelled_logs import write
from perception_label.errors import MissingExtraError, MissingPosesError
from perception_label.export import plan
from perception_label.pipeline.export import export


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"))


def rows(path):
    """Every row of a recording by its entity: time (None: always), sweep, its columns."""
    found = {}
    for chunk in RrdReader(str(path)).stream().to_chunks():
        batch = chunk.to_record_batch()
        for name in [n for n in batch.schema.names if pa.types.is_timestamp(batch[n].type)]:
            at = batch.schema.get_field_index(name)
            batch = batch.set_column(at, name, batch[name].cast(pa.int64()))
        found.setdefault(chunk.entity_path, []).extend(batch.to_pylist())
    return found


@pytest.fixture(scope="module")
def found(world):
    export(world.workspace, world.root / "out put", "rerun")
    return rows(world.root / "out put/hill-1.rrd")


def one(row, name):
    value = next(value for key, value in row.items() if key.split(":")[-1] == name)
    return value if value is None else np.array(value)


def pose(row):
    out = np.eye(4)
    out[:3, :3] = Rotation.from_quat(one(row, "quaternion")[0]).as_matrix()
    out[:3, 3] = one(row, "translation")[0]
    return out


def test_boxes_are_the_truth_and_keyframes_apart(world, found):
    seen = 0
    for place, is_key in (("keyframes", True), ("worked_out", False)):
        for row in found[f"/world/boxes/{place}"]:
            true = {
                r["track_id"]: r for r in world.rows
                if r["sweep"] == row["sweep"] and r["is_key"] == is_key
            }  # fmt: skip
            assert row["time"] == world.timestamps_ns[row["sweep"]]
            tracks = row["track_id"] or []
            assert set(tracks) == set(true)
            for k, track in enumerate(tracks):
                seen += 1
                box = true[track]
                assert np.allclose(one(row, "centers")[k], box["world_center_m"], atol=1e-5)
                assert np.allclose(2 * one(row, "half_sizes")[k], box["size_m"])
                turned = Rotation.from_quat(one(row, "quaternions")[k]).as_matrix()
                assert np.allclose(turned[:, 0], box["world_heading"], atol=1e-6)
                assert row["class_name"][k] == box["class_name"]
                assert row["source"][k] == ("human" if is_key else "solver")
    assert seen == len(world.rows)


def test_transforms_take_the_points_into_their_boxes(world, found):
    egos = {r["sweep"]: pose(r) for r in found["/world/ego"] if r.get("sweep") is not None}
    mounted = pose(found["/world/ego/top"][0])
    clouds = found["/world/ego/top/points"]
    assert len(clouds) == worlds.N_SWEEPS
    for row in clouds:
        assert np.allclose(egos[row["sweep"]], world.world_from_ego[row["sweep"]], atol=1e-5)
        world_from_lidar = egos[row["sweep"]] @ mounted
        points = one(row, "positions") @ world_from_lidar[:3, :3].T + world_from_lidar[:3, 3]
        for true in (r for r in world.rows if r["sweep"] == row["sweep"]):
            local = (points - true["world_center_m"]) @ worlds.turned(true["yaw_rad"])
            inside = (np.abs(local) <= np.array(true["size_m"]) / 2).all(axis=1)
            assert inside.sum() == true["n_points"]


def test_pictures_have_their_bytes_times_and_lens(world, found):
    for name, camera in worlds.CAMERAS.items():
        place = f"/world/ego/{name}"
        assert np.allclose(pose(found[place][0]), camera.ego_from_camera, atol=1e-6)
        shown = [r for r in found[f"{place}/image"] if r.get("EncodedImage:blob")]
        lens = next(r for r in found[f"{place}/image"] if r.get("Pinhole:resolution"))
        matrix = one(lens, "image_from_camera")[0].reshape(3, 3).T
        assert np.allclose(matrix, camera.intrinsics)
        images = world.log.images[name]
        assert [r["time"] for r in shown] == images.timestamps_ns.tolist()
        for row, path in zip(shown, images.paths, strict=True):
            assert bytes(one(row, "blob")[0].tolist()) == path.read_bytes()
        labels = found[f"{place}/image/labels"]
        assert [r["time"] for r in labels] == images.timestamps_ns.tolist()
        assert all(source == "projected" for r in labels for source in r["source"] or [])


def test_labels_alone_need_no_points(tmp_path):
    given = awkward(points=False)
    write(plan(given, "rerun"), tmp_path)
    said = rows(tmp_path / "log-1.rrd")
    n = sum(len(r["track_id"] or []) for r in said["/world/boxes/worked_out"])
    assert n == len(given.boxes)
    assert not [place for place in said if place.endswith("points")]
    with pytest.raises(MissingPosesError, match="log-1: expected ego poses"):
        plan(awkward(ego_poses=None), "rerun")


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(MissingExtraError, match=r"perception-label\[rerun\]"):
        plan(awkward(), "rerun")
