"""Tables with columns, units and origins of their own."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from perception_label.errors import SettingError, SourceError
from perception_label.readers.labels import Facts, read_labels

MAPPING = """
timestamp_ns: {column: t, unit: s}
class_name: {value: car}
track_id: object
x_m: cx
y_m: cy
z_m: cz
length_m: {column: l, unit: cm}
width_m: w
height_m: h
yaw_rad: {column: heading, unit: deg, times: -1, plus: 90}
origin: bottom
"""
THEIRS = {
    "t": [1.5, 1.6],
    "object": ["007", "7"],
    "cx": [1.0, 2.0],
    "cy": [3.0, 4.0],
    "cz": [0.0, 0.5],
    "l": [450.0, 450.0],
    "w": [2.0, 2.0],
    "h": [1.6, 1.6],
    "heading": [0.0, 90.0],
    "speed": [3.0, 3.0],
}


def written(folder, mapping, name="boxes.csv", **columns):
    table = pa.table({**THEIRS, **columns})
    path = folder / name
    (pa.csv.write_csv if name.endswith("csv") else pq.write_table)(table, path)
    said = folder / "columns.yaml"
    said.write_text(mapping, encoding="utf-8")
    return path, Facts(columns=said)


@pytest.mark.parametrize("name", ["boxes.csv", "boxes.parquet"])
def test_a_table_of_others_is_read_in_our_units(name, tmp_path):
    path, facts = written(tmp_path, MAPPING, name)
    given = read_labels(path, "auto", facts)
    assert given.at.tolist() == [1_500_000_000, 1_600_000_000]
    assert given.class_names.tolist() == ["car", "car"]
    assert given.track_ids.tolist() == ["007", "7"]
    np.testing.assert_allclose(given.cuboids.center_m, [[1, 3, 0.8], [2, 4, 1.3]])
    np.testing.assert_allclose(given.cuboids.size_m, [[4.5, 2, 1.6]] * 2)
    np.testing.assert_allclose(given.cuboids.yaw_rad, [np.pi / 2, 0], atol=1e-12)
    assert given.left_out == ("columns speed",)


def test_whole_microseconds_stay_exact(tmp_path):
    at = [1_700_000_000_123_457, 1_700_000_000_223_459]
    said = MAPPING.replace("unit: s}", "unit: us}")
    given = read_labels(*_auto(written(tmp_path, said, t=at)))
    assert given.at.tolist() == [t * 1000 for t in at]


def test_numbers_of_sweeps_stand_for_times(tmp_path):
    said = MAPPING.replace("timestamp_ns: {column: t, unit: s}", "sweep: t")
    given = read_labels(*_auto(written(tmp_path, said, t=[0, 3])))
    assert given.by_number
    assert given.at.tolist() == [0, 3]


def _auto(made):
    path, facts = made
    return path, "auto", facts


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("x_m: [1]", "x_m: expected a column's name"),
        ("x_m: {column: cx, unit: deg}", "expected a unit of m, cm, mm, ft, got 'deg'"),
        ("class_name: {column: c, unit: m}", "expected a unit of none"),
        ("where: cx", "got 'where'"),
        ("origin: top", "expected origin center or bottom"),
        ("x_m: {column: cx, times: .nan}", "expected numbers for times and plus"),
        ("{sweep: t, timestamp_ns: t}", "got both"),
        ("- x", "expected lines such as"),
        ("x: [", "expected YAML"),
    ],
)
def test_what_a_mapping_may_not_say(said, wrong, tmp_path):
    path, facts = written(tmp_path, said)
    with pytest.raises(SettingError) as caught:
        read_labels(path, "auto", facts)
    assert wrong in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_there_is_named(tmp_path):
    path, facts = written(tmp_path, MAPPING.replace("cx", "center_x"))
    with pytest.raises(SourceError, match="'center_x' for x_m"):
        read_labels(path, "auto", facts)


def test_text_where_a_number_belongs_is_refused(tmp_path):
    path, facts = written(tmp_path, MAPPING, cx=["here", "there"])
    with pytest.raises(SourceError, match="file of boxes"):
        read_labels(path, "auto", facts)


def test_without_a_mapping_the_way_out_is_told(tmp_path):
    path, _ = written(tmp_path, MAPPING)
    with pytest.raises(SourceError, match=r"--columns FILE\.yaml"):
        read_labels(path, "auto", Facts())
