"""CSV: a header and one line per box; `<log>.conventions.json` says what the numbers mean."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from perception_label import schema
from perception_label.errors import SourceError
from perception_label.export.data_dictionary import described
from perception_label.export.labelled import Labelled, Plan
from perception_label.tables import completed

PLAIN = pa.schema(
    [
        pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
        for f in schema.CUBOIDS
    ]
)


def plan(labelled: Labelled) -> Plan:
    """Plan `<log>.csv`, and before it `<log>.conventions.json` and the data dictionary."""
    return described(labelled, "csv", _fill)


def read(path: Path) -> pa.Table:
    """Return the boxes of such a file (`schema.CUBOIDS`).

    Raises
    ------
    SourceError
        If it is no CSV file with these columns.
    """
    convert = pa.csv.ConvertOptions(column_types=PLAIN, strings_can_be_null=False)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    try:
        table = completed(pa.csv.read_csv(path, parse_options=parse, convert_options=convert))
        return table.select(PLAIN.names).cast(PLAIN).cast(schema.CUBOIDS)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SourceError(f"{path}: expected a CSV file of cuboids, got: {error}") from None


def _fill(labelled: Labelled, path: Path) -> None:
    with pa.csv.CSVWriter(str(path), PLAIN) as writer:
        for batch in labelled.batches():
            writer.write_table(batch.cast(PLAIN))
