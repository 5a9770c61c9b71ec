"""Croissant 1.0: a Parquet file of all logs' boxes, and JSON-LD that says what is in it.

`boxes.parquet` has one row per cuboid, world frame; `croissant.json` names it with its hash
and describes each column, for `mlcroissant` and for search engines of datasets. Licence,
citation and date are the publisher's to add: nothing in a log tells them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pyarrow as pa

from perception_label.export.data_dictionary import COLUMNS, dictionary_files
from perception_label.export.flat_boxes import BOXES, fill_boxes
from perception_label.export.labelled import Labelled, Plan, json_file

METADATA = "croissant.json"
_NAMES = (
    "citeAs column conformsTo equivalentProperty extract field fileProperty fileObject fileSet "
    "format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "repeated replace samplingRate separator source subField transform"
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    **{name: f"cr:{name}" for name in _NAMES.split()},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the boxes of all logs in one file, its data dictionary and its description."""
    files: dict[str, Callable[[Path], None]] = {
        **dictionary_files(BOXES),
        "conventions.json": json_file({one.log_id: one.facts("croissant") for one in logs}),
        "boxes.parquet": partial(fill_boxes, logs),
    }
    said = f"Cuboids of {len(logs)} logs: {', '.join(one.log_id for one in logs)}"
    files[METADATA] = describe_files("boxes", said, {"boxes.parquet": BOXES})
    return Plan(files)


def describe_files(
    name: str, description: str, tables: Mapping[str, pa.Schema]
) -> Callable[[Path], None]:
    """Return a function that writes the description beside Parquet files that are there already.

    `tables` has the columns of each file by its path beside the description; nested columns are
    not described, Croissant 1.0 has no words for them.
    """
    return partial(_fill, name, description, tables)


def _fill(name: str, description: str, tables: Mapping[str, pa.Schema], path: Path) -> None:
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": "1.0.0",
        "distribution": [_file(path.parent, file) for file in tables],
        "recordSet": [_records(file, columns) for file, columns in tables.items()],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def _file(root: Path, file: str) -> dict[str, Any]:
    with (root / file).open("rb") as source:
        digest = file_digest(source, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": file,
        "name": file,
        "contentUrl": file,
        "contentSize": f"{(root / file).stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": digest,
    }


def _records(file: str, columns: pa.Schema) -> dict[str, Any]:
    name = file.removeprefix("data/").removesuffix(".parquet")
    fields = [_field(name, file, field) for field in columns if _kind(field)]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(name: str, file: str, field: pa.Field) -> dict[str, Any]:
    said = COLUMNS[field.name]
    source: dict[str, Any] = {
        "fileObject": {"@id": file},
        "extract": {"column": field.name},
    }
    if _is_picture(field.type):
        source["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field",
        "@id": f"{name}/{field.name}",
        "name": field.name,
        "description": said.meaning + (f", {said.unit}" if said.unit else ""),
        "dataType": _kind(field),
        "source": source,
    }


def _kind(field: pa.Field) -> str:
    """Return the type of a column as schema.org names it, "" for nested ones."""
    kind = field.type
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    if _is_picture(kind):
        return "sc:ImageObject"
    return "sc:Text" if pa.types.is_string(kind) else ""


def _is_picture(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind) and {f.name for f in kind} == {"bytes", "path"})
