"""Xtreme1's export of LiDAR data: `result/<cloud>.json`, boxes in the LiDAR's frame."""

from pathlib import Path
from typing import Any

from perception_label.readers.files import numbered, read_json, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.turned_boxes import TurnedBoxes, sweep_numbers

PARTS = ("center3D", "size3D", "rotation3D")


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of an export.

    Parameters
    ----------
    path : Path
        The export's folder, its `result`, or the folder of one scene in it.
    facts : Facts
        The log.

    Notes
    -----
    A track is told by `trackId`. Attributes are an object's `classValues`; those of its last
    sweep count. Boxes of images are left out.
    """
    folder = _folder(path, facts.log_id)
    files = {file.stem: file for file in numbered(folder, [".json"])}
    numbers = sweep_numbers(folder, files, facts)
    boxes = TurnedBoxes(folder)
    whole: dict[str, dict[str, Any]] = {}
    n_flat = 0
    for stem, file in files.items():
        said = read_json(file)
        # One list of objects for each source that labelled it: a person, or a model.
        runs = said if isinstance(said, list) else [said]
        try:
            for one in (o for run in runs for o in run.get("objects") or []):
                if not str(one.get("type", "3D_BOX")).startswith("3D"):
                    n_flat += 1
                    continue
                contour = one.get("contour") or one
                place = [contour[part][axis] for part in PARTS for axis in "xyz"]
                track = str(one.get("trackId") or one.get("trackName") or one["id"])
                name = str(one.get("className") or one.get("classType") or "")
                boxes.add(numbers.get(stem, -1), name, track, place)
                for value in one.get("classValues") or []:
                    whole.setdefault(track, {})[str(value["name"])] = value.get("value")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise refuse(file, "objects with contour, className, trackId", repr(error)) from None
    cuboids, frame = boxes.cuboids(facts)
    return Given(
        cuboids=cuboids,
        coordinate_frame=frame,
        at=boxes.at,
        by_number=True,
        class_names=boxes.class_names,
        track_ids=boxes.track_ids,
        attributes=whole,
        left_out=(f"{n_flat} objects of images",) if n_flat else (),
    )


def _folder(path: Path, log_id: str) -> Path:
    places = (
        path / "result",
        path / log_id / "result",
        path / "result" / log_id,
        path / log_id,
        path,
    )
    for folder in places:
        if numbered(folder, [".json"]):
            return folder
    raise refuse(path, "a folder result of JSON files", "none")
