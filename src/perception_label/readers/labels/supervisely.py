"""Supervisely point clouds: episodes (tracks over sweeps), or single clouds with `ann/`."""

import json
from pathlib import Path
from typing import Any

from perception_label.readers.files import numbered, read_json, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.turned_boxes import TurnedBoxes, sweep_numbers

TRACK = "track_id"
GEOMETRY = "cuboid_3d"
PARTS = ("position", "dimensions", "rotation")


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a dataset.

    Parameters
    ----------
    path : Path
        The project's folder, or a dataset in it; a project with one dataset, or one that is
        called as the log.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If there is no such folder, or a file is not of that format.
    """
    folder = _dataset(path, facts.log_id)
    if (folder / "annotation.json").is_file():
        return _episode(folder, facts)
    return _clouds(folder, facts)


def _dataset(path: Path, log_id: str) -> Path:
    folders = [path, *sorted(p for p in path.iterdir() if p.is_dir())] if path.is_dir() else []
    found = [p for p in folders if (p / "annotation.json").is_file() or (p / "ann").is_dir()]
    named = [p for p in found if p.name == log_id]
    if len(named or found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        raise refuse(path, f"one dataset, or one called {log_id}", names)
    return (named or found)[0]


def _episode(folder: Path, facts: Facts) -> Given:
    file = folder / "annotation.json"
    said: dict[str, Any] = read_json(file, dict)
    boxes, left_out = TurnedBoxes(folder), _Left()
    number = _numbers(folder, facts)
    try:
        names = {str(o["key"]): str(o["classTitle"]) for o in said["objects"]}
        ids, whole, over_time = _tags(said["objects"], number)
        is_told = False
        for one in said["frames"]:
            at = number.get(int(one["index"]), -1)
            for figure in one["figures"]:
                key = str(figure["objectKey"])
                is_told |= "nnCreated" in figure
                place = left_out.place(figure)
                if place is not None:
                    is_key = not figure.get("nnCreated", False)
                    boxes.add(at, names[key], ids[key], place, is_key=is_key)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise refuse(file, "objects and frames of figures", repr(error)) from None
    return _given(boxes, facts, left_out, is_told, whole, over_time)


def _numbers(folder: Path, facts: Facts) -> dict[int, int]:
    """Return the sweep of each index: by the clouds' names where these are times."""
    path = folder / "frame_pointcloud_map.json"
    if not path.is_file():
        return {k: k for k in range(len(facts.timestamps_ns))}
    said: dict[str, Any] = read_json(path, dict)
    if not all(k.isdecimal() for k in said):
        raise refuse(path, "whole numbers as keys", "others")
    stems = {int(k): str(v).rpartition(".")[0] for k, v in said.items()}
    if not all(stem.isdecimal() and len(stem) > 17 for stem in stems.values()):
        return {k: k for k in stems}
    known = sweep_numbers(path, stems.values(), facts)
    return {k: known[stem] for k, stem in stems.items() if stem in known}


def _clouds(folder: Path, facts: Facts) -> Given:
    files = {p.name.removesuffix(".json"): p for p in numbered(folder / "ann", [".json"])}
    stems = {name: name.rpartition(".")[0] for name in files}
    number = sweep_numbers(folder, stems.values(), facts)
    boxes, left_out = TurnedBoxes(folder), _Left()
    for name, file in files.items():
        said: dict[str, Any] = read_json(file, dict)
        try:
            ids = {str(o["key"]): str(o["classTitle"]) for o in said["objects"]}
            for figure in said["figures"]:
                key, place = str(figure["objectKey"]), left_out.place(figure)
                if place is not None:
                    boxes.add(number.get(stems[name], -1), ids[key], key, place)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise refuse(file, "objects and figures", repr(error)) from None
    return _given(boxes, facts, left_out, False, {}, {})


def _given(
    boxes: TurnedBoxes,
    facts: Facts,
    left_out: "_Left",
    is_told: bool,
    whole: dict[str, Any],
    over_time: dict[str, Any],
) -> Given:
    cuboids, frame = boxes.cuboids(facts)
    return Given(
        cuboids=cuboids,
        coordinate_frame=frame,
        at=boxes.at,
        by_number=True,
        class_names=boxes.class_names,
        track_ids=boxes.track_ids,
        is_key=boxes.is_key if is_told else None,
        attributes=whole,
        sweep_attributes=over_time,
        left_out=left_out.lines(),
    )


class _Left:
    """Figures that are no cuboids, counted by kind."""

    def __init__(self) -> None:
        self._kinds: dict[str, int] = {}

    def place(self, figure: dict[str, Any]) -> list[Any] | None:
        kind = str(figure["geometryType"])
        if kind != GEOMETRY:
            self._kinds[kind] = self._kinds.get(kind, 0) + 1
            return None
        geometry = figure["geometry"]
        return [geometry[part][axis] for part in PARTS for axis in "xyz"]

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{n} figures of {kind}" for kind, n in sorted(self._kinds.items()))


def _tags(
    objects: list[dict[str, Any]], number: dict[int, int]
) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    """Return each object's track, and its attributes: of the whole track, and from a sweep on."""
    ids: dict[str, str] = {}
    whole: dict[str, Any] = {}
    over_time: dict[str, Any] = {}
    for one in objects:
        tags = one.get("tags") or []
        own = [t for t in tags if t["name"] == TRACK]
        track = str(own[0]["value"]) if own else str(one["key"])
        ids[str(one["key"])] = track
        for tag in tags:
            name, value = str(tag["name"]), _value(tag.get("value"))
            if name == TRACK:
                continue
            if tag.get("frameRange"):
                at = number.get(int(tag["frameRange"][0]))
                if at is not None:
                    over_time.setdefault(track, {}).setdefault(name, {})[at] = value
            else:
                whole.setdefault(track, {})[name] = value
    return ids, whole, over_time


def _value(said: object) -> object:
    """Return a tag's value; texts in quotes, and true and false, are JSON's as we write them."""
    if said is None:
        return True  # a tag without a value says that it is so
    if said in ("true", "false") or (isinstance(said, str) and said[:1] == '"'):
        try:
            return json.loads(said)
        except ValueError:
            return said
    return said
