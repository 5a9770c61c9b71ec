"""COCO: boxes x y w h, polygons, run lengths, keypoints; tracks in `attributes.track_id`.

An image's number is its `frame_index` or `frame_id`. Without them images are told by their
file's name in a folder of images; for a video there has to be one for each of its images, in
order of ids. COCO's points are edges of pixels: 0.5 less is the pixel centre.
"""

from pathlib import Path
from typing import Any

import numpy as np

from perception_label.errors import SourceError
from perception_label.geometry.masks import compress
from perception_label.geometry.shapes import Shape
from perception_label.readers.files import read_json, refuse
from perception_label.readers.image_labels.file import (
    ImageLabelFile,
    Rows,
    shape_at,
    whole_number,
)

NUMBER = ("frame_index", "frame_id")
TRACK = ("track_id", "instance_id", "object_id")


def read(path: Path) -> ImageLabelFile:
    """Read such a file; every annotation needs a track."""
    return from_document(path, read_json(path, dict))


def from_document(path: Path, said: dict[str, Any]) -> ImageLabelFile:
    """Return the labels of a document that is one video's.

    Raises
    ------
    SourceError
        If it is none; `path` names it.
    """
    try:
        images = said["images"]
        number_of, names = _numbers(path, images)
        classes = {c["id"]: str(c["name"]) for c in said.get("categories", [])}
        rows = Rows(path)
        for k, annotation in enumerate(said["annotations"]):
            where = f"of annotation {annotation.get('id', k)}"
            _add(path, rows, annotation, where, number_of, classes)
        sizes = {(image.get("width", 0), image.get("height", 0)) for image in images}
        if len(sizes) > 1:
            raise refuse(path, "images of one size", sorted(sizes))
        width, height = sizes.pop() if sizes else (0, 0)
        n_images = len(names) or int(said.get("info", {}).get("n_images", 0))
        return ImageLabelFile(path, rows.labels(), int(width), int(height), n_images, names)
    except SourceError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise refuse(path, "COCO's images, annotations and categories", repr(error)) from None


def _add(
    path: Path,
    rows: Rows,
    annotation: dict[str, Any],
    where: str,
    number_of: dict[Any, int],
    classes: dict[Any, str],
) -> None:
    attributes = annotation.get("attributes") or {}
    names = [holder[k] for holder in (attributes, annotation) for k in TRACK if k in holder]
    if not names:
        raise refuse(path, f"attributes.track_id {where}", "none")
    if annotation["image_id"] not in number_of:
        raise refuse(path, f"an image {where}", annotation["image_id"])
    name = str(attributes.get("track_name", names[0]))
    rows.add(
        number_of[annotation["image_id"]],
        name,
        classes.get(annotation.get("category_id"), "other"),
        _shape(path, where, annotation),
        is_key=bool(attributes.get("is_key", True)),
        score=float(annotation.get("score", 1.0)),
    )


def _shape(path: Path, where: str, annotation: dict[str, Any]) -> Shape:
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        if isinstance(counts, list):
            counts = compress(counts).decode("ascii")
        return shape_at(path, where, "mask", list(segmentation["size"]), counts)
    if segmentation:
        parts = [np.reshape(part, (-1, 2)) - 0.5 for part in segmentation]
        return shape_at(path, where, "polygon", parts)
    if annotation.get("keypoints"):
        points = np.reshape(annotation["keypoints"], (-1, 3))
        seen = points[:, 2].astype(int).tolist()
        return shape_at(path, where, "keypoints", points[:, :2] - 0.5, seen)
    x, y, w, h = annotation["bbox"]
    return shape_at(path, where, "box", [x, y, x + w, y + h])


def _numbers(path: Path, images: list[dict[str, Any]]) -> tuple[dict[Any, int], tuple[str, ...]]:
    """Return each image's number by its id, and all file names where those are but an order."""
    for key in NUMBER:
        if images and all(key in image for image in images):
            return {
                image["id"]: whole_number(path, f"{key} of image {image['id']}", image[key])
                for image in images
            }, ()
    ordered = sorted(images, key=lambda image: image["id"])
    names = tuple(Path(str(image.get("file_name", ""))).name for image in ordered)
    return {image["id"]: k for k, image in enumerate(ordered)}, names
