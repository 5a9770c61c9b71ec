"""Columns to Arrow tables and back: the only crossing."""

import numpy as np
import pyarrow as pa

from perception_label import schema
from perception_label.errors import SchemaError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels


def labels_to_table(labels: Labels, source: str) -> pa.Table:
    """Return dense boxes as a table with schema `schema.CUBOIDS`; `source` is who made them."""
    m = len(labels)
    packed = labels.cuboids.packed()
    columns = [
        pa.array(labels.timestamps_ns),
        pa.DictionaryArray.from_arrays(
            pa.array(labels.tracks), pa.array(labels.track_names, pa.string())
        ),
        pa.DictionaryArray.from_arrays(
            pa.array(labels.classes), pa.array(labels.class_names, pa.string())
        ),
        *(pa.array(np.ascontiguousarray(packed[:, k])) for k in range(7)),
        pa.array(labels.scores),
        pa.array(labels.n_points),
        pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(m, dtype=np.int16)), pa.array([source], pa.string())
        ),
    ]
    return pa.Table.from_arrays(columns, schema=schema.CUBOIDS)


def labels_from_table(table: pa.Table) -> Labels:
    """Return the dense boxes of a table with the columns of `schema.CUBOIDS`."""
    missing = [name for name in schema.CUBOIDS.names if name not in table.column_names]
    if missing:
        raise SchemaError(f"cuboids: expected columns {missing}, got {table.column_names}")
    table = table.select(schema.CUBOIDS.names).cast(schema.CUBOIDS).unify_dictionaries()
    table = table.combine_chunks()
    numbers = [table.column(k).to_numpy() for k in range(3, 12)]
    tracks, track_names = _dictionary(table.column(1), np.int32)
    classes, class_names = _dictionary(table.column(2), np.int16)
    return Labels(
        timestamps_ns=table.column(0).to_numpy(),
        tracks=tracks,
        track_names=track_names,
        classes=classes,
        class_names=class_names,
        cuboids=Cuboids.unpack(np.column_stack(numbers[:7])),
        scores=numbers[7],
        n_points=numbers[8],
    )


def _dictionary(column: pa.ChunkedArray, kind: type) -> tuple[np.ndarray, tuple[str, ...]]:
    if column.num_chunks == 0:
        return np.empty(0, dtype=kind), ()
    chunk = column.chunk(0)
    return chunk.indices.to_numpy().astype(kind), tuple(chunk.dictionary.to_pylist())
