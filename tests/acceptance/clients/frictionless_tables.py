"""The data dictionary: Frictionless Data holds CSV and Parquet against it, row by row."""

import csv
import json
import tempfile
from pathlib import Path

from checks import client, turn


def sound_if_changed(root):
    """Tell whether the file is still valid when one number is what it may not be."""
    from frictionless import Resource, Schema, system, validate

    with (root / "hill-1.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.reader(source))
    rows[3][rows[0].index("width_m")] = "-1"
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "x.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
        schema = json.loads((root / "data-dictionary.json").read_text(encoding="utf-8"))
        with system.use_context(trusted=True):
            table = Resource(path="x.csv", basepath=folder, schema=Schema.from_descriptor(schema))
            return validate(table).valid


@client("frictionless")
def check(checks):
    from frictionless import Resource, Schema, system, validate

    for format in ("csv", "parquet"):
        root = checks.folder / format
        schema = Schema.from_descriptor(str(root / "data-dictionary.json"))
        described = all(field.description for field in schema.fields)
        checks.that(f"{format}: every column has a meaning", described, len(schema.fields))
        with system.use_context(trusted=True):
            table = Resource(path=f"hill-1.{format}", basepath=str(root), schema=schema)
            report = validate(table)
            errors = report.flatten(["rowNumber", "fieldName", "type"])
            checks.that(f"{format}: valid", report.valid and not errors, errors[:3])
            rows = table.read_rows()
        checks.that(f"{format}: every box is a row", len(rows) == len(checks.truth["rows"]))
        truth = {(r["track_id"], r["timestamp_ns"]): r for r in checks.truth["rows"]}
        centers, yaws = [], []
        for row in rows:
            true = truth[row["track_id"], row["timestamp_ns"]]
            at = [float(row[name]) for name in ("x_m", "y_m", "z_m")]
            centers += [a - b for a, b in zip(at, true["world_center_m"], strict=True)]
            yaws.append(turn(float(row["yaw_rad"]), true["yaw_rad"]))
        checks.near(f"{format}: centres in the world", centers)
        checks.near(f"{format}: headings in the world", yaws)
    checks.that("a width below 0 is found", not sound_if_changed(checks.folder / "csv"))
