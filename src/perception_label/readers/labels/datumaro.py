"""Datumaro's own JSON: cuboids of point clouds, and 2-D shapes of pictures.

A picture is of the camera that its item names (`attr.camera`), else of the one that the user
names; its number is `attr.frame`, else its file's name tells it. `track_id` and `keyframe` are
read as CVAT writes them; other attributes are the track's.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.errors import SourceError
from perception_label.geometry.masks import compress
from perception_label.geometry.shapes import Shape
from perception_label.readers.files import numbered, read_json, refuse
from perception_label.readers.image_labels.file import (
    ImageLabelFile,
    Rows,
    number,
    shape_at,
    whole_number,
)
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.turned_boxes import TurnedBoxes, sweep_numbers

FOLDERS = ("lidar", "cameras")
OWN = ("track_id", "keyframe", "outside", "occluded", "source", "score")
PREFIX = "attribute."  # of what people called as one of these
SHAPES = ("bbox", "polygon", "polyline", "points", "mask")


def read(path: Path, facts: Facts) -> Given:
    """Return the cuboids and 2-D labels of a dataset, or of one of its files.

    Parameters
    ----------
    path : Path
        `annotations/<subset>.json`, a dataset's folder, or one with datasets `lidar`, `cameras`.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If there is no such file, or it is of another kind.
    """
    found = _Found(path, facts)
    for file in _files(path):
        said: dict[str, Any] = read_json(file, dict)
        try:
            found.add(file, said)
        except SourceError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise refuse(file, "Datumaro's categories and items", repr(error)) from None
    return found.given()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    folders = [path, *(path / name for name in FOLDERS)]
    found = [file for one in folders for file in numbered(one / "annotations", [".json"])]
    if not found:
        raise refuse(path, "annotations/*.json", "none")
    return found


class _Found:
    """What was read so far."""

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path, self.facts = path, facts
        self.boxes = TurnedBoxes(path)
        self.scores: list[float] = []
        self.rows: dict[str, Rows] = {}
        self.names: dict[str, list[str]] = {}
        self.is_counted: dict[str, bool] = {}
        self.attributes: dict[str, dict[str, dict[int, Any]]] = {}
        self.skipped: dict[str, int] = {}
        self.is_told = False

    def add(self, file: Path, said: Mapping[str, Any]) -> None:
        labels = said["categories"].get("label", {}).get("labels", [])
        classes = [str(one["name"]) for one in labels]
        items = [one for one in said["items"] if self._is_ours(one)]
        clouds = [one for one in items if "image" not in one]
        at = self._sweeps(file, clouds)
        for item in clouds:
            for k, one in enumerate(item.get("annotations", [])):
                if one["type"] != "cuboid_3d":
                    self._skip(f"annotations of {one['type']} in point clouds")
                    continue
                self._cuboid(one, at.get(str(item["id"]), -1), _class(classes, one), k)
        for item in (one for one in items if "image" in one):
            self._picture(file, item, classes)

    def _is_ours(self, item: Mapping[str, Any]) -> bool:
        log = (item.get("attr") or {}).get("log_id", self.facts.log_id)
        if log != self.facts.log_id:
            self._skip("items of other logs")
        return bool(log == self.facts.log_id)

    def _skip(self, why: str) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def _sweeps(self, file: Path, items: list[Mapping[str, Any]]) -> dict[str, int]:
        told = {str(one["id"]): (one.get("attr") or {}).get("frame") for one in items}
        numbers = {name: k for name, k in told.items() if type(k) is int}
        if len(numbers) == len(told):
            return {name: k if 0 <= k < 1 << 40 else -1 for name, k in numbers.items()}
        # Names of files may have folders before them.
        stems = {name: name.rpartition("/")[2] for name in told}
        known = sweep_numbers(file, stems.values(), self.facts)
        return {name: known[stem] for name, stem in stems.items() if stem in known}

    def _cuboid(self, one: Mapping[str, Any], at: int, class_name: str, k: int) -> None:
        attributes = one.get("attributes") or {}
        track = self._track(attributes, f"{at}-{k}")
        self.is_told |= "keyframe" in attributes
        place = [*one["position"], *one["scale"], *one["rotation"]]
        is_key = _is_true(attributes.get("keyframe", True))
        if _is_true(attributes.get("outside", False)):
            self._skip("cuboids outside of what is seen")
            return
        self.boxes.add(at, class_name, track, place, is_key=is_key)
        self.scores.append(number(self.path, f"score of {track}", attributes.get("score", 1.0)))
        for name, value in attributes.items():
            if name not in OWN:
                own = name.removeprefix(PREFIX)
                self.attributes.setdefault(track, {}).setdefault(own, {})[at] = value

    def _track(self, attributes: Mapping[str, Any], alone: str) -> str:
        return str(attributes.get("track_id", f"alone {alone}"))

    def _picture(self, file: Path, item: Mapping[str, Any], classes: list[str]) -> None:
        attr = item.get("attr") or {}
        camera = str(attr.get("camera", ""))
        if camera and camera not in self.facts.image_timestamps_ns:
            self._skip(f"images of {camera}, no camera of the log")
            return
        rows = self.rows.setdefault(camera, Rows(file))
        names = self.names.setdefault(camera, [])
        if self.is_counted.setdefault(camera, "frame" in attr) != ("frame" in attr):
            raise refuse(file, "attr.frame in all items, or in none", "some with it")
        if "frame" in attr:
            at = whole_number(file, f"frame of item {item['id']}", attr["frame"])
        else:
            at = len(names)
            names.append(Path(str(item["image"].get("path") or item["id"])).name)
        for place, parts in _grouped(item.get("annotations", [])).items():
            one = parts[0]
            if one["type"] not in SHAPES:
                self._skip(f"annotations of {one['type']} on pictures")
                continue
            attributes = one.get("attributes") or {}
            where = f"of annotation {one.get('id', place)} of item {item['id']}"
            rows.add(
                at,
                self._track(attributes, f"{at}-{place}"),
                _class(classes, one),
                _shape(file, where, parts),
                is_key=_is_true(attributes.get("keyframe", True)),
                visible=not _is_true(attributes.get("outside", False)),
                score=number(file, f"score {where}", attributes.get("score", 1.0)),
            )

    def given(self) -> Given:
        cuboids, frame = self.boxes.cuboids(self.facts)
        whole, over_time = _told(self.attributes, self.boxes)
        images = {
            camera: ImageLabelFile(rows.path, rows.labels(), image_names=tuple(self.names[camera]))
            for camera, rows in self.rows.items()
        }
        return Given(
            cuboids=cuboids,
            coordinate_frame=frame,
            at=self.boxes.at,
            by_number=True,
            class_names=self.boxes.class_names,
            scores=np.array(self.scores, dtype=np.float64),
            track_ids=self.boxes.track_ids,
            is_key=self.boxes.is_key if self.is_told else None,
            attributes=whole,
            sweep_attributes=over_time,
            images=images,
            left_out=tuple(f"{n} {why}" for why, n in self.skipped.items()),
        )


def _grouped(annotations: Iterable[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    """Return annotations by a number: polygons of one group and track are one label."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    groups: dict[tuple[Any, str], int] = {}
    for k, one in enumerate(annotations):
        track = str((one.get("attributes") or {}).get("track_id"))
        if one["type"] == "polygon" and one.get("group"):
            found.setdefault(groups.setdefault((one["group"], track), k), []).append(one)
        else:
            found[k] = [one]
    return found


def _class(classes: list[str], one: Mapping[str, Any]) -> str:
    label = one.get("label_id")
    if label is None:
        return ""
    if not isinstance(label, int) or not 0 <= label < len(classes):
        raise ValueError(f"label_id {label} of {len(classes)} labels")
    return classes[label]


def _shape(file: Path, where: str, parts: list[Mapping[str, Any]]) -> Shape:
    one = parts[0]
    match one["type"]:
        case "bbox":
            x, y, w, h = (number(file, f"bbox {where}", v) for v in one["bbox"])
            return shape_at(file, where, "box", [x, y, x + w, y + h])
        case "polygon":
            return shape_at(file, where, "polygon", [_points(part) for part in parts])
        case "mask":
            counts = one["rle"]["counts"]
            if isinstance(counts, list):
                counts = compress(counts).decode("ascii")
            return shape_at(file, where, "mask", list(one["rle"]["size"]), counts)
        case "points":
            seen = [int(v) for v in one.get("visibility") or [2] * (len(one["points"]) // 2)]
            return shape_at(file, where, "keypoints", _points(one), seen)
    return shape_at(file, where, "polyline", _points(one))


def _points(one: Mapping[str, Any]) -> np.ndarray:
    """Return (n, 2) pixel centres; Datumaro's points are edges of pixels."""
    return np.asarray(one["points"], dtype=np.float64).reshape(-1, 2) - 0.5


def _is_true(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "1")


def _told(
    said: Mapping[str, Mapping[str, Mapping[int, Any]]], boxes: TurnedBoxes
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, dict[int, Any]]]]:
    """Return attributes that hold for whole tracks, and those that change, where they do."""
    at: dict[str, list[int]] = {}
    for track, number_of in zip(boxes.track_ids.tolist(), boxes.at.tolist(), strict=True):
        at.setdefault(track, []).append(number_of)
    whole: dict[str, dict[str, Any]] = {}
    over_time: dict[str, dict[str, dict[int, Any]]] = {}
    for track, names in said.items():
        for name, values in names.items():
            texts = [repr(values[k]) for k in sorted(values)]
            if len(values) == len(set(at[track])) and len(set(texts)) == 1:
                whole.setdefault(track, {})[name] = next(iter(values.values()))
                continue
            changes, before = {}, None
            for k in sorted(values):
                if k >= 0 and repr(values[k]) != before:
                    changes[k], before = values[k], repr(values[k])
            over_time.setdefault(track, {})[name] = changes
    return whole, over_time
