"""What the columns of written tables mean: one list, for machines and for people.

`data-dictionary.json` is a Table Schema (Frictionless Data 1.0), `data-dictionary.md` the same
as a table to read. Both say nothing of a single log, so logs exported one by one share them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from perception_label import schema
from perception_label.export.labelled import Labelled, Plan, json_file

JSON, MARKDOWN = "data-dictionary.json", "data-dictionary.md"


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds: its meaning, unit, and the range its values lie in."""

    meaning: str
    unit: str = ""
    least: float | None = None
    most: float | None = None


_PI = 3.141592653589793
COLUMNS: dict[str, Column] = {
    "log_id": Column("the recording"),
    "sweep": Column("number of the LiDAR sweep in its log, from 0; -1 between sweeps", "", -1),
    "timestamp_ns": Column("the instant, on the source's clock", "ns"),
    "track_id": Column("one object over time; unique within a log"),
    "class_name": Column("what the object is, as the ontology names it"),
    "x_m": Column("middle of the box, world frame of the log", "m"),
    "y_m": Column("middle of the box, world frame of the log", "m"),
    "z_m": Column("middle of the box, world frame of the log, up", "m"),
    "length_m": Column("size along the heading", "m", 0),
    "width_m": Column("size across the heading", "m", 0),
    "height_m": Column("size upwards", "m", 0),
    "yaw_rad": Column("heading: 0 along +x, counter-clockwise about +z", "rad", -_PI, _PI),
    "score": Column("probability that the box is right; 1 where a person said so", "", 0, 1),
    "n_points": Column("LiDAR points inside the box; -1 where nobody counted", "points", -1),
    "source": Column(
        "who made it: `human`, and what ends in `:key`, is a keyframe that a person set; all "
        "others were worked out in between, or found"
    ),
    "is_key": Column("whether a person set it; else it was worked out, or found"),
    "expected_iou": Column(
        "3-D overlap with the truth that the maker expects; null where unknown", "", 0, 1
    ),
    "revision": Column("last edit of the track when the box was made; -1: none", "", -1),
    "attributes": Column("what people said of the object at this instant, a JSON object"),
    "lidar": Column("the LiDAR's name"),
    "world_from_lidar": Column("takes points of the LiDAR's frame to the world, row by row", "m"),
    "points_m": Column("points in the LiDAR's frame: x, y, z", "m"),
    "intensity": Column("of each point, as the source gives it; null: it gives none"),
    "ring": Column("beam of each point; null: unknown", "", 0),
    "time_offset_ns": Column("of each point, less `timestamp_ns`; null: unknown", "ns"),
    "lidar_number": Column("which LiDAR each point is of, where several are merged; else null"),
    "objects": Column("the boxes at this instant"),
    "center_m": Column("middle of the box, LiDAR's frame: x, y, z", "m"),
    "size_m": Column("length, width, height", "m", 0),
    "rotation_wxyz": Column("turns the box's axes (ahead, left, up) to the LiDAR's, quaternion"),
    "camera": Column("the camera's name"),
    "image_number": Column("number of the image of its camera, from 0", "", 0),
    "image": Column("the picture, JPEG or PNG"),
    "width_px": Column("of the picture", "px", 0),
    "height_px": Column("of the picture", "px", 0),
    "intrinsics": Column("camera matrix, row by row; null: not calibrated", "px"),
    "distortion": Column("of the lens, OpenCV's order"),
    "lens_model": Column("pinhole or fisheye"),
    "ego_from_camera": Column("takes the camera's x right, y down, z ahead to the ego frame", "m"),
    "world_from_ego": Column("the ego vehicle's pose at this instant, row by row", "m"),
    "box_px": Column("x0, y0, x1, y1: edges, the whole image is 0, 0, width, height", "px"),
    "kind": Column("box, polygon, mask, keypoints or polyline; other than boxes lie in `shape`"),
    "shape": Column("what is not a box, a JSON object; null for boxes"),
}  # fmt: skip
_TYPES = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "number"),
    (pa.types.is_string, "string"),
)


def dictionary_files(given: pa.Schema) -> dict[str, Callable[[Path], None]]:
    """Return the two files, each with the function that fills it, for a table's columns."""
    return {
        JSON: json_file(as_table_schema(given)),
        MARKDOWN: partial(_fill, "# Columns\n\n" + as_markdown(given)),
    }


def described(labelled: Labelled, format: str, fill: Callable[[Labelled, Path], None]) -> Plan:
    """Plan `<log>.<format>`, which `fill` writes, and before it what its numbers mean."""
    name = labelled.log_id
    return Plan(
        {
            **dictionary_files(schema.CUBOIDS),
            f"{name}.conventions.json": json_file(labelled.facts(format)),
            f"{name}.{format}": partial(fill, labelled),
        }
    )


def as_table_schema(given: pa.Schema) -> dict[str, Any]:
    """Return the columns as a Table Schema."""
    return {
        "$schema": "https://specs.frictionlessdata.io/schemas/table-schema.json",
        "fields": [_field(field) for field in given],
        "missingValues": [""],
    }


def as_markdown(fields: Iterable[pa.Field]) -> str:
    """Return the columns as a Markdown table; those inside a list of objects are indented."""
    lines = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for indent, field in _every(fields):
        said = COLUMNS[field.name]
        cells = (f"{indent}`{field.name}`", _type(field.type), said.unit, said.meaning)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _every(fields: Iterable[pa.Field], indent: str = "") -> Iterable[tuple[str, pa.Field]]:
    for field in fields:
        yield indent, field
        if _is_list(field.type) and pa.types.is_struct(field.type.value_type):
            yield from _every(field.type.value_type, indent + "&nbsp;&nbsp;")


def _field(field: pa.Field) -> dict[str, Any]:
    said = COLUMNS[field.name]
    # Frictionless reads a null of Parquet as NaN, which lies in no range.
    bounds = {} if field.nullable else {"minimum": said.least, "maximum": said.most}
    limits = {key: value for key, value in bounds.items() if value is not None}
    return {
        "name": field.name,
        "type": _type(field.type),
        "description": said.meaning,
        **({"unit": said.unit} if said.unit else {}),
        "constraints": {"required": not field.nullable, **limits},
    }


def _type(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    for is_it, name in _TYPES:
        if is_it(kind):
            return name
    if _is_list(kind):
        return "array"
    return "object"


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind))


def _fill(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
