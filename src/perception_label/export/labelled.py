"""What an export is given, and what it promises to write."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from perception_label import schema
from perception_label.arrays import Ints, Mask, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import SchemaError
from perception_label.export.conventions import describe
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.image_labels import ImageLabels, no_image_labels
from perception_label.geometry.poses import EgoPoses
from perception_label.tables import completed

# Rows in memory at once: a row is about 200 bytes of text, so a batch stays near 15 MB.
BATCH_ROWS = 65_536


class Pictures(Protocol):
    """The images of one camera, decoded when asked for."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return image i, (H, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """What people said of a track beside its boxes.

    Attributes
    ----------
    attributes : dict
        Values that hold for the whole track, by name.
    sweep_attributes : dict of dict
        By name, then by the sweep's time: each value holds until the next.
    """

    attributes: Mapping[str, Any] = field(default_factory=dict)
    sweep_attributes: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)

    def at(self, timestamp_ns: int) -> dict[str, Any]:
        """Return all values that hold at an instant."""
        said = dict(self.attributes)
        for name, values in self.sweep_attributes.items():
            before = [t for t in values if t <= timestamp_ns]
            if before:
                said[name] = values[max(before)]
        return said

    def as_json(self, timestamp_ns: int) -> str:
        """Return all values that hold at an instant as a JSON object."""
        return json.dumps(self.at(timestamp_ns), ensure_ascii=False)


def _no_sweep(i: int) -> Sweep:
    raise SchemaError(f"sweep {i}: expected a log with points, got labels alone")


def _no_pictures(camera: str) -> Pictures:
    raise SchemaError(f"{camera}: expected a log with pictures, got labels alone")


def _no_video(camera: str, _timestamps_ns: Ints, _path: Path) -> None:
    raise SchemaError(f"{camera}: expected a log with pictures, got labels alone")


def _no_image_labels(_camera: str) -> ImageLabels:
    return no_image_labels()


def _no_facts() -> Mapping[str, TrackFacts]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One log's labels and what a format needs to know around them.

    Whatever is not needed is not read: points, pictures, 2-D labels and attributes are
    functions.

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
    lidar : str
        The LiDAR's name.
    sweep : callable
        i → sweep i, sensor frame, with its world pose.
    images : dict of Images
        When each camera took its pictures, and where they lie.
    pictures : callable
        Camera → its images, opened.
    write_video : callable
        Camera, when each image is shown (n,) ns, path → writes the camera's images as a video.
    image_labels : callable
        Camera → dense 2-D labels on all its images: as people drew them, or, where nobody drew
        any, the cuboids as the camera sees them.
    drawn_cameras : callable
        () → the cameras on whose images anybody drew.
    track_facts : callable
        () → what people said of each track, by id.
    points : bool or None
        Whether to write point clouds and pictures too; None: as the format's readers need.
    """

    log_id: str
    boxes: pa.Table
    timestamps_ns: Ints
    ego_poses: EgoPoses | None
    ego_from_lidar: Pose
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lidar: str = "lidar"
    sweep: Callable[[int], Sweep] = _no_sweep
    images: Mapping[str, Images] = field(default_factory=dict)
    pictures: Callable[[str], Pictures] = _no_pictures
    write_video: Callable[[str, Ints, Path], None] = _no_video
    image_labels: Callable[[str], ImageLabels] = _no_image_labels
    drawn_cameras: Callable[[], frozenset[str]] = frozenset
    track_facts: Callable[[], Mapping[str, TrackFacts]] = _no_facts
    points: bool | None = None

    def is_key(self) -> Mask:
        """Tell which boxes are keyframes, (M,): a person set them, or the file they came from said.

        All others were worked out between keyframes, or nobody knows.
        """
        parts = [np.empty(0, dtype=np.bool_)]
        for chunk in self.boxes.column("source").chunks:
            words = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
            keyed = [schema.is_key_source(name) for name in words.dictionary.to_pylist()]
            parts.append(np.array(keyed, dtype=np.bool_)[words.indices.to_numpy()])
        return np.concatenate(parts)

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


def json_file(facts: Mapping[str, Any]) -> Callable[[Path], None]:
    """Return a function that writes facts as JSON."""
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    return lambda path: _write(path, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
