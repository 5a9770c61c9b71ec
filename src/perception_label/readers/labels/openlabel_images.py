"""OpenLABEL's 2-D labels: boxes by their middle, polygons and lines, in cameras."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.arrays import Floats
from perception_label.geometry.image_labels import ImageLabels, objects, texts
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.readers.files import floats, refuse
from perception_label.readers.image_labels.file import ImageLabelFile
from perception_label.readers.labels.given import Facts
from perception_label.readers.labels.openlabel_data import seconds_to_ns

ABSOLUTE = "MODE_POLY2D_ABSOLUTE"


class ImageRows:
    """2-D labels while they are gathered, by camera."""

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path = path
        self.facts = facts
        self._rows: dict[str, list[tuple[int, int, str, str, Shape, bool]]] = {}
        self._without: Counter[str] = Counter()

    def keep(
        self,
        track: str,
        class_name: str,
        data: Mapping[str, Any],
        frame: Mapping[str, Any],
        number: int,
    ) -> None:
        """Keep a track's 2-D labels at an instant."""
        for said in data.get("bbox", ()):
            x, y, w, h = floats(self.path, said["val"], (4,), "a bbox").tolist()
            if w <= 0 or h <= 0:
                self._without["without size"] += 1
                continue
            shape = Shape.box(np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]))
            self._add(track, class_name, said, shape, frame, number)
        for said in data.get("poly2d", ()):
            if said.get("mode", ABSOLUTE) != ABSOLUTE:
                self._without[f"of mode {said['mode']}"] += 1
                continue
            points = self._points(said)
            # Corners are counted from the picture's corner; ours from the first pixel's middle.
            part = points.reshape(-1, 2) - 0.5
            shape = Shape.polygon([part]) if said.get("closed", True) else Shape.polyline(part)
            self._add(track, class_name, said, shape, frame, number)

    def _points(self, said: Mapping[str, Any]) -> Floats:
        points = floats(self.path, said["val"], (-1,), "a poly2d")
        if len(points) % 2 or len(points) < 4:
            raise refuse(self.path, "pairs of numbers in a poly2d", len(points))
        return points

    def _add(
        self,
        track: str,
        class_name: str,
        said: Mapping[str, Any],
        shape: Shape,
        frame: Mapping[str, Any],
        number: int,
    ) -> None:
        camera = str(said.get("coordinate_system", self.facts.camera or ""))
        if camera not in self.facts.image_timestamps_ns:
            self._without[f"of camera {camera or '(none)'}, which the log does not have"] += 1
            return
        at = self._time(frame, camera)
        told = said.get("attributes", {}).get("boolean", ())
        is_key = all(value["val"] for value in told if value["name"] == "is_key")
        row = (number if at < 0 else -1, at, track, class_name, shape, is_key)
        self._rows.setdefault(camera, []).append(row)

    def _time(self, frame: Mapping[str, Any], camera: str) -> int:
        properties = frame.get("frame_properties", {})
        stream = properties.get("streams", {}).get(camera, {}).get("stream_properties", {})
        stamp = stream.get("sync", {}).get("timestamp", properties.get("timestamp"))
        return -1 if stamp is None else seconds_to_ns(self.path, stamp)

    def files(self) -> dict[str, ImageLabelFile]:
        """Return the labels by camera."""
        found = {}
        for camera, rows in self._rows.items():
            images, times, tracks, names, shapes, keys = zip(*rows, strict=True)
            labels = ImageLabels(
                images=np.array(images, dtype=np.int64),
                timestamps_ns=np.array(times, dtype=np.int64),
                track_ids=texts(tracks),
                class_names=texts(names),
                boxes_px=np.array([s.box_px for s in shapes]).reshape(-1, 4),
                kinds=np.array([KINDS.index(s.kind) for s in shapes], dtype=np.int8),
                shapes=objects([None if s.kind == "box" else s for s in shapes]),
                is_key=np.array(keys, dtype=np.bool_),
            )
            found[camera] = ImageLabelFile(self.path, labels)
        return found

    def left_out(self) -> tuple[str, ...]:
        """Say what was not taken."""
        return tuple(f"{n} 2-D labels {why}" for why, n in sorted(self._without.items()))
