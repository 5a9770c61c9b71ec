"""Parquet: the columns of `schema.CUBOIDS`, conventions in the file's own metadata."""

import json
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perception_label import schema
from perception_label.errors import SourceError
from perception_label.export.data_dictionary import dictionary_files
from perception_label.export.labelled import Labelled, Plan
from perception_label.tables import completed

FACTS = b"perception_label.export"


def plan(labelled: Labelled) -> Plan:
    """Plan `<log>.parquet`, and before it the data dictionary."""
    dictionary = dictionary_files(schema.CUBOIDS)
    return Plan({**dictionary, f"{labelled.log_id}.parquet": partial(_fill, labelled)})


def read(path: Path) -> pa.Table:
    """Return the boxes of such a file (`schema.CUBOIDS`).

    Raises
    ------
    SourceError
        If it is no Parquet file with these columns.
    """
    try:
        table = completed(pq.read_table(path))
        return table.select(schema.CUBOIDS.names).cast(schema.CUBOIDS)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SourceError(f"{path}: expected a Parquet file of cuboids, got: {error}") from None


def _fill(labelled: Labelled, path: Path) -> None:
    facts = json.dumps(labelled.facts("parquet")).encode()
    target = schema.CUBOIDS.with_metadata({**schema.CUBOIDS.metadata, FACTS: facts})
    with pq.ParquetWriter(path, target, compression="zstd") as writer:
        for batch in labelled.batches():
            writer.write_table(batch.cast(target))
