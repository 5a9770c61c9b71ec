"""All boxes of several logs in one flat table: what Hugging Face and Croissant are given."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perception_label import schema
from perception_label.export.csv import PLAIN
from perception_label.export.labelled import Labelled, TrackFacts

BOXES = pa.schema(
    [
        pa.field("log_id", pa.string(), nullable=False),
        pa.field("sweep", pa.int64(), nullable=False),
        *PLAIN,
        pa.field("is_key", pa.bool_(), nullable=False),
        pa.field("attributes", pa.string()),
    ]
)


def fill_boxes(logs: Sequence[Labelled], path: Path, target: pa.Schema = BOXES) -> None:
    """Write the boxes of logs, streamed; `target` is `BOXES`, with metadata of its own if need be.

    Raises
    ------
    SchemaError
        If a log's boxes lack a column.
    """
    with pq.ParquetWriter(path, target, compression="zstd") as writer:
        for labelled in logs:
            for batch in _batches(labelled):
                writer.write_table(batch.cast(target))


def _batches(labelled: Labelled) -> Iterator[pa.Table]:
    times = labelled.timestamps_ns
    facts = labelled.track_facts()
    keyed: dict[str, bool] = {}
    for batch in labelled.batches():
        at = batch.column("timestamp_ns").to_numpy()
        near = np.searchsorted(times, at)
        sweep = np.where(np.append(times, -1)[near] == at, near, -1)
        sources = batch.column("source").combine_chunks().dictionary_decode().to_pylist()
        keyed |= {name: schema.is_key_source(name) for name in set(sources) - keyed.keys()}
        columns = {name: batch.column(name) for name in PLAIN.names}
        columns |= {
            "log_id": pa.repeat(labelled.log_id, len(batch)),
            "sweep": pa.array(sweep, pa.int64()),
            "is_key": pa.array([keyed[name] for name in sources], pa.bool_()),
            "attributes": _attributes(batch, facts),
        }
        yield pa.table([columns[name] for name in BOXES.names], BOXES.names).cast(BOXES)


def _attributes(batch: pa.Table, facts: Mapping[str, TrackFacts]) -> pa.Array:
    if not facts:
        return pa.nulls(len(batch), pa.string())
    tracks = batch.column("track_id").cast(pa.string()).to_pylist()
    times = batch.column("timestamp_ns").to_pylist()
    said = [
        facts[track].as_json(at) if track in facts else None
        for track, at in zip(tracks, times, strict=True)
    ]
    return pa.array(said, pa.string())
