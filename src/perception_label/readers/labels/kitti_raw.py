"""KITTI raw's tracklets, in the LiDAR's frame at each sweep; and side/ if we wrote them."""

from pathlib import Path

import numpy as np

from perception_label.geometry.image_labels import texts
from perception_label.readers.files import read_json, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.kitti_tracking import CLASSES
from perception_label.readers.tracklets import read_tracklets

__all__ = ["CLASSES", "read"]

NAME = "tracklet_labels.xml"
INTERPOLATED, LABELLED = 1, 2


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a tracklet file, or of the drive that holds it.

    A tracklet's place in the file is its track, unless side/<log>.json, which our export keeps,
    says which it is. Where the file has poses labelled and poses interpolated, they stay apart;
    where it has only one sort, nobody knows.

    Raises
    ------
    SourceError
        If there is no such file.
    """
    file = _file(path / facts.log_id if (path / facts.log_id).is_dir() else path)
    found = read_tracklets(file)
    tracks, names = found.tracks, found.names
    side = _side(file, facts.log_id)
    if side is not None:
        known = [side[int(k)] if int(k) < len(side) else None for k in tracks]
        if None in known:
            raise refuse(file, f"{len(side)} tracklets, as side/ has", "more")
        tracks = [said[0] for said in known if said]
        names = [said[1] for said in known if said]
    told = {INTERPOLATED, LABELLED} <= set(found.states.tolist())
    return Given(
        cuboids=found.cuboids,
        coordinate_frame="sensor",
        at=found.sweeps,
        by_number=True,
        class_names=texts(names),
        track_ids=texts(tracks),
        scores=np.ones(len(found.cuboids)),
        is_key=found.states == LABELLED if told else None,
    )


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(path.glob(NAME)) or sorted(path.glob(f"*/*/{NAME}"))
    if len(found) != 1:
        raise refuse(path, f"one {NAME}", f"{len(found)} of them")
    return found[0]


def _side(file: Path, log_id: str) -> list[tuple[str, str]] | None:
    """Return track and class of each tracklet, where we keep them: SET/LOG/DATE/DRIVE/file."""
    if len(file.resolve().parents) < 4:
        return None
    path = file.resolve().parents[3] / "side" / f"{log_id}.json"
    if file.resolve().parents[2].name != log_id or not path.is_file():
        return None
    try:
        said = read_json(path, dict)["tracklets"]
        return [(str(t["track_id"]), str(t["class_name"])) for t in said]
    except (KeyError, TypeError) as error:
        raise refuse(path, "tracklets with track_id and class_name", error) from None
