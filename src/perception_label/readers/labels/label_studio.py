"""Label Studio's JSON: video rectangles, one task for each camera.

A task is of the camera that its data names (`camera`), or whose video its video is called as,
else of the one that the user names. A rectangle's sequence is its keyframes; between two of
them, and after the last, the boxes are worked out as Label Studio shows them, and are no keyframes.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.arrays import Floats
from perception_label.errors import SourceError
from perception_label.readers.files import listed, read_json, refuse
from perception_label.readers.image_labels.file import (
    ImageLabelFile,
    Rows,
    number,
    shape_at,
    whole_number,
)
from perception_label.readers.labels.given import Facts, Given

FILE = "tasks.json"
SIDES = ("x", "y", "width", "height")
KIND = "videorectangle"
MOST_BOXES = 2_000_000


def read(path: Path, facts: Facts) -> Given:
    """Return the 2-D labels of the log's cameras.

    Parameters
    ----------
    path : Path
        An export as JSON, or a folder with `tasks.json`.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If it is no such file, no camera can be told, or a rectangle is rotated.
    """
    file = path / FILE if path.is_dir() else path
    said = read_json(file)
    tasks = said if isinstance(said, list) else [said]
    found = _Found(file, facts)
    try:
        for task in tasks:
            found.add(task)
    except SourceError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise refuse(file, "Label Studio's tasks with data and annotations", repr(error)) from None
    images = {camera: ImageLabelFile(file, rows.labels()) for camera, rows in found.rows.items()}
    left_out = tuple(f"{n} {why}" for why, n in found.skipped.items())
    return Given(images=images, left_out=left_out)


class _Found:
    """What was read so far."""

    def __init__(self, file: Path, facts: Facts) -> None:
        self.file, self.facts = file, facts
        self.rows: dict[str, Rows] = {}
        self.skipped: dict[str, int] = {}
        self.n_boxes = 0

    def add(self, task: Mapping[str, Any]) -> None:
        data = task["data"]
        log = data.get("log_id", self.facts.log_id)
        if log != self.facts.log_id:
            self._skip("tasks of other logs")
            return
        told, camera = self._camera(data)
        if camera not in self.facts.image_timestamps_ns:
            self._skip(f"tasks of {camera}, no camera of the log")
            return
        if told in self.rows:
            raise refuse(self.file, f"one task of camera {camera}", "two")
        rows = self.rows[told] = Rows(self.file)
        n_images = len(self.facts.image_timestamps_ns[camera])
        results, is_made = self._results(task)
        for result in results:
            if result.get("type") != KIND:
                self._skip(f"results of {result.get('type')}")
                continue
            size_px = self._size_px(data, result, camera)
            self._track(rows, result, size_px, n_images, is_made)

    def _skip(self, why: str, n: int = 1) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + n

    def _camera(self, data: Mapping[str, Any]) -> tuple[str, str]:
        """Return the camera as told to the importer, "" for the user's, and its name."""
        if "camera" in data:
            return str(data["camera"]), str(data["camera"])
        known = self.facts.image_timestamps_ns
        video = str(data.get("video", "")).rpartition("/")[2].rpartition("?d=")[2]
        named = [k for k, names in self.facts.image_names.items() if video and video in names]
        if len(named) == 1:
            return named[0], named[0]
        camera = self.facts.camera or (next(iter(known)) if len(known) == 1 else "")
        if not camera:
            names = listed(known) or "(none)"
            raise refuse(self.file, f"data.camera in each task, or --camera of {names}", "none")
        return "", camera

    def _results(self, task: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
        """Return what the newest annotation has, else the newest prediction; whether it is one."""
        done = [a for a in task.get("annotations") or [] if not a.get("was_cancelled")]
        every = done or task.get("predictions") or []
        if len(every) > 1:
            kind = "annotations" if done else "predictions"
            self._skip(f"{kind} of a task that has newer ones", len(every) - 1)
        if not every:
            return [], False
        newest = max(every, key=lambda a: (bool(a.get("ground_truth")), str(a.get("updated_at"))))
        return list(newest["result"]), not done

    def _size_px(
        self, data: Mapping[str, Any], result: Mapping[str, Any], camera: str
    ) -> tuple[int, int]:
        known = self.facts.cameras.get(camera)
        for names, holder in (
            (("width", "height"), data),
            (("original_width", "original_height"), result),
        ):
            if all(name in holder for name in names):
                width, height = (whole_number(self.file, n, holder[n]) for n in names)
                return width, height
        if known is None:
            expected = f"data.width and data.height, for {camera} is not calibrated"
            raise refuse(self.file, expected, "none")
        return known.width_px, known.height_px

    def _track(
        self,
        rows: Rows,
        result: Mapping[str, Any],
        size_px: tuple[int, int],
        n_images: int,
        is_made: bool,
    ) -> None:
        value = result["value"]
        track = str((result.get("meta") or {}).get("track_id", result["id"]))
        names = value.get("labels") or value.get("rectanglelabels") or [""]
        width, height = size_px
        scale = np.array([width, height, width, height]) / 100
        keys = {int(item["frame"]) - 1: item for item in value["sequence"]}
        for at, place, is_key, score in self._places(track, keys, n_images):
            # A short sequence stands for as many boxes as there are images.
            self.n_boxes += 1
            if self.n_boxes > MOST_BOXES:
                raise refuse(self.file, f"at most {MOST_BOXES} rectangles on images", "more")
            if not (place[2:] > 0).all():
                self._skip("rectangles without a width or a height")
                continue
            x, y, w, h = place * scale
            shape = shape_at(self.file, f"of {track}", "box", [x, y, x + w, y + h])
            rows.add(at, track, str(names[0]), shape, is_key=is_key and not is_made, score=score)

    def _places(
        self, track: str, keys: Mapping[int, Mapping[str, Any]], n_images: int
    ) -> Iterator[tuple[int, Floats, bool, float]]:
        """Yield image, x y width height in per cent, whether it is a keyframe, and a score."""
        order = sorted(keys)
        beyond = [at for at in order if not 0 <= at < n_images]
        if beyond:
            self._skip("rectangles on images that the camera does not have", len(beyond))
        order = [at for at in order if 0 <= at < n_images]
        for at, after in pairwise([*order, n_images]):
            item = keys[at]
            place = self._place(track, at, item)
            made = item.get("worked_out")
            is_key = not (isinstance(made, list) and np.array_equal(made, place))
            score = 1.0 if is_key else number(self.file, "score", item.get("score", 1.0))
            yield at, place, is_key, score
            if not item.get("enabled", True):
                continue
            end = self._place(track, after, keys[after]) if after < n_images else place
            for between in range(at + 1, after):
                share = (between - at) / (after - at)
                yield between, place + share * (end - place), False, 1.0

    def _place(self, track: str, at: int, item: Mapping[str, Any]) -> Floats:
        where = f"of {track} on image {at}"
        if number(self.file, f"rotation {where}", item.get("rotation") or 0) != 0:
            raise refuse(self.file, f"an upright rectangle {where}", "a rotated one")
        return np.array([number(self.file, f"{side} {where}", item[side]) for side in SIDES])
