"""Labels of other tools: as edits, with their classes, and never anything in silence."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import format_worlds as worlds
from perception_label.cli import main
from perception_label.errors import EditError, SettingError, SourceError
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels
from perception_label.tables import labels_from_table


@pytest.fixture
def world(tmp_path):
    return worlds.format_world(tmp_path)


def as_rows(world, **changes):
    rows = [
        {
            "timestamp_ns": r["timestamp_ns"],
            "track_id": r["track_id"],
            "class_name": r["class_name"],
            **dict(zip(("x_m", "y_m", "z_m"), r["world_center_m"], strict=True)),
            **dict(zip(("length_m", "width_m", "height_m"), r["size_m"], strict=True)),
            "yaw_rad": r["yaw_rad"],
            "is_key": r["is_key"],
        }
        for r in world.rows
    ]
    return [{**row, **changes} for row in rows]


def table(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_keyframes_become_keyframes_and_the_rest_is_left_to_solve(world, tmp_path):
    file = table(tmp_path / "theirs.parquet", as_rows(world))
    report = import_labels(world.workspace, file, way="edits")
    edits = world.workspace.edits(world.log)
    state = edits.state()
    for track, name in worlds.CLASSES.items():
        made = state.tracks[f"theirs:{track}"]
        rows = [r for r in world.rows if r["track_id"] == track and r["is_key"]]
        assert made.class_name == name
        assert made.key_timestamps_ns.tolist() == [r["timestamp_ns"] for r in rows]
        assert set(made.key_sources) == {"human"}
        assert np.allclose(made.keyframes.center_m, [r["world_center_m"] for r in rows], atol=1e-9)
        assert np.allclose(made.keyframes.size_m, worlds.SIZES[track])
        assert made.span_ns == (world.rows[0]["timestamp_ns"], world.rows[-1]["timestamp_ns"])
    n_between = sum(not r["is_key"] for r in world.rows)
    assert report.left_out == (f"{n_between} boxes between keyframes: `solve` works them out anew",)
    assert report.n_edits == sum(r["is_key"] for r in world.rows) + len(worlds.TRACKS)


def test_twice_is_once(world, tmp_path):
    file = table(tmp_path / "theirs.parquet", as_rows(world))
    import_labels(world.workspace, file, way="edits")
    revision = world.workspace.edits(world.log).revision
    assert import_labels(world.workspace, file, way="edits").n_edits == 0
    assert world.workspace.edits(world.log).revision == revision


def test_boxes_that_nobody_tells_apart_are_hints(world, tmp_path):
    rows = [{k: v for k, v in row.items() if k != "is_key"} for row in as_rows(world)]
    import_labels(world.workspace, table(tmp_path / "d.parquet", rows), way="edits")
    made = world.workspace.edits(world.log).track("d:car 1")
    assert set(made.key_sources) == {"imported:d"}
    assert 1 < len(made.key_timestamps_ns) < worlds.N_SWEEPS


def test_a_pause_between_boxes_is_one_of_the_track(world, tmp_path):
    gone = world.timestamps_ns[[4, 5]].tolist()
    rows = [r for r in as_rows(world) if r["timestamp_ns"] not in gone]
    import_labels(world.workspace, table(tmp_path / "d.parquet", rows), way="edits")
    assert world.workspace.edits(world.log).track("d:7").outside_ns.tolist() == [gone]


def test_keyframes_stay_told_apart_as_a_source(world, tmp_path):
    file = table(tmp_path / "theirs.parquet", as_rows(world))
    import_labels(world.workspace, file)
    export(world.workspace, tmp_path / "out", "parquet", source="imported.theirs")
    (back,) = (tmp_path / "out").glob("*.parquet")
    again = import_labels(world.workspace, back, name="again", way="edits")
    state = world.workspace.edits(world.log).state()
    assert again.n_tracks == len(worlds.TRACKS)
    assert set(state.tracks["again:theirs:7"].key_sources) == {"human"}


def test_unknown_classes_are_listed_with_the_mapping_to_write(world, tmp_path, capsys):
    rows = as_rows(world)
    rows[0]["class_name"] = "Tram: blue"
    file = table(tmp_path / "d.parquet", rows)
    with pytest.raises(SourceError, match=r"got Tram: blue \(1\)") as caught:
        import_labels(world.workspace, file)
    text = str(caught.value)
    assert "\n" not in text
    mapping = tmp_path / "classes.yaml"
    mapping.write_text(text[text.index("{") : text.index("}") + 1].replace("other", "bus"))
    argv = ["import", file, world.workspace.path, "--classes", mapping]
    assert main([str(a) for a in argv]) == 0
    labels = labels_from_table(world.log.machine("imported.d"))
    assert "bus" in labels.class_names
    mapping.write_text('{"Tram: blue": null}')
    report = import_labels(world.workspace, file, classes=mapping)
    assert report.left_out == ("1 labels of class 'Tram: blue', as --classes says",)
    assert report.n_boxes == len(rows) - 1


def test_a_mapping_to_no_class_is_an_error(world, tmp_path):
    file = table(tmp_path / "d.parquet", as_rows(world))
    (tmp_path / "c.yaml").write_text("Van: vehicle")
    with pytest.raises(SettingError, match="got vehicle"):
        import_labels(world.workspace, file, classes=tmp_path / "c.yaml")


def test_an_id_used_twice_is_an_error_and_leaves_nothing(world, tmp_path):
    rows = as_rows(world)
    rows[1]["track_id"] = rows[0]["track_id"]
    with pytest.raises(SourceError, match="one box of track 'car 1' at sweep 0, got several"):
        import_labels(world.workspace, table(tmp_path / "d.parquet", rows), way="edits")
    assert "imported.d" not in world.log.machine_names()


def test_another_file_of_the_same_name_is_refused_by_the_edit_log(world, tmp_path):
    import_labels(world.workspace, table(tmp_path / "d.parquet", as_rows(world)), way="edits")
    rows = as_rows(world, length_m=3.0)
    with pytest.raises(EditError, match="expected a new id"):
        import_labels(world.workspace, table(tmp_path / "d.parquet", rows), way="edits")


@pytest.mark.parametrize("format", ["kitti-tracking", "kitti-object"])
def test_kitti_comes_back_with_ids_and_classes(world, tmp_path, format):
    export(world.workspace, tmp_path / "out put", format)
    path = tmp_path / "out put" / "label_02/hill-1.txt"
    path = path if format == "kitti-tracking" else tmp_path / "out put"
    report = import_labels(world.workspace, path, format=format, name="k")
    assert (report.n_boxes, report.left_out) == (len(world.rows), ())
    labels = labels_from_table(world.log.machine("imported.k"))
    found = {
        (labels.track_names[t].partition(":")[2], at): k
        for k, (t, at) in enumerate(
            zip(labels.tracks.tolist(), labels.timestamps_ns.tolist(), strict=True)
        )
    }
    for row in world.rows:
        k = found[row["track_id"], row["timestamp_ns"]]
        assert labels.class_names[labels.classes[k]] == row["class_name"]
        assert np.allclose(labels.cuboids.center_m[k], row["world_center_m"], atol=1e-4)
        assert np.allclose(labels.cuboids.size_m[k], row["size_m"], atol=1e-4)
        turn = labels.cuboids.yaw_rad[k] - row["yaw_rad"]
        assert abs((turn + np.pi) % (2 * np.pi) - np.pi) < 1e-4
