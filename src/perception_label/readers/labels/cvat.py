"""CVAT for video 1.1: one task of one camera, or a folder of a task for each of our cameras."""

from pathlib import Path

from perception_label.readers.files import refuse
from perception_label.readers.image_labels import read_image_labels
from perception_label.readers.image_labels.file import ImageLabelFile
from perception_label.readers.labels.given import Facts, Given

FILE = "annotations.xml"


def read(path: Path, facts: Facts) -> Given:
    """Return the 2-D labels of the log's cameras.

    Parameters
    ----------
    path : Path
        A file, a folder with one `annotations.xml`, or one with `<log>__<camera>/annotations.xml`.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If it is no such file.
    """
    return Given(images=by_camera(path, facts, FILE, "cvat"))


def by_camera(path: Path, facts: Facts, name: str, format: str) -> dict[str, ImageLabelFile]:
    """Return the labels of each camera of a log, from the file of that name in its folder.

    A file by itself, or in the folder that is given, is of the camera that the user names: "".

    Raises
    ------
    SourceError
        If there is none.
    """
    if not path.is_dir():
        return {"": read_image_labels(path, format)}
    found = {
        camera: file
        for camera in facts.image_timestamps_ns
        if (file := path / f"{facts.log_id}__{camera}" / name).is_file()
    }
    if not found and (path / name).is_file():
        found = {"": path / name}
    if not found:
        cameras = ", ".join(facts.image_timestamps_ns) or "(none)"
        expected = f"{name}, or {facts.log_id}__CAMERA/{name} with CAMERA of {cameras}"
        raise refuse(path, expected, "none")
    return {camera: read_image_labels(file, format) for camera, file in found.items()}
