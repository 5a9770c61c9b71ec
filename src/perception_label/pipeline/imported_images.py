"""2-D labels of another tool: onto the images of a log's cameras, as a source or as edits."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from perception_label.errors import SettingError
from perception_label.geometry.image_labels import ImageLabels, texts
from perception_label.pipeline.adopt import named
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.image_keyframes import fitted
from perception_label.pipeline.solve_images import IMPORTED
from perception_label.readers.labels import Given
from perception_label.schema import HUMAN
from perception_label.storage.edits import make
from perception_label.storage.edits.edit import Edit
from perception_label.storage.logs import Log
from perception_label.tables import image_labels_to_table


def placed_images(log: Log, given: Given, name: str, camera: str | None) -> dict[str, ImageLabels]:
    """Return a file's 2-D labels by camera, each at an image, track ids as `NAME:ID`.

    Those that the file has for the camera "" go to the one that the user named, or the only one.

    Raises
    ------
    SettingError
        If a camera is unknown, or must be named.
    SourceError
        If labels do not fit the camera's images.
    """
    found: dict[str, ImageLabels] = {}
    for told, read in given.images.items():
        where = told or _only_camera(log, camera)
        labels = fitted(read, open_camera(log, where))
        ids = texts([f"{name}:{track}" for track in labels.track_ids.tolist()])
        sources = texts([f"imported:{name}"] * len(labels))
        found[where] = replace(labels, track_ids=ids, sources=sources)
    return found


def store_images(log: Log, found: Mapping[str, ImageLabels], name: str) -> None:
    """Store 2-D labels as the machine result `images.NAME`."""
    tables = [image_labels_to_table(labels, where) for where, labels in found.items()]
    whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    log.write_machine(IMPORTED + name, whole)


def image_edits(
    found: Mapping[str, ImageLabels], name: str, made: set[str]
) -> tuple[list[Edit], tuple[str, ...]]:
    """Return the keyframes of 2-D labels as edits, and what is left out.

    `made` are the tracks that the same import makes of its boxes; others are made here.
    """
    author = f"imported:{name}"
    edits: list[Edit] = []
    n_between = 0
    there = set(made)
    for camera, labels in found.items():
        n_between += int((~labels.is_key & labels.visible).sum())
        for row in np.flatnonzero(labels.is_key & labels.visible).tolist():
            track = str(labels.track_ids[row])
            if track not in there:
                there.add(track)
                class_name = str(labels.class_names[row])
                edits.append(make.create_track(track, class_name, source=author, author=author))
            at = int(labels.timestamps_ns[row])
            edits.append(
                make.set_shape(track, camera, at, labels.shape(row), source=HUMAN, author=author)
            )
    said = f"{n_between} 2-D labels between keyframes: `solve_images` works them out anew"
    return [named(edit) for edit in edits], (said,) if n_between else ()


def _only_camera(log: Log, camera: str | None) -> str:
    known = list(log.image_timestamps_ns)
    if camera is not None:
        return camera
    if len(known) != 1:
        raise SettingError(
            f"log {log.id}: expected --camera, one of {', '.join(known) or '(none)'}, got none"
        )
    return known[0]
