"""2-D labels that people drew, at the instants of the sweeps, in OpenLABEL's words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_label.export.labelled import Labelled
from perception_label.export.pictures import half_period_ns, nearest_images
from perception_label.geometry.image_labels import ImageLabels

CLOSED = {"polygon": True, "polyline": False}
ABSOLUTE = "MODE_POLY2D_ABSOLUTE"


@dataclass(frozen=True, slots=True)
class DrawnLabels:
    """2-D labels by track and sweep.

    `labels` maps track → sweep → kind of object data → list; `classes` is by track, `image_ns`
    maps camera → sweep → the image's own time.
    """

    labels: Mapping[str, Mapping[int, Mapping[str, list[dict[str, Any]]]]]
    classes: Mapping[str, str]
    image_ns: Mapping[str, Mapping[int, int]]

    def places(self) -> Iterator[tuple[str, str, int]]:
        """Yield track, class and sweep of each."""
        for track, by_sweep in self.labels.items():
            for sweep in by_sweep:
                yield track, self.classes[track], sweep

    def at(self, track: str, sweep: int) -> Mapping[str, list[dict[str, Any]]]:
        """Return a track's labels at a sweep, by kind of object data."""
        return self.labels.get(track, {}).get(sweep, {})

    def alone(self, sweep: int, others: set[str]) -> dict[str, Mapping[str, Any]]:
        """Return the labels at a sweep of tracks that are not among the others."""
        return {
            track: by_sweep[sweep]
            for track, by_sweep in self.labels.items()
            if sweep in by_sweep and track not in others
        }

    def times(self, sweep: int) -> dict[str, int]:
        """Return when each camera took the image of a sweep."""
        return {camera: at[sweep] for camera, at in self.image_ns.items() if sweep in at}

    def pointers(self) -> dict[str, dict[str, Any]]:
        """Return what a track's `object_data_pointers` say of them."""
        found: dict[str, dict[str, Any]] = {}
        for track, by_sweep in self.labels.items():
            for sweep, kinds in sorted(by_sweep.items()):
                for kind, values in kinds.items():
                    for value in values:
                        pointer = found.setdefault(track, {}).setdefault(
                            value["name"], {"type": kind, "frame_intervals": []}
                        )
                        _extend(pointer["frame_intervals"], sweep)
        return found


def drawn_labels(labelled: Labelled) -> tuple[DrawnLabels, tuple[str, ...]]:
    """Return the labels that people drew on images near sweeps, and what is left out."""
    labels: dict[str, dict[int, dict[str, list[dict[str, Any]]]]] = {}
    classes: dict[str, str] = {}
    image_ns: dict[str, dict[int, int]] = {}
    n_off = n_other = 0
    for camera in sorted(labelled.drawn_cameras()):
        drawn = labelled.image_labels(camera)
        near = nearest_images(labelled, camera, half_period_ns(labelled.timestamps_ns))
        sweep_of = {int(image): sweep for sweep, image in enumerate(near) if image >= 0}
        times = labelled.images[camera].timestamps_ns
        image_ns[camera] = {sweep: int(times[image]) for image, sweep in sweep_of.items()}
        for row in np.flatnonzero(drawn.visible & np.isfinite(drawn.boxes_px).all(axis=1)).tolist():
            sweep = sweep_of.get(int(drawn.images[row]))
            said = _said(drawn, row, camera)
            n_off += sweep is None
            n_other += sweep is not None and said is None
            if sweep is None or said is None:
                continue
            track = str(drawn.track_ids[row])
            classes.setdefault(track, str(drawn.class_names[row]))
            kinds = labels.setdefault(track, {}).setdefault(sweep, {})
            kinds.setdefault(said[0], []).append(said[1])
    left_out = [f"{n_off} 2-D labels on images that are nearest to no sweep"] if n_off else []
    left_out += [f"{n_other} 2-D labels that are masks or keypoints"] if n_other else []
    return DrawnLabels(labels, classes, image_ns), tuple(left_out)


def _said(drawn: ImageLabels, row: int, camera: str) -> tuple[str, dict[str, Any]] | None:
    shape = drawn.shapes[row]
    kind = "box" if shape is None else shape.kind
    attributes = {
        "boolean": [{"name": "is_key", "val": bool(drawn.is_key[row])}],
        "text": [{"name": "source", "val": str(drawn.sources[row])}],
    }
    value: dict[str, Any] = {"name": f"{camera}_{kind}", "coordinate_system": camera}
    if kind == "box":
        x0, y0, x1, y1 = drawn.boxes_px[row].tolist()
        value["val"] = [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
        return "bbox", {**value, "attributes": attributes}
    if kind in CLOSED and len(shape.parts_px) == 1:
        # Corners are counted from the picture's corner, as the boxes are.
        value["val"] = (shape.parts_px[0] + 0.5).reshape(-1).tolist()
        return "poly2d", {
            **value, "mode": ABSOLUTE, "closed": CLOSED[kind], "attributes": attributes
        }  # fmt: skip
    return None


def _extend(intervals: list[dict[str, int]], sweep: int) -> None:
    if intervals and intervals[-1]["frame_end"] >= sweep - 1:
        intervals[-1]["frame_end"] = sweep
    else:
        intervals.append({"frame_start": sweep, "frame_end": sweep})
