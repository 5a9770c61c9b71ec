"""Parquet, CSV and JSON Lines: write then read is identity, to the bit."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from labelled_logs import labelled, labels, write
from perception_label import schema
from perception_label.errors import SchemaError, SettingError, SourceError
from perception_label.export import csv, jsonl, parquet, plan
from perception_label.export import labelled as batching

OLD = pa.schema([csv.PLAIN.field(n) for n in csv.PLAIN.names if n not in schema.CUBOIDS_UNKNOWN])
READERS = {"parquet": parquet.read, "csv": csv.read, "jsonl": jsonl.read}
formats = pytest.mark.parametrize("format", READERS)


def back(given, format, out):
    write(plan(given, format), out)
    return READERS[format](out / f"{given.log_id}.{format}")


def rows(table):
    # As text: a NaN equals itself there, and a float64 its shortest form.
    return [
        str(row)
        for row in table.select(
            [n for n in schema.CUBOIDS.names if n in table.column_names]
        ).to_pylist()
    ]


@formats
def test_every_value_comes_back(format, tmp_path, monkeypatch):
    # Batches far smaller than the table: dictionaries and order must survive the seams.
    monkeypatch.setattr(batching, "BATCH_ROWS", 7)
    given = labelled()
    table = back(given, format, tmp_path)
    assert table.schema.equals(schema.CUBOIDS)
    assert rows(table) == rows(given.boxes)


@formats
@drawn(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=7, max_size=7))
def test_any_finite_number_comes_back(format, values, tmp_path_factory):
    table = labelled(labels(n=1)).boxes
    for name, value in zip(schema.CUBOIDS.names[3:10], values, strict=True):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array([value]))
    given = labelled(boxes=table)
    assert rows(back(given, format, tmp_path_factory.mktemp("any"))) == rows(table)


@formats
def test_a_file_of_an_older_release_reads(format, tmp_path):
    given = labelled()
    write(plan(given, format), tmp_path)
    path = tmp_path / f"{given.log_id}.{format}"
    names = list(schema.CUBOIDS_UNKNOWN)
    if format == "parquet":
        pq.write_table(pq.read_table(path).drop_columns(names), path)
    elif format == "csv":
        pyarrow.csv.write_csv(given.boxes.drop_columns(names).cast(OLD), path)
    else:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            del line["expected_iou"], line["revision"]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = READERS[format](path)
    assert table.schema.equals(schema.CUBOIDS)
    assert set(table["revision"].to_pylist()) == {-1}
    assert table["expected_iou"].null_count == len(table)
    assert rows(table.drop_columns(names)) == rows(given.boxes.drop_columns(names))


@formats
def test_no_boxes_are_an_empty_file_that_reads(format, tmp_path):
    given = labelled(labels()[:0])
    assert len(back(given, format, tmp_path)) == 0


@formats
def test_the_same_labels_give_the_same_bytes(format, tmp_path):
    a, b = (write(plan(labelled(), format), tmp_path / k) for k in "ab")
    for path in a.iterdir():
        assert path.read_bytes() == (b / path.name).read_bytes()


@formats
def test_the_conventions_travel_with_the_file(format, tmp_path):
    write(plan(labelled(), format), tmp_path)
    if format == "parquet":
        stored = pq.read_schema(tmp_path / "log-1.parquet").metadata[parquet.FACTS]
    else:
        stored = (tmp_path / "log-1.conventions.json").read_text()
    facts = json.loads(stored)
    assert facts["origin_m"] == [5e5, 4e6, 0.0]
    assert facts["conventions"]["origin"] == "middle of the box"


@formats
@pytest.mark.parametrize("content", [b"not a table", b"\x00\xff" * 40])
def test_another_file_is_refused_in_one_line(format, content, tmp_path):
    path = tmp_path / f"x.{format}"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"x.{format}: expected") as error:
        READERS[format](path)
    assert "\n" not in str(error.value)


def test_json_refuses_what_it_cannot_write(tmp_path):
    table = labelled().boxes
    at = table.schema.get_field_index("score")
    bad = table.set_column(at, table.schema.field(at), pa.array(np.full(len(table), np.nan)))
    with pytest.raises(SchemaError, match="score: expected finite"):
        write(plan(labelled(boxes=bad), "jsonl"), tmp_path)


def test_an_unknown_format_names_the_known():
    with pytest.raises(SettingError, match="kitti-tracking"):
        plan(labelled(), "xml")
