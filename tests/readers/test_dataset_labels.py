"""Labels of nuScenes, Argoverse 2 and Waymo: back from our exports, and as others wrote them."""

import json

import numpy as np
import pytest

import format_worlds as worlds
from perception_label import open_workspace
from perception_label.errors import SourceError
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels
from perception_label.tables import labels_from_table
from readers import layouts, layouts_nuscenes, layouts_waymo
from readers.drives import drive

FORMATS = ("nuscenes", "argoverse2", "waymo")
FILES = {
    "nuscenes": "v1.0-labels",
    "argoverse2": "val/hill-1/annotations.feather",
    "waymo": "training/lidar_box/hill-1.parquet",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = worlds.format_world(tmp_path_factory.mktemp("a world ü"), ("hill-1", "hill-2"))
    for format in FORMATS:
        export(made.workspace, made.root / format, format, source="solved", points=False)
    return made


def check(world, name, *, is_tracked=True):
    table = world.log.machine(f"imported.{name}")
    back = labels_from_table(table)
    truth = {(r["timestamp_ns"], r["track_id"]): r for r in world.rows}
    for k in range(len(back)):
        at, center = int(back.timestamps_ns[k]), back.cuboids.center_m[k]
        if is_tracked:
            row = truth.pop((at, back.track_names[back.tracks[k]].removeprefix(f"{name}:")))
        else:
            gaps = {key: np.linalg.norm(r["world_center_m"] - center)
                    for key, r in truth.items() if key[0] == at}  # fmt: skip
            row = truth.pop(min(gaps, key=gaps.get))
        assert np.allclose(center, row["world_center_m"], atol=1e-6)
        assert np.allclose(back.cuboids.size_m[k], row["size_m"], atol=1e-12)
        assert np.cos(back.cuboids.yaw_rad[k] - row["yaw_rad"]) == pytest.approx(1, abs=1e-12)
        yield row, back.class_names[back.classes[k]], table.column("source")[k].as_py()
    assert not truth


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_a_round_trip_keeps_boxes_classes_tracks_and_keyframes(format, inner, world):
    path = world.root / format / (FILES[format] if inner else "")
    report = import_labels(
        world.workspace, path, world.log, format=format, name=f"{format}-{inner}"
    )
    assert report.left_out == ()
    assert report.n_boxes == len(world.rows)
    for row, name, source in check(world, f"{format}-{inner}"):
        assert name == row["class_name"]
        assert ("key" in source) == row["is_key"]


@pytest.mark.parametrize("format", FORMATS)
def test_as_edits_twice_is_once_and_attributes_come_along(format, tmp_path):
    world = worlds.format_world(tmp_path)
    export(world.workspace, tmp_path / "out", format, source="solved", points=False)
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
    assert len(car.keyframes) == sum(r["is_key"] for r in world.rows if r["track_id"] == "car 1")


@pytest.mark.parametrize("kind", ["detection", "tracking"])
def test_result_files_come_back(kind, world):
    path = world.root / f"nuscenes/results/{kind}.json"
    report = import_labels(world.workspace, path, world.log, format="nuscenes", name=kind)
    n = len(world.rows)
    assert report.left_out[0] == f"{n} boxes of other scenes"
    found = list(check(world, kind, is_tracked=kind == "tracking"))
    assert {name for _, name, _ in found} == (
        {"car", "truck", "pedestrian", "cyclist"}
        if kind == "tracking"
        else {"car", "truck", "pedestrian", "bicycle"}
    )


def test_results_elsewhere_need_the_tables(world, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text((world.root / "nuscenes/results/tracking.json").read_text())
    with pytest.raises(SourceError, match="tables around it, or --calibration FOLDER"):
        import_labels(world.workspace, path, world.log, format="nuscenes")
    report = import_labels(
        world.workspace, path, world.log, format="nuscenes",
        calibration=world.root / "nuscenes/v1.0-labels",
    )  # fmt: skip
    assert report.n_boxes == len(world.rows)


def test_another_log_of_the_export_is_not_taken_for_this_one(tmp_path, world):
    other = worlds.format_world(tmp_path, ("hill-9",))
    for format, told in (
        ("nuscenes", "nuScenes tables with scene hill-9, got hill-1, hill-2"),
        ("argoverse2", "annotations.feather of log hill-9, got hill-1, hill-2"),
        ("waymo", "lidar_box/hill-9.parquet, got hill-1, hill-2"),
    ):
        with pytest.raises(SourceError, match=told):
            import_labels(other.workspace, world.root / format, format=format)


@pytest.mark.parametrize("format", FORMATS)
def test_what_others_wrote_is_what_the_log_s_reader_finds(format, tmp_path):
    if format == "waymo":
        path = layouts_waymo.waymo(tmp_path)
    else:
        path = layouts.write(format, tmp_path, drive())
    workspace = open_workspace(tmp_path / "w", create=True)
    workspace.ingest(path)
    (log_id,) = workspace.logs()
    log = workspace.log(log_id)
    import_labels(workspace, path, format=format, name="again")
    again = labels_from_table(log.machine("imported.again"))
    truth = log.truth()
    assert len(again) == len(truth)
    orders = [
        np.lexsort((np.array(part.track_names)[part.tracks], part.timestamps_ns))
        for part in (again, truth)
    ]
    here, there = again[orders[0]], truth[orders[1]]
    np.testing.assert_allclose(here.cuboids.packed(), there.cuboids.packed(), atol=1e-5)
    kinds = [np.array(part.class_names)[part.classes].tolist() for part in (here, there)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([], "a JSON dict"),
        ({"results": []}, "results by sample token"),
        ({"results": {"x": [{}]}}, "boxes of scene"),
        ({"results": {"TOKEN": [{}]}}, "detection_name in each box"),
        ({"results": {"TOKEN": [3]}}, "a list of boxes for sample"),
        ({"results": {"TOKEN": [{"tracking_id": 1}]}}, "tracking_name in each box"),
        ({"results": {"TOKEN": [{"detection_name": "car", "size": [1, 2]}]}}, "size: shape"),
    ],
)
def test_broken_results_are_refused_in_one_line(said, told, tmp_path):
    root = layouts_nuscenes.nuscenes(tmp_path, drive())
    workspace = open_workspace(tmp_path / "w", create=True)
    workspace.ingest(root)
    token = layouts_nuscenes.token(layouts_nuscenes.SCENE, "sample", 0)
    (root / "r.json").write_text(json.dumps(said).replace("TOKEN", token))
    with pytest.raises(SourceError, match=told) as error:
        import_labels(workspace, root / "r.json", format="nuscenes")
    assert "\n" not in str(error.value)
