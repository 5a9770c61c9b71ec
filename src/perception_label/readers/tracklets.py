"""KITTI raw's labels: `tracklet_labels.xml`, boxes in the Velodyne's frame."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.readers.files import floats, read_text, refuse

LONGEST = 12  # characters of a sweep's number


@dataclass(frozen=True, slots=True)
class Tracklets:
    """M boxes in the Velodyne's frame: which sweep, which tracklet, its type, its state.

    States are KITTI's: 0 unset, 1 interpolated, 2 labelled.
    """

    sweeps: Ints
    tracks: list[str]
    names: list[str]
    cuboids: Cuboids
    states: Ints


def read_tracklets(path: Path) -> Tracklets:
    """Return the boxes of a tracklet file; a tracklet's id is its place in the file.

    Raises
    ------
    SourceError
        If it is no such XML, or a number is missing or is none.
    """
    # The published files say standalone="true", which is not XML.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", read_text(path))
    if "<!ENTITY" in text:
        raise refuse(path, "tracklets", "XML that defines entities")
    try:
        items = ElementTree.fromstring(text).findall("./tracklets/item")
    except ElementTree.ParseError as error:
        raise refuse(path, "tracklet XML", error) from None
    sweeps: list[object] = []
    rows, tracks, names, states = [], [], [], []
    for i, item in enumerate(items):
        size = [item.findtext(tag) for tag in ("l", "w", "h")]
        first, name = item.findtext("first_frame") or "", item.findtext("objectType") or ""
        if not first.strip().isdecimal() or len(first) > LONGEST:
            raise refuse(path, f"first_frame of tracklet {i}", repr(first))
        for k, place in enumerate(item.findall("./poses/item")):
            sweeps.append(int(first) + k)
            rows.append([place.findtext(tag) for tag in ("tx", "ty", "tz")] + size
                        + [place.findtext("rz")])  # fmt: skip
            states.append(place.findtext("state", "0").strip())
            tracks.append(str(i))
            names.append(name)
    numbers = floats(path, rows or np.empty((0, 7)), (-1, 7), "poses")
    numbers[:, 2] += numbers[:, 5] / 2  # tz is the bottom face
    at = np.array(sweeps, dtype=np.int64)
    if len(at) and at.max() > 10_000_000:
        raise refuse(path, "a sweep number", at.max())
    known = {"0": 0, "1": 1, "2": 2}
    stated = np.array([known.get(state, 0) for state in states], dtype=np.int64)
    return Tracklets(at, tracks, names, Cuboids.unpack(numbers), stated)
