"""Boxes of detectors and other tools as one more source."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from perception_label import open_workspace
from perception_label.cli import main
from perception_label.errors import LabelError, SettingError, SourceError
from perception_label.pipeline.export import export
from perception_label.pipeline.imported import import_labels, imported_names
from perception_label.tables import labels_from_table

PLAIN = [
    "timestamp_ns",
    "class_name",
    "x_m",
    "y_m",
    "z_m",
    "length_m",
    "width_m",
    "height_m",
    "yaw_rad",
]


@pytest.fixture
def workspace(town_workspace, tmp_path):
    shutil.copytree(town_workspace.path, tmp_path / "ws")
    return open_workspace(tmp_path / "ws")


def plain(workspace, names=(*PLAIN, "track_id", "score")):
    """The proposals as a table that any tool could write."""
    table = workspace.cuboids().select(list(names))
    for k, name in enumerate(names):
        if pa.types.is_dictionary(table.schema.field(name).type):
            table = table.set_column(k, name, table.column(name).cast(pa.string()))
    return table


def imported(workspace, name):
    return labels_from_table(workspace.log().machine(f"imported.{name}"))


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "kitti-tracking"])
def test_what_was_exported_comes_back(format, workspace, tmp_path):
    before = labels_from_table(workspace.cuboids())
    report = export(workspace, tmp_path / "out", format)
    suffix = {"kitti-tracking": ".txt"}.get(format, f".{format}")
    file = next(
        p
        for p in report.files
        if p.suffix == suffix and p.parent.name != "calib" and "oxts" not in str(p)
    )
    found = import_labels(workspace, file, name="there")
    assert (found.n_boxes, found.n_tracks, found.left_out) == (report.n_boxes, report.n_tracks, ())
    after = imported(workspace, "there")
    rows = [
        np.lexsort((x.cuboids.center_m[:, 0].round(3), x.timestamps_ns)) for x in (before, after)
    ]
    a, b = before[rows[0]], after[rows[1]]
    assert (a.timestamps_ns == b.timestamps_ns).all()
    assert np.allclose(a.cuboids.center_m, b.cuboids.center_m, atol=2e-3)
    assert np.allclose(a.cuboids.size_m, b.cuboids.size_m, atol=1e-3)
    assert np.allclose(np.cos(a.cuboids.yaw_rad - b.cuboids.yaw_rad), 1, atol=1e-4)
    assert np.allclose(a.scores, b.scores, atol=1e-6)
    assert imported_names(workspace.log()) == ["there"]


def test_detections_without_tracks_are_linked(workspace, tmp_path):
    table = plain(workspace, PLAIN)
    pq.write_table(table, tmp_path / "my detector.parquet")
    report = import_labels(workspace, tmp_path / "my detector.parquet")
    labels = imported(workspace, "my-detector")
    assert report.n_boxes == len(table) == len(labels)
    assert report.n_tracks < len(table) / 4
    assert (labels.scores == 1).all()
    assert (labels.n_points >= 0).all()
    pairs = np.column_stack([labels.timestamps_ns, labels.tracks])
    assert len(np.unique(pairs, axis=0)) == len(labels)


def test_boxes_of_the_ego_frame_land_in_the_world(workspace, tmp_path):
    ego = workspace.cuboids(coordinate_frame="ego").select(PLAIN)
    ego = ego.set_column(1, "class_name", ego.column("class_name").cast(pa.string()))
    pa.csv.write_csv(ego, tmp_path / "ego.csv")
    import_labels(workspace, tmp_path / "ego.csv", coordinate_frame="ego")
    before, after = labels_from_table(workspace.cuboids()), imported(workspace, "ego")
    assert np.allclose(before.cuboids.center_m, after.cuboids.center_m, atol=1e-6)


def test_what_cannot_be_placed_is_left_out_and_told(workspace, tmp_path):
    table = plain(workspace)
    rows = table.slice(0, 6).to_pylist()
    rows[0]["x_m"] = float("nan")
    rows[1]["length_m"] = 0.0
    rows[2]["timestamp_ns"] += 40_000_000
    rows[3]["timestamp_ns"] += 900_000  # a tool that rounds to milliseconds
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "odd.parquet")
    report = import_labels(workspace, tmp_path / "odd.parquet")
    assert report.n_boxes == 3
    assert report.left_out == (
        "2 boxes not finite or without size",
        "1 boxes at no sweep of the log",
    )
    assert np.isin(imported(workspace, "odd").timestamps_ns, workspace.log().timestamps_ns).all()


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "x,y\n1,2\n", "expected columns timestamp_ns"),
        ("a.jsonl", "not json", "expected a jsonl file"),
        ("a.parquet", "not parquet", "expected a parquet file"),
        ("a.txt", "0 1 Car 0 0\n", "expected 17 columns in line 1"),
        ("a.xyz", "", "expected a format of parquet"),
        ("a.csv", ",".join(PLAIN) + "\n1.5,car,0,0,0,4,2,2,0\n", "whole numbers in timestamp_ns"),
        ("a.csv", ",".join(PLAIN) + "\n17,car,0,0,0,4,2,2,0\n", "expected boxes at sweeps"),
    ],
)
def test_bad_files_are_one_line_and_leave_nothing(name, text, said, workspace, tmp_path):
    with pytest.raises(SourceError, match=said) as caught:
        import_labels(workspace, write(tmp_path / name, text))
    assert "\n" not in str(caught.value)
    assert imported_names(workspace.log()) == []


def test_unknown_frames_and_names_are_an_error(workspace, tmp_path):
    pq.write_table(plain(workspace), tmp_path / "a.parquet")
    with pytest.raises(SettingError, match="world, ego, sensor"):
        import_labels(workspace, tmp_path / "a.parquet", coordinate_frame="map")
    with pytest.raises(LabelError, match="name"):
        import_labels(workspace, tmp_path / "a.parquet", name="//")


def test_the_verb_tells_what_it_took(workspace, tmp_path, capfd):
    pq.write_table(plain(workspace), tmp_path / "d.parquet")
    argv = ["import", str(tmp_path / "d.parquet"), str(workspace.path), "--name", "mine", "--json"]
    assert main(argv) == 0
    out, err = capfd.readouterr()
    result = json.loads(out)
    assert err == ""
    assert {"log_id", "name", "n_tracks", "n_boxes", "files", "left_out"} <= set(result)
    assert result["name"] == "mine"
    assert result["n_boxes"] == len(workspace.cuboids())
