"""A JSON list of labels, or `{"at": IMAGE, "boxes": [[x0, y0, x1, y1], …]}`."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from perception_label.errors import LabelError
from perception_label.geometry.image_labels import ImageLabels, texts
from perception_label.readers.files import floats, read_json, refuse
from perception_label.readers.image_labels.columns import labels_of
from perception_label.readers.image_labels.file import ImageLabelFile, whole_number


def read(path: Path) -> ImageLabelFile:
    """Read a list of objects with the keys of `columns`, or the boxes of one image.

    The list may stand under the key `labels`, `keyframes` or `boxes`.
    """
    said: Any = read_json(path)
    if isinstance(said, dict) and "at" in said:
        return ImageLabelFile(path, _at_one_image(path, said))
    if isinstance(said, dict):
        lists = [said[key] for key in ("labels", "keyframes", "boxes") if key in said]
        said = lists[0] if lists else said
    if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
        raise refuse(path, "a list of labels, or at and boxes", type(said).__name__)
    try:
        return ImageLabelFile(path, labels_of(path, pa.Table.from_pylist(said)))
    except LabelError:
        raise
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise refuse(path, "labels with the same keys", error) from None


def _at_one_image(path: Path, said: dict[str, Any]) -> ImageLabels:
    boxes = floats(path, said.get("boxes", []) or np.empty((0, 4)), (-1, 4), "boxes")
    at = whole_number(path, "at", said["at"])
    m = len(boxes)
    return ImageLabels(
        images=np.full(m, at, dtype=np.int64),
        timestamps_ns=np.full(m, -1, dtype=np.int64),
        track_ids=texts(range(m)),
        class_names=texts(["other"] * m),
        boxes_px=boxes,
    )
