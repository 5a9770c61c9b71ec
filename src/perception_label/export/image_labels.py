"""2-D labels of one video out: our columns, COCO, MOTChallenge, CVAT for video.

A format is a function that fills a file and returns what it had to leave out, and one line in
`FORMATS`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from perception_label.arrays import Ints, Mask
from perception_label.errors import SettingError
from perception_label.export.image_labels_coco import annotations
from perception_label.export.image_labels_cvat import cvat_document
from perception_label.geometry.image_labels import BOX, ImageLabels
from perception_label.tables import image_labels_to_table

NESTED = ("points_px", "keypoint_visibility", "mask_size_px")
SURE = 1.0  # MOT's confidence of a keyframe; of others at most ALMOST
ALMOST = 0.999
MOT_CLASSES = {"pedestrian": 1, "car": 3, "bicycle": 4, "motorcycle": 5}
MOT_OTHER = 12


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """Labels on the images of one video, and what files say of it.

    Attributes
    ----------
    name : str
        The video's or camera's name.
    labels : ImageLabels
        With image numbers and times.
    width_px, height_px : int
        Of each image.
    timestamps_ns : (n,) int64
        Of each image.
    image_names : tuple of str
        File names of the images; empty for a video.
    """

    name: str
    labels: ImageLabels
    width_px: int
    height_px: int
    timestamps_ns: Ints
    image_names: tuple[str, ...] = ()


def write_image_labels(path: Path, video: LabelledVideo, format: str) -> tuple[str, ...]:
    """Fill a file with labels; returns what the format cannot hold, a line each.

    Raises
    ------
    SettingError
        If the format is unknown.
    """
    if format not in FORMATS:
        raise SettingError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    return FORMATS[format](path, video)


def format_for(path: Path, format: str | None = None) -> str:
    """Return the format to write: as asked for, or by suffix.

    Raises
    ------
    SettingError
        If there is none for it.
    """
    found = SUFFIXES.get(path.suffix.lower()) if format in (None, "auto") else format
    if found not in FORMATS:
        raise SettingError(
            f"{path}: expected a format of {', '.join(FORMATS)} or a suffix of "
            f"{', '.join(SUFFIXES)}, got {found or path.suffix or 'none'}"
        )
    return found


def _csv(path: Path, video: LabelledVideo) -> tuple[str, ...]:
    table = image_labels_to_table(video.labels, video.name)
    for at, name in enumerate(table.column_names):
        column = table.column(name)
        if name in NESTED:
            cells = [None if cell is None else json.dumps(cell) for cell in column.to_pylist()]
            column = pa.array(cells, pa.string())
        elif pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        table = table.set_column(at, name, column)
    pa.csv.write_csv(table, path)
    return ()


def _jsonl(path: Path, video: LabelledVideo) -> tuple[str, ...]:
    table = image_labels_to_table(video.labels, video.name)
    with path.open("w", encoding="utf-8") as out:
        for batch in table.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                # What does not apply to a shape is left out; a reader fills it in.
                said = {name: value for name, value in row.items() if value is not None}
                out.write(json.dumps(said, ensure_ascii=False, allow_nan=False) + "\n")
    return ()


def _parquet(path: Path, video: LabelledVideo) -> tuple[str, ...]:
    pq.write_table(image_labels_to_table(video.labels, video.name), path)
    return ()


def _coco(path: Path, video: LabelledVideo) -> tuple[str, ...]:
    labels = video.labels
    kept = labels.visible & np.isfinite(labels.boxes_px).all(axis=1)
    tracks = {name: k + 1 for k, name in enumerate(np.unique(labels.track_ids.astype(str)))}
    classes = {name: k + 1 for k, name in enumerate(np.unique(labels.class_names.astype(str)))}
    images = [
        {
            "id": k + 1,
            "file_name": video.image_names[k] if video.image_names else f"{k:06d}.jpg",
            "width": video.width_px,
            "height": video.height_px,
            "frame_index": k,
            "timestamp_ns": int(at),
        }
        for k, at in enumerate(video.timestamps_ns.tolist())
    ]
    document = {
        "info": {"description": video.name, "n_images": len(images)},
        "images": images,
        "categories": [{"id": k, "name": str(name)} for name, k in classes.items()],
        "annotations": list(annotations(labels[np.flatnonzero(kept)], classes, tracks, 1, 1)),
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    path.write_text(text, encoding="utf-8")
    return _left_out(kept, "where the object is not to be seen")


def mot_numbers(track_ids: NDArray[Any]) -> dict[str, int]:
    """Return the number that stands for each track in MOT's files, by its id, sorted by id."""
    names = [str(name) for name in np.unique(track_ids.astype(str))]
    # Numbers stay what they are, so that tracks can be found again in the source.
    own = [int(name) for name in names if name.isdecimal() and 0 < int(name) < 1 << 31]
    kept = own if len(own) == len(names) == len(set(own)) else range(1, len(names) + 1)
    return dict(zip(names, kept, strict=True))


def _mot(path: Path, video: LabelledVideo) -> tuple[str, ...]:
    labels = video.labels
    is_box = labels.kinds == BOX
    kept = is_box & labels.visible & np.isfinite(labels.boxes_px).all(axis=1)
    names, track = np.unique(labels.track_ids.astype(str), return_inverse=True)
    ids = np.array(list(mot_numbers(names).values()), dtype=np.int64)
    expected = np.nan_to_num(labels.expected_iou, nan=ALMOST)
    confidence = np.where(labels.is_key, SURE, np.clip(expected, 0.001, ALMOST))
    rows = np.flatnonzero(kept)
    rows = rows[np.lexsort((ids[track[rows]], labels.images[rows]))]
    with path.open("w", encoding="utf-8") as out:
        for row in rows.tolist():
            x0, y0, x1, y1 = labels.boxes_px[row].tolist()
            kind = MOT_CLASSES.get(labels.class_names[row], MOT_OTHER)
            out.write(
                f"{labels.images[row] + 1},{ids[track[row]]},{x0 + 1:.3f},{y0 + 1:.3f},"
                f"{x1 - x0:.3f},{y1 - y0:.3f},{confidence[row]:.3f},{kind},1\n"
            )
    hidden = _left_out(labels.visible | ~is_box, "where the object is not to be seen")
    return (*_left_out(is_box, "other than boxes"), *hidden)


def _cvat(path: Path, video: LabelledVideo) -> tuple[str, ...]:
    text, left_out = cvat_document(
        video.labels, video.name, (video.height_px, video.width_px), len(video.timestamps_ns)
    )
    path.write_text(text, encoding="utf-8")
    return left_out


def _left_out(kept: Mask, why: str) -> tuple[str, ...]:
    n = int((~kept).sum())
    return (f"{n} labels {why}",) if n else ()


FORMATS: dict[str, Callable[[Path, LabelledVideo], tuple[str, ...]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "coco": _coco,
    "mot": _mot,
    "cvat": _cvat,
}
SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".json": "coco",
    ".txt": "mot",
    ".xml": "cvat",
}
