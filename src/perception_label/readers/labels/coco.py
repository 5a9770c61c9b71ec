"""COCO: 2-D labels of one camera, or of all cameras of several logs, as we export them.

Images that say their `camera` (and `log_id`) are of it; all others are of the camera that the
user names.
"""

from pathlib import Path
from typing import Any

from perception_label.readers.files import listed, numbered, read_json, refuse
from perception_label.readers.image_labels.coco import from_document
from perception_label.readers.labels.given import Facts, Given


def read(path: Path, facts: Facts) -> Given:
    """Return the 2-D labels of the log's cameras.

    Parameters
    ----------
    path : Path
        A file, or a folder with one `annotations/instances_*.json`.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If it is no such file, or none of its images is of the log.
    """
    file = _file(path)
    said: dict[str, Any] = read_json(file, dict)
    images = said.get("images")
    if not isinstance(images, list) or not all(isinstance(i, dict) for i in images):
        raise refuse(file, "a list of images", type(images).__name__)
    if not all(isinstance(i.get("camera"), str) for i in images) or not images:
        return Given(images={"": from_document(file, said)})
    own = [i for i in images if i.get("log_id", facts.log_id) == facts.log_id]
    if not own:
        others = listed(sorted({str(i["log_id"]) for i in images}))
        raise refuse(file, f"images of log {facts.log_id}", others)
    cameras: dict[str, list[dict[str, Any]]] = {}
    for image in own:
        cameras.setdefault(image["camera"], []).append(image)
    known = {k: theirs for k, theirs in cameras.items() if k in facts.image_timestamps_ns}
    left_out = [
        f"{len(theirs)} images of {camera}, no camera of the log"
        for camera, theirs in cameras.items()
        if camera not in known
    ]
    if len(own) < len(images):
        left_out.append(f"{len(images) - len(own)} images of other logs")
    return Given(
        images={camera: _part(file, said, theirs) for camera, theirs in known.items()},
        left_out=tuple(left_out),
    )


def _part(file: Path, said: dict[str, Any], images: list[dict[str, Any]]) -> Any:
    """Return the labels of some of a document's images."""
    try:
        ids = {image["id"] for image in images}
        theirs = [a for a in said["annotations"] if a["image_id"] in ids]
    except (KeyError, TypeError) as error:
        raise refuse(file, "ids of images in annotations", repr(error)) from None
    return from_document(file, {**said, "info": {}, "images": images, "annotations": theirs})


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = numbered(path / "annotations", [".json"]) or numbered(path, [".json"])
    kept = [p for p in found if p.name.startswith("instances")]
    if len(kept) != 1:
        expected = "one annotations/instances_*.json"
        raise refuse(path, expected, listed(p.name for p in found) or "none")
    return kept[0]
