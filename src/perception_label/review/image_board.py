"""The 2-D labels that the app shows: keyframes as they are now, and what was worked out of them."""

from threading import Lock

import numpy as np

from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.shapes import KINDS
from perception_label.pipeline.solve_images import NAME, image_labels
from perception_label.review.payloads import ImageLabel
from perception_label.storage.edits import LogState
from perception_label.storage.edits.edit import HUMAN
from perception_label.storage.logs import Log

PLACE_DIGITS, SHARE_DIGITS = 2, 4


class ImageBoard:
    """The 2-D labels of one log; threads may share it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._turn = Lock()
        self._dense: dict[str, tuple[tuple[int, int], ImageLabels]] = {}

    def labels(
        self,
        camera: str,
        state: LogState,
        first: int,
        last: int,
        *,
        track_id: str | None = None,
        with_shapes: bool = True,
    ) -> list[ImageLabel]:
        """Return the labels on a camera's images `first` to `last`, ends included.

        A keyframe takes the place of what was worked out there; what was worked out before its
        track's last edit is stale.
        """
        keys = self._keys(camera, state, first, last, track_id, with_shapes)
        taken = {(key.track_id, key.geometry, key.image) for key in keys}
        found = list(keys)
        dense = self._worked_out(camera)
        begin, end = np.searchsorted(dense.images, [first, last + 1]).tolist()
        for row in range(begin, end):
            name = str(dense.track_ids[row])
            track = state.tracks.get(name)
            if track is None or not track.is_live or track_id not in (None, name):
                continue
            geometry, image = KINDS[dense.kinds[row]], int(dense.images[row])
            # A keyframe that is no longer one was taken away since.
            if dense.is_key[row] or (name, geometry, image) in taken:
                continue
            if dense.shapes[row] is None and not np.isfinite(dense.boxes_px[row]).all():
                continue
            expected = float(dense.expected_iou[row])
            found.append(
                ImageLabel(
                    image=image,
                    track_id=name,
                    class_name=track.class_name,
                    geometry=geometry,
                    shape=_rounded(dense.shape(row).plain()) if with_shapes else None,
                    is_key=False,
                    visible=bool(dense.visible[row]),
                    expected_iou=round(expected, SHARE_DIGITS) if np.isfinite(expected) else None,
                    source=str(dense.sources[row]),
                    is_stale=bool(dense.revision[row] != track.revision),
                )
            )
        return found

    def _keys(
        self,
        camera: str,
        state: LogState,
        first: int,
        last: int,
        track_id: str | None,
        with_shapes: bool,
    ) -> list[ImageLabel]:
        times = self._log.image_timestamps_ns[camera]
        found = []
        for track in state.live().values():
            if track_id not in (None, track.track_id):
                continue
            for (where, kind), keys in track.shapes.items():
                if where != camera:
                    continue
                images = np.searchsorted(times, keys.timestamps_ns)
                for k in np.flatnonzero((images >= first) & (images <= last)).tolist():
                    is_human = keys.sources[k] == HUMAN
                    found.append(
                        ImageLabel(
                            image=int(images[k]),
                            track_id=track.track_id,
                            class_name=track.class_name,
                            geometry=kind,
                            shape=dict(keys.said[k]) if with_shapes else None,
                            is_key=True,
                            visible=True,
                            expected_iou=1.0 if is_human else None,
                            source=keys.sources[k],
                            is_stale=False,
                        )
                    )
        return found

    def _worked_out(self, camera: str) -> ImageLabels:
        """Return the machine's labels of a camera by image; read again when written again."""
        path = self._log.machine_file(NAME)
        try:
            facts = path.stat()
        except FileNotFoundError:
            return _NONE
        now = facts.st_ino, facts.st_mtime_ns
        with self._turn:
            known = self._dense.get(camera)
        if known is None or known[0] != now:
            labels = image_labels(self._log, camera)
            known = now, labels[np.argsort(labels.images, kind="stable")]
            with self._turn:
                self._dense[camera] = known
        return known[1]


def _rounded(said: dict[str, object]) -> dict[str, object]:
    """Return a shape with places to a hundredth of a pixel: it is drawn, not measured."""
    return {
        name: _round(value) if name in ("box_px", "points_px", "parts_px") else value
        for name, value in said.items()
    }


def _round(value: object) -> object:
    if isinstance(value, list):
        return [_round(each) for each in value]
    return round(value, PLACE_DIGITS) if isinstance(value, float) else value


_NONE = ImageLabels(
    images=np.empty(0, dtype=np.int64),
    timestamps_ns=np.empty(0, dtype=np.int64),
    track_ids=np.empty(0, dtype=np.object_),
    class_names=np.empty(0, dtype=np.object_),
    boxes_px=np.empty((0, 4)),
)
