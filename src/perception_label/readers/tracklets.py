"""KITTI raw's labels: `tracklet_labels.xml`, boxes in the Velodyne's frame."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.readers.files import floats, read_text, refuse


@dataclass(frozen=True, slots=True)
class Tracklets:
    """M boxes in the Velodyne's frame: which sweep, which tracklet, its type."""

    sweeps: Ints
    tracks: list[str]
    names: list[str]
    cuboids: Cuboids


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
    rows, tracks, names = [], [], []
    for i, item in enumerate(items):
        size = [item.findtext(tag) for tag in ("l", "w", "h")]
        first, name = item.findtext("first_frame") or "", item.findtext("objectType") or ""
        if not first.strip().isdecimal():
            raise refuse(path, f"first_frame of tracklet {i}", repr(first))
        for k, place in enumerate(item.findall("./poses/item")):
            sweeps.append(int(first) + k)
            rows.append([place.findtext(tag) for tag in ("tx", "ty", "tz")] + size
                        + [place.findtext("rz")])  # fmt: skip
            tracks.append(str(i))
            names.append(name)
    numbers = floats(path, rows or np.empty((0, 7)), (-1, 7), "poses")
    numbers[:, 2] += numbers[:, 5] / 2  # tz is the bottom face
    at = np.array(sweeps, dtype=np.int64)
    if len(at) and at.max() > 10_000_000:
        raise refuse(path, "a sweep number", at.max())
    return Tracklets(at, tracks, names, Cuboids.unpack(numbers))
