"""SUSTechPOINTS: `label/<sweep>.json`, boxes in the LiDAR's frame; and side/ if ours."""

from pathlib import Path
from typing import Any

from perception_label.readers.files import numbered, read_json, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.turned_boxes import TurnedBoxes, sweep_numbers

CLASSES = {
    **{name: name for name in ("car", "truck", "bus", "pedestrian", "bicycle", "motorcycle")},
    "bicyclerider": "cyclist",
    "motorcyclerider": "cyclist",
    "motorcylerider": "cyclist",
    "scooterrider": "cyclist",
    "rider": "cyclist",
    "scooter": "motorcycle",
    "van": "car",
    "longvehicle": "truck",
    "concretetruck": "truck",
    "child": "pedestrian",
    "roadworker": "pedestrian",
    "excavator": "construction_vehicle",
    "bulldozer": "construction_vehicle",
    "roadroller": "construction_vehicle",
}


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a scene.

    Parameters
    ----------
    path : Path
        The scene's folder, its `label`, or the folder of scenes that holds the log's.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If there is no such folder, or a file is not of that format.
    """
    folder = _folder(path, facts.log_id)
    files = {file.stem: file for file in numbered(folder, [".json"])}
    # With the clouds beside, names are told by them: labels may be of some sweeps only.
    clouds = [p.stem for p in numbered(folder.parent / "lidar", [".pcd", ".bin"])]
    stems = clouds if set(files) <= set(clouds) and clouds else list(files)
    numbers = sweep_numbers(folder, stems, facts)
    boxes = TurnedBoxes(folder)
    is_told = False
    n_strange = 0
    for stem, file in files.items():
        if stem not in numbers:
            n_strange += 1
            continue
        for k, box in enumerate(_list(file)):
            is_told |= bool(box.get("annotator"))
            try:
                psr = box["psr"]
                place = [psr[what][axis] for what in ("position", "scale", "rotation")
                         for axis in "xyz"]  # fmt: skip
                name, track = str(box["obj_type"]), str(box.get("obj_id", ""))
            except (KeyError, TypeError) as error:
                raise refuse(file, f"psr, obj_type, obj_id in box {k}", repr(error)) from None
            boxes.add(numbers[stem], name, track, place, is_key=not box.get("annotator"))
    cuboids, frame = boxes.cuboids(facts)
    whole, over_time = _side(folder, facts)
    has_ids = all(boxes.track_ids.tolist())
    return Given(
        cuboids=cuboids,
        coordinate_frame=frame,
        at=boxes.at,
        by_number=True,
        class_names=boxes.class_names,
        track_ids=boxes.track_ids if has_ids else None,
        # Without any such mark nobody knows which boxes the editor worked out.
        is_key=boxes.is_key if is_told else None,
        attributes=whole,
        sweep_attributes=over_time,
        left_out=(f"{n_strange} label files of no sweep",) if n_strange else (),
    )


def _folder(path: Path, log_id: str) -> Path:
    places = (path / log_id / "label", path / "label", path)
    for folder in places:
        if numbered(folder, [".json"]):
            return folder
    raise refuse(path, "a folder label of JSON files", "none")


def _list(file: Path) -> list[dict[str, Any]]:
    said = read_json(file)
    boxes = said.get("objs") if isinstance(said, dict) else said
    if not isinstance(boxes, list) or not all(isinstance(box, dict) for box in boxes):
        raise refuse(file, "a list of boxes", type(said).__name__)
    return boxes


def _side(folder: Path, facts: Facts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes that we keep beside a scene that we wrote."""
    path = folder.parent.parent / "side" / f"{facts.log_id}.json"
    if folder.parent.name != facts.log_id or not path.is_file():
        return {}, {}
    side: dict[str, Any] = read_json(path, dict)
    try:
        number = {int(at): k for k, at in enumerate(side["timestamps_ns"])}
        over_time = {
            str(track): {
                str(name): {number[int(at)]: value for at, value in values if int(at) in number}
                for name, values in told.items()
            }
            for track, told in side["sweep_attributes"].items()
        }
        whole = {str(track): dict(told) for track, told in side["attributes"].items()}
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise refuse(path, "timestamps_ns, attributes, sweep_attributes", repr(error)) from None
    return whole, over_time
