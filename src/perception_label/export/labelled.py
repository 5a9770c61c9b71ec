"""What an export is given, and what it promises to write."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from perception_label import schema
from perception_label.arrays import Ints, Pose
from perception_label.errors import SchemaError
from perception_label.export.conventions import describe
from perception_label.geometry.cameras import Camera
from perception_label.geometry.poses import EgoPoses
from perception_label.tables import completed

# Rows in memory at once: a row is about 200 bytes of text, so a batch stays near 15 MB.
BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One log's labels and what a format needs to know around them.

    Attributes
    ----------
    log_id : str
        Names the files.
    boxes : pa.Table
        Dense boxes, world frame (`schema.CUBOIDS`); a memory-mapped one is streamed.
    timestamps_ns : (S,) int64
        The log's sweeps.
    ego_poses : EgoPoses or None
        The ego vehicle's path.
    ego_from_lidar : (4, 4) float64
        Where the LiDAR sits.
    cameras : dict of Camera
        By name.
    origin_m : (3,) floats
        Add this to world coordinates to get the source's.
    """

    log_id: str
    boxes: pa.Table
    timestamps_ns: Ints
    ego_poses: EgoPoses | None
    ego_from_lidar: Pose
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def batches(self) -> Iterator[pa.Table]:
        """Yield the boxes some rows at a time, with the columns of `schema.CUBOIDS`.

        Raises
        ------
        SchemaError
            If a column is missing.
        """
        boxes = completed(self.boxes)
        missing = [n for n in schema.CUBOIDS.names if n not in boxes.column_names]
        if missing:
            raise SchemaError(f"boxes: expected columns {missing}, got {boxes.column_names}")
        for start in range(0, len(boxes), BATCH_ROWS):
            part = boxes.slice(start, BATCH_ROWS).select(schema.CUBOIDS.names)
            yield part.cast(schema.CUBOIDS)

    def facts(self, format: str) -> dict[str, Any]:
        """Return what a reader of the files must know: the log, its origin, the conventions."""
        return {
            "log_id": self.log_id,
            "format": format,
            "origin_m": list(self.origin_m),
            "conventions": describe(format),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """An export: files in the order they are to be written, and what cannot be.

    `files` maps a path below the output folder to the function that fills it; the labels
    come last, so that labels that are there are complete with what belongs to them.
    """

    files: Mapping[str, Callable[[Path], None]]
    left_out: tuple[str, ...] = ()
    n_left_out: int = 0


def beside_conventions(
    labelled: Labelled, format: str, fill: Callable[[Labelled, Path], None]
) -> Plan:
    """Plan `<log>.<format>`, which `fill` writes, and before it `<log>.conventions.json`."""
    name = labelled.log_id
    return Plan(
        {
            f"{name}.conventions.json": json_file(labelled.facts(format)),
            f"{name}.{format}": partial(fill, labelled),
        }
    )


def json_file(facts: Mapping[str, Any]) -> Callable[[Path], None]:
    """Return a function that writes facts as JSON."""
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    return lambda path: _write(path, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
