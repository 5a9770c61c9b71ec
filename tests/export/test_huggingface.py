"""Hugging Face, Croissant, the data dictionary: as anyone who reads Parquet finds them."""

import hashlib
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from scipy.spatial.transform import Rotation

import format_worlds as worlds
from labelled_logs import labelled as awkward
from labelled_logs import write
from perception_label import schema
from perception_label.errors import MissingPosesError
from perception_label.export import data_dictionary, huggingface, plan, plan_logs
from perception_label.export.flat_boxes import BOXES
from perception_label.export.huggingface_rows import IMAGES, SWEEPS
from perception_label.pipeline.export import export, labelled


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"), ("hill-1", "hill-2"))


@pytest.fixture(scope="module")
def out(world):
    export(world.workspace, world.root / "out put", "huggingface")
    return world.root / "out put"


def rows(out, config):
    files = sorted((out / "data" / config).iterdir())
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def truth(world, row):
    found = [
        r for r in world.rows
        if r["track_id"] == row["track_id"] and r["timestamp_ns"] == row["timestamp_ns"]
    ]  # fmt: skip
    assert len(found) == 1
    return found[0]


def test_boxes_are_the_truth(world, out):
    found = rows(out, "boxes")
    assert len(found) == 2 * len(world.rows)
    for row in found:
        true = truth(world, row)
        assert row["sweep"] == true["sweep"]
        assert np.allclose([row[n] for n in ("x_m", "y_m", "z_m")], true["world_center_m"])
        assert [row["length_m"], row["width_m"], row["height_m"]] == true["size_m"]
        heading = [np.cos(row["yaw_rad"]), np.sin(row["yaw_rad"]), 0]
        assert np.allclose(heading, true["world_heading"], atol=1e-9)
        assert row["is_key"] == true["is_key"]
        assert (row["source"] == "human") == true["is_key"]


def test_attributes_hold_at_their_instants(out):
    boxes = [r for r in rows(out, "boxes") if r["track_id"] == "人 3" and r["log_id"] == "hill-1"]
    in_sweeps = [
        o for s in rows(out, "sweeps") for o in s["objects"]
        if o["track_id"] == "人 3" and s["log_id"] == "hill-1"
    ]  # fmt: skip
    for of in (boxes, in_sweeps):
        said = [json.loads(row["attributes"]) for row in of]
        assert [s.get("pose") for s in said] == [None] * 4 + ["walking"] * 4
        assert {s["n_people"] for s in said} == {2}


def test_sweeps_have_their_points_and_boxes_in_the_lidars_frame(world, out):
    found = rows(out, "sweeps")
    assert len(found) == 2 * worlds.N_SWEEPS
    for row in found:
        points = np.array(row["points_m"])
        assert np.array_equal(points, world.log.sweep(row["sweep"]).points_m)
        assert len(row["intensity"]) == len(row["ring"]) == len(points)
        ego = world.world_from_ego[row["sweep"]]
        assert np.allclose(row["world_from_ego"], ego)
        assert np.allclose(row["world_from_lidar"], ego @ world.ego_from_lidar)
        assert len(row["objects"]) == len(worlds.TRACKS)
        for box in row["objects"]:
            true = truth(world, {**box, "timestamp_ns": row["timestamp_ns"]})
            assert np.allclose(box["center_m"], true["lidar_center_m"], atol=1e-9)
            turn = Rotation.from_quat(box["rotation_wxyz"], scalar_first=True).as_matrix()
            assert np.allclose(turn[:, 0], true["lidar_heading"], atol=1e-9)
            local = np.abs((points - box["center_m"]) @ turn)
            inside = (local <= np.array(box["size_m"]) / 2).all(axis=1)
            assert inside.sum() == true["n_points"]


def test_images_have_their_bytes_calibration_and_labels(world, out):
    found = rows(out, "images")
    assert len(found) == 2 * 2 * worlds.N_SWEEPS
    seen = 0
    for row in found:
        images = world.log.images[row["camera"]]
        assert row["image"]["bytes"] == images.paths[row["image_number"]].read_bytes()
        assert row["timestamp_ns"] == images.timestamps_ns[row["image_number"]]
        with Image.open(io.BytesIO(row["image"]["bytes"])) as picture:
            assert picture.size == (row["width_px"], row["height_px"])
        camera = worlds.CAMERAS[row["camera"]]
        assert np.allclose(row["ego_from_camera"], camera.ego_from_camera)
        for label in row["objects"]:
            x0, y0, x1, y1 = label["box_px"]
            assert 0 <= x0 < x1 <= row["width_px"]
            assert 0 <= y0 < y1 <= row["height_px"]
            assert label["source"] == "projected"
            seen += 1
    assert seen > 20


def test_the_card_names_files_that_are_there(out):
    card = (out / "README.md").read_text(encoding="utf-8")
    said = yaml.safe_load(card.split("---")[1])
    assert [c["config_name"] for c in said["configs"]] == ["boxes", "sweeps", "images"]
    for config in said["configs"]:
        assert list(out.glob(config["data_files"][0]["path"]))
        features = json.loads(
            pq.read_schema(next(out.glob(config["data_files"][0]["path"]))).metadata[b"huggingface"]
        )["info"]["features"]
        for name in features:
            assert f"`{name}`" in card


def test_croissant_has_the_hash_of_every_file(out):
    said = json.loads((out / "croissant.json").read_text(encoding="utf-8"))
    assert len(said["distribution"]) == 2 + 2 + 4
    for file in said["distribution"]:
        data = (out / file["contentUrl"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
        assert file["contentSize"] == f"{len(data)} B"
    for records in said["recordSet"]:
        for field in records["field"]:
            columns = pq.read_schema(out / field["source"]["fileObject"]["@id"]).names
            assert field["source"]["extract"]["column"] in columns


def test_shards_are_many_where_sweeps_are_many(world, monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface, "SWEEPS_PER_FILE", 3)
    monkeypatch.setattr(huggingface, "IMAGES_PER_FILE", 5)
    given = labelled(world.workspace, world.log, world.log.dense_boxes())
    write(plan_logs([given], "huggingface")[0], tmp_path)
    assert len(list((tmp_path / "data/sweeps").iterdir())) == 3
    assert [r["sweep"] for r in rows(tmp_path, "sweeps")] == list(range(worlds.N_SWEEPS))
    images = [(r["camera"], r["image_number"]) for r in rows(tmp_path, "images")]
    assert images == [(c, k) for c in worlds.CAMERAS for k in range(worlds.N_SWEEPS)]


def test_labels_alone_need_neither_points_nor_poses(tmp_path):
    given = awkward(points=False, ego_poses=None)
    write(plan_logs([given], "huggingface")[0], tmp_path)
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["boxes"]
    assert len(rows(tmp_path, "boxes")) == len(given.boxes)
    with pytest.raises(MissingPosesError, match="log-1: expected ego poses"):
        plan_logs([awkward(ego_poses=None)], "huggingface")


def test_one_file_holds_all_logs_for_croissant(world, tmp_path):
    export(world.workspace, tmp_path, "croissant")
    found = pq.read_table(tmp_path / "boxes.parquet")
    assert found.column("log_id").to_pylist() == ["hill-1"] * 40 + ["hill-2"] * 40
    said = json.loads((tmp_path / "croissant.json").read_text(encoding="utf-8"))
    named = [f["source"]["extract"]["column"] for f in said["recordSet"][0]["field"]]
    assert named == found.column_names


def test_every_column_that_is_written_is_in_the_dictionary():
    for given in (schema.CUBOIDS, BOXES, SWEEPS, IMAGES):
        assert "| `timestamp_ns` | integer | ns |" in data_dictionary.as_markdown(given)
        fields = data_dictionary.as_table_schema(given)["fields"]
        assert [f["name"] for f in fields] == given.names
        assert all(f["description"] for f in fields)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_written_values_lie_where_the_dictionary_says(format, tmp_path):
    write(plan(awkward(), format), tmp_path)
    said = json.loads((tmp_path / data_dictionary.JSON).read_text())
    if format == "parquet":
        table = pq.read_table(tmp_path / "log-1.parquet")
    else:
        table = pyarrow.csv.read_csv(tmp_path / "log-1.csv")
    assert [f["name"] for f in said["fields"]] == table.column_names
    is_of = {"integer": pa.types.is_integer, "number": pa.types.is_floating}
    for field in said["fields"]:
        column = table.column(field["name"])
        if field["type"] in is_of:
            assert is_of[field["type"]](column.type)
            values = np.array(column.drop_null().to_pylist())
            assert (values >= field["constraints"].get("minimum", -np.inf)).all()
            assert (values <= field["constraints"].get("maximum", np.inf)).all()
