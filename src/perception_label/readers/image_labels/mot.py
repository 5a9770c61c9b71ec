"""MOTChallenge text: number, track, left, top, width, height, confidence, class, visibility.

Images and pixels count from 1 there, as the benchmark says. `seqinfo.ini` beside the file or
one folder above tells the video's size and length.
"""

import configparser
from pathlib import Path

import numpy as np

from perception_label.errors import SourceError
from perception_label.geometry.image_labels import ImageLabels, texts
from perception_label.readers.files import floats, read_text, refuse
from perception_label.readers.image_labels.file import ImageLabelFile

LEAST_COLUMNS = 6
SEQUENCE = ("imWidth", "imHeight", "seqLength")
# Of the benchmark's classes those that are one of ours; the others are `other`.
CLASSES = {
    1: "pedestrian",
    2: "pedestrian",
    3: "car",
    4: "bicycle",
    5: "motorcycle",
    7: "pedestrian",
}


def read(path: Path) -> ImageLabelFile:
    """Read such a file; rows of confidence 0, which the benchmark ignores, are left out."""
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    cells = [line.replace(",", " ").split() for line in lines]
    for i, row in enumerate(cells):
        if len(row) < LEAST_COLUMNS:
            raise refuse(path, f"{LEAST_COLUMNS} columns in line {i + 1}", len(row))
    table = floats(path, [row[:6] for row in cells] or np.empty((0, 6)), (-1, 6), "boxes")
    images = table[:, 0].astype(np.int64)
    if (images != table[:, 0]).any() or (images < 1).any():
        raise refuse(path, "image numbers from 1 in the first column", "others")
    confidence = _column(path, cells, 6, 1.0)
    kinds = _column(path, cells, 7, 1.0)
    visibility = _column(path, cells, 8, 1.0)
    kept = confidence != 0
    boxes = table[:, 2:6].copy()
    boxes[:, :2] -= 1
    boxes[:, 2:] += boxes[:, :2]
    labels = ImageLabels(
        images=images - 1,
        timestamps_ns=np.full(len(images), -1, dtype=np.int64),
        track_ids=texts([f"{k:g}" for k in table[:, 1]]),
        class_names=texts([CLASSES.get(int(kind), "other") for kind in kinds]),
        boxes_px=boxes,
        visible=visibility > 0,
        # Others than shares, such as the -1 of results, say nothing.
        scores=np.where((confidence > 0) & (confidence <= 1), confidence, 1.0),
    )
    return ImageLabelFile(path, labels[kept], *_sequence(path))


def _column(path: Path, cells: list[list[str]], k: int, default: float) -> np.ndarray:
    values = [row[k] if len(row) > k else default for row in cells]
    return floats(path, values, (-1,), f"column {k + 1}")


def _sequence(path: Path) -> tuple[int, int, int]:
    """Return width, height and number of images, 0 where nobody says."""
    for folder in (path.parent, path.parent.parent):
        place = folder / "seqinfo.ini"
        if place.is_file():
            parser = configparser.ConfigParser(interpolation=None)
            try:
                parser.read_string(read_text(place))
                said = parser["Sequence"]
                width, height, n = (int(said.get(key, "0")) for key in SEQUENCE)
            except (configparser.Error, KeyError, ValueError, SourceError) as error:
                raise refuse(place, "a section Sequence with whole numbers", error) from None
            return width, height, n
    return 0, 0, 0
