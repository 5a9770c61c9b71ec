"""Supervisely, SUSTechPOINTS, Xtreme1: out against truth, and back as a source and as edits."""

import json

import numpy as np
import pytest
from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate
from mcap_protobuf.writer import Writer
from scipy.spatial.transform import Rotation

import format_worlds as worlds
from perception_label.errors import SourceError
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels
from perception_label.readers.clouds import read_cloud
from perception_label.tables import labels_from_table

FORMATS = ("supervisely", "sustech")
ROUND = (*FORMATS, "mcap")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = worlds.format_world(tmp_path_factory.mktemp("a world ü"))
    for format in ROUND:
        export(made.workspace, made.root / format, format, source="solved")
    return made


def supervisely_boxes(root):
    said = json.loads((root / "hill-1/annotation.json").read_text("utf-8"))
    objects = {o["key"]: o for o in said["objects"]}
    for one in said["frames"]:
        for figure in one["figures"]:
            told = objects[figure["objectKey"]]
            tags = {tag["name"]: tag["value"] for tag in told["tags"]}
            place = figure["geometry"]
            parts = [place[k] for k in ("position", "dimensions", "rotation")]
            is_key = not figure["nnCreated"]
            yield one["index"], tags["track_id"], told["classTitle"], parts, is_key


def sustech_boxes(root):
    for path in sorted((root / "hill-1/label").glob("*.json")):
        for box in json.loads(path.read_text("utf-8")):
            parts = [box["psr"][k] for k in ("position", "scale", "rotation")]
            yield int(path.stem), box["obj_id"], box["obj_type"], parts, "annotator" not in box


BOXES = {"supervisely": supervisely_boxes, "sustech": sustech_boxes}
NAMES = {"cyclist": "BicycleRider", "car": "Car", "truck": "Truck", "pedestrian": "Pedestrian"}


@pytest.mark.parametrize("format", FORMATS)
def test_boxes_are_where_the_truth_has_them_in_the_lidar(format, world):
    truth = {(r["sweep"], r["track_id"]): r for r in world.rows}
    found = set()
    for sweep, track, name, parts, is_key in BOXES[format](world.root / format):
        row = truth[sweep, track]
        found.add((sweep, track))
        center, size, turn = ([part[axis] for axis in "xyz"] for part in parts)
        assert np.allclose(center, row["lidar_center_m"], atol=1e-6)
        assert size == row["size_m"]
        heading = Rotation.from_euler("XYZ", turn).as_matrix()[:, 0]
        assert np.allclose(heading, row["lidar_heading"], atol=1e-6)
        assert is_key == row["is_key"]
        own = row["class_name"]
        assert name == (NAMES[own] if format == "sustech" else own)
    assert found == truth.keys()


@pytest.mark.parametrize(
    ("format", "name"), [("supervisely", f"{worlds.START_NS}"), ("sustech", "000000")]
)
def test_clouds_are_those_of_the_sweep(format, name, world):
    (path,) = (world.root / format).rglob(f"{name}.pcd")
    cloud = read_cloud(path)
    assert np.array_equal(cloud.points_m, world.log.sweep(0).points_m)
    assert 0.9 < cloud.intensity.max() <= 1


@pytest.mark.parametrize("format", FORMATS)
def test_calibration_leads_into_the_camera(format, world):
    if format == "sustech":
        told = json.loads((world.root / format / "hill-1/calib/camera/front.json").read_text())
        matrix = np.reshape(told["extrinsic"], (4, 4))
    else:
        path = next((world.root / format).rglob("front.jpg.json"))
        told = json.loads(path.read_text())["meta"]["sensorsData"]
        matrix = np.vstack([np.reshape(told["extrinsicMatrix"], (3, 4)), [0, 0, 0, 1]])
    expected = np.linalg.inv(worlds.CAMERAS["front"].ego_from_camera) @ worlds.EGO_FROM_LIDAR
    np.testing.assert_allclose(matrix, expected, atol=1e-9)


@pytest.mark.parametrize("format", ROUND)
def test_a_round_trip_as_a_source_keeps_boxes_classes_and_keyframes(format, world):
    report = import_labels(world.workspace, world.root / format, format=format, name=format)
    assert report.left_out == ()
    table = world.log.machine(f"imported.{format}")
    back = labels_from_table(table)
    assert report.n_boxes == len(world.rows)
    truth = {(r["timestamp_ns"], f"{format}:{r['track_id']}"): r for r in world.rows}
    sources = table.column("source").to_pylist()
    for k in range(len(back)):
        row = truth.pop((int(back.timestamps_ns[k]), back.track_names[back.tracks[k]]))
        assert np.allclose(back.cuboids.center_m[k], row["world_center_m"], atol=1e-6)
        assert np.allclose(back.cuboids.size_m[k], row["size_m"], atol=1e-12)
        assert np.cos(back.cuboids.yaw_rad[k] - row["yaw_rad"]) == pytest.approx(1, abs=1e-12)
        assert back.class_names[back.classes[k]] == row["class_name"]
        assert sources[k].endswith(":key") == row["is_key"] or "key" in sources[k]
    assert not truth


@pytest.mark.parametrize("format", ROUND)
def test_as_edits_twice_is_once_and_attributes_come_along(format, tmp_path):
    world = worlds.format_world(tmp_path)
    export(world.workspace, tmp_path / "out", format, source="solved")
    options = {"format": format, "name": "tool", "way": "edits"}
    first = import_labels(world.workspace, tmp_path / "out", **options)
    again = import_labels(world.workspace, tmp_path / "out", **options)
    assert first.n_edits > 0
    assert again.n_edits == 0
    tracks = world.workspace.edits(world.log).state().live()
    people = next(t for k, t in tracks.items() if k.endswith("人 3") and "tool" in k)
    assert people.attributes == {"n_people": 2}
    assert people.sweep_attributes == {"pose": {worlds.START_NS + 4 * worlds.PERIOD_NS: "walking"}}
    car = next(t for k, t in tracks.items() if k.endswith("car 1") and "tool" in k)
    assert car.attributes == worlds.ATTRIBUTES["car 1"]
    assert len(car.keyframes) == sum(r["is_key"] for r in world.rows if r["track_id"] == "car 1")


def xtreme1(root, rows):
    folder = root / "result"
    folder.mkdir()
    for sweep in range(worlds.N_SWEEPS):
        objects = [
            {
                "id": f"{sweep}{r['track_id']}", "type": "3D_BOX", "className": r["class_name"],
                "trackId": r["track_id"], "trackName": "1",
                "classValues": [{"name": "note", "value": "x"}],
                "contour": {
                    "center3D": dict(zip("xyz", r["lidar_center_m"], strict=True)),
                    "size3D": dict(zip("xyz", r["size_m"], strict=True)),
                    "rotation3D": dict(zip("xyz", turn_of(r), strict=True)),
                },
            }
            for r in rows if r["sweep"] == sweep
        ]  # fmt: skip
        flat = [{"type": "2D_BOX", "id": "f"}]
        said = [{"sourceName": "Without Task", "objects": objects}, {"objects": flat}]
        (folder / f"{sweep:04d}.json").write_text(json.dumps(said))


def turn_of(row):
    at = row["timestamp_ns"]
    lidar_from_world = np.linalg.inv(worlds.world_from_ego(at) @ worlds.EGO_FROM_LIDAR)[:3, :3]
    return Rotation.from_matrix(lidar_from_world @ worlds.turned(row["yaw_rad"])).as_euler("XYZ")


def test_xtreme1_is_read(world, tmp_path):
    xtreme1(tmp_path, world.rows)
    report = import_labels(world.workspace, tmp_path, format="xtreme1", name="x1")
    assert report.left_out == (f"{worlds.N_SWEEPS} objects of images",)
    back = labels_from_table(world.log.machine("imported.x1"))
    truth = {(r["timestamp_ns"], f"x1:{r['track_id']}"): r for r in world.rows}
    for k in range(len(back)):
        row = truth.pop((int(back.timestamps_ns[k]), back.track_names[back.tracks[k]]))
        assert np.allclose(back.cuboids.center_m[k], row["world_center_m"], atol=1e-6)
        assert np.cos(back.cuboids.yaw_rad[k] - row["yaw_rad"]) == pytest.approx(1, abs=1e-12)
    assert not truth


def scenes(path, rows, frame):
    """A file of another tool: boxes in some coordinate frame, no transforms."""
    with path.open("wb") as file, Writer(file) as writer:
        for row in rows:
            scene = SceneUpdate()
            entity = scene.entities.add(id=row["track_id"], frame_id=frame)
            entity.timestamp.FromNanoseconds(row["timestamp_ns"])
            entity.metadata.add(key="category", value=row["class_name"])
            cube = entity.cubes.add()
            at = cube.pose.position
            at.x, at.y, at.z = row["ego_center_m"]
            ego_from_world = np.linalg.inv(worlds.world_from_ego(row["timestamp_ns"]))[:3, :3]
            turn = Rotation.from_matrix(ego_from_world @ worlds.turned(row["yaw_rad"])).as_quat()
            spin = cube.pose.orientation
            spin.x, spin.y, spin.z, spin.w = turn
            cube.size.x, cube.size.y, cube.size.z = row["size_m"]
            entity.spheres.add()
            at_ns = row["timestamp_ns"]
            writer.write_message("/boxes", scene, log_time=at_ns, publish_time=at_ns)
    return path


def test_scenes_of_other_tools_are_read_in_the_vehicle_s_frame(world, tmp_path):
    path = scenes(tmp_path / "a.mcap", world.rows, "base_link")
    report = import_labels(world.workspace, path, format="mcap", name="fox")
    assert report.left_out == (f"{len(world.rows)} shapes that are no cubes",)
    back = labels_from_table(world.log.machine("imported.fox"))
    truth = {(r["timestamp_ns"], f"fox:{r['track_id']}"): r for r in world.rows}
    for k in range(len(back)):
        row = truth.pop((int(back.timestamps_ns[k]), back.track_names[back.tracks[k]]))
        assert np.allclose(back.cuboids.center_m[k], row["world_center_m"], atol=1e-6)
        assert np.cos(back.cuboids.yaw_rad[k] - row["yaw_rad"]) == pytest.approx(1, abs=1e-12)
    assert not truth
    scenes(path, world.rows[:1], "roof_lidar")
    with pytest.raises(SourceError, match="transforms from roof_lidar to the vehicle"):
        import_labels(world.workspace, path, format="mcap")


def test_unknown_classes_and_other_layouts_are_refused_in_one_line(world, tmp_path):
    with pytest.raises(SourceError, match="one dataset, or one called hill-1, got none"):
        import_labels(world.workspace, tmp_path, format="supervisely")
    folder = tmp_path / "s" / "label"
    folder.mkdir(parents=True)
    box = {"psr": {}, "obj_type": "Car", "obj_id": "1"}
    (folder / "000000.json").write_text(json.dumps([box]))
    with pytest.raises(SourceError, match="psr, obj_type, obj_id in box 0"):
        import_labels(world.workspace, tmp_path / "s", format="sustech")
    zero = dict.fromkeys("xyz", 1)
    box["psr"] = {"position": zero, "scale": zero, "rotation": zero}
    (folder / "000000.json").write_text(json.dumps([{**box, "obj_type": "Trimotor"}]))
    with pytest.raises(SourceError, match=r"(?i)trimotor"):
        import_labels(world.workspace, tmp_path / "s", format="sustech")


@pytest.mark.realdata
def test_boxes_of_sustech_s_own_example_hold_points(real_data):
    from perception_label.geometry.inside import points_inside
    from perception_label.readers.labels import Facts, read_labels

    root = real_data("formats/sustech")
    times = np.arange(4, dtype=np.int64) * 100_000_000
    given = read_labels(root / "label", "sustech", Facts(timestamps_ns=times))
    assert given.coordinate_frame == "sensor"
    at = given.at == 1
    points = read_cloud(root / "lidar/000965.pcd").points_m.astype(np.float32)
    counts = points_inside(points[np.isfinite(points).all(axis=1)], given.cuboids[at])
    assert (counts > 10).mean() > 0.8


@pytest.mark.realdata
def test_other_tools_supervisely_project_is_read(real_data):
    from perception_label.readers.labels import Facts, read_labels

    root = real_data("formats/datumaro_sly_pointcloud_dataset")
    facts = Facts(timestamps_ns=np.arange(2, dtype=np.int64))
    given = read_labels(root, "supervisely", facts)
    assert set(given.class_names) == {"car", "bus"}
    assert len(given.cuboids) > 2
