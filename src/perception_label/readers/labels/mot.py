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
            camera: {str(t["number"]): (str(t["track_id"]), str(t["class_name"]))
                     for t in side["cameras"][camera]["tracks"]}
            for camera in found
        }  # fmt: skip
        named = {camera: _named(labels, told[camera]) for camera, labels in found.items()}
    except (KeyError, TypeError) as error:
        raise refuse(beside, "cameras with tracks of the sequences", repr(error)) from None
    return Given(images=named)


def _named(read_in: ImageLabelFile, told: dict[str, tuple[str, str]]) -> ImageLabelFile:
    """Return labels with our own track ids and classes; their confidence tells keyframes."""
    labels = read_in.labels
    names = [told[str(track)] for track in labels.track_ids.tolist()]
    columns = {name: getattr(labels, name) for name in ImageLabels.__slots__}
    # In files of ours a confidence below 1 is the overlap that is expected between keyframes.
    columns["is_key"] = labels.scores == 1
    columns["expected_iou"] = np.where(labels.scores < 1, labels.scores, np.nan)
    columns["scores"] = np.ones(len(labels))
    columns["track_ids"] = texts([track for track, _ in names])
    columns["class_names"] = texts([kind for _, kind in names])
    return replace(read_in, labels=ImageLabels(**columns))
