"""JSON Lines: one object per box; `<log>.conventions.json` says what the numbers mean."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json

from perception_label import schema
from perception_label.errors import SchemaError, SourceError
from perception_label.export.csv import PLAIN
from perception_label.export.data_dictionary import described
from perception_label.export.labelled import Labelled, Plan
from perception_label.tables import completed


def plan(labelled: Labelled) -> Plan:
    """Plan `<log>.jsonl`, and before it `<log>.conventions.json` and the data dictionary."""
    return described(labelled, "jsonl", _fill)


def read(path: Path) -> pa.Table:
    """Return the boxes of such a file (`schema.CUBOIDS`).

    Raises
    ------
    SourceError
        If it is no JSON Lines file with these keys.
    """
    try:
        if not path.stat().st_size:
            return PLAIN.empty_table().cast(schema.CUBOIDS)
        options = pa.json.ParseOptions(explicit_schema=PLAIN)
        table = _known(pa.json.read_json(path, parse_options=options))
        return table.select(PLAIN.names).cast(PLAIN).cast(schema.CUBOIDS)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SourceError(f"{path}: expected JSON Lines of cuboids, got: {error}") from None


def _fill(labelled: Labelled, path: Path) -> None:
    line = "{" + ", ".join(f"{json.dumps(name)}: %s" for name in PLAIN.names) + "}\n"
    with path.open("w", encoding="utf-8") as out:
        for batch in labelled.batches():
            columns = [_texts(batch.column(name), name) for name in PLAIN.names]
            out.writelines(map(line.__mod__, zip(*columns, strict=True)))


def _known(table: pa.Table) -> pa.Table:
    """Return the table with nothing null: a key that may be unknown, or is not there, is."""
    table = completed(table)
    for name, unknown in schema.CUBOIDS_UNKNOWN.items():
        at = table.schema.get_field_index(name)
        known = table.column(at) if unknown is None else table.column(at).fill_null(unknown)
        table = table.set_column(at, table.schema.field(at), known)
    return table


def _texts(column: pa.ChunkedArray, name: str) -> Iterable[str]:
    """Return each value as JSON writes it; a number as the shortest text that reads back."""
    if pa.types.is_dictionary(column.type):
        column = column.combine_chunks()
        words = [json.dumps(word) for word in column.dictionary.to_pylist()]
        return [words[k] for k in column.indices.to_pylist()]
    if pa.types.is_floating(column.type) and not np.isfinite(column.drop_null().to_numpy()).all():
        raise SchemaError(f"{name}: expected finite numbers, which is all JSON has, got others")
    return ("null" if value is None else repr(value) for value in column.to_pylist())
