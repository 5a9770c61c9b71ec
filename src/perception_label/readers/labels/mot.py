"""MOTChallenge: one sequence of one camera, or a folder of one for each of our cameras; and side/.

Without our side/ a class is what the benchmark's number says.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.geometry.image_labels import ImageLabels, texts
from perception_label.readers.files import read_json, refuse
from perception_label.readers.image_labels.file import ImageLabelFile
from perception_label.readers.labels.cvat import by_camera
from perception_label.readers.labels.given import Facts, Given

FILE = "gt/gt.txt"


def read(path: Path, facts: Facts) -> Given:
    """Return the 2-D labels of the log's cameras.

    Parameters
    ----------
    path : Path
        A file, a sequence's folder, or one with `<log>__<camera>/gt/gt.txt`.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If it is no such file.
    """
    found = by_camera(path, facts, FILE, "mot")
    beside = path / "side" / f"{facts.log_id}.json"
    if "" in found or not beside.is_file():
        return Given(images=found)
    side: dict[str, Any] = read_json(beside, dict)
    try:
        told = {
            camera: {str(t["number"]): t for t in side["cameras"][camera]["tracks"]}
            for camera in found
        }
        named = {camera: _named(labels, told[camera]) for camera, labels in found.items()}
    except (KeyError, TypeError) as error:
        raise refuse(beside, "cameras with tracks of the sequences", repr(error)) from None
    return Given(images=named)


def _named(read_in: ImageLabelFile, told: dict[str, dict[str, Any]]) -> ImageLabelFile:
    """Return labels with our own track ids, classes and keyframes."""
    labels = read_in.labels
    tracks = [told[str(track)] for track in labels.track_ids.tolist()]
    is_key = [
        image + 1 in t["keyframes"] for image, t in zip(labels.images.tolist(), tracks, strict=True)
    ]
    columns = {name: getattr(labels, name) for name in ImageLabels.__slots__}
    columns["is_key"] = np.array(is_key, dtype=np.bool_)
    columns["track_ids"] = texts([t["track_id"] for t in tracks])
    columns["class_names"] = texts([t["class_name"] for t in tracks])
    return replace(read_in, labels=ImageLabels(**columns))
