"""Items for labels on images: where they are doubtful, and where they and the cuboids part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.asking import where_to_ask
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem, Sources, by_track, item_at, stratum

SOURCE = "video"  # who makes labels between keyframes on images
NEEDED_IOU = 0.7  # labels on images under this have to be set by hand
SPREAD_IOU = 0.08  # of what a label's overlap turns out to be, around its expectation
DOUBTFUL = 1.0  # labels expected to be wrong from which a track on images is worth a look
# A hull of eight corners is larger than what is seen of a car, so they never quite agree.
SAME_IOU = 0.5
LEAST_PX = 6.0  # that the boxes' edges must lie apart: on small boxes a few pixels are much
LEAST_TIMES = 2
SHARE = 0.5  # of the images compared
WRONG_SHARE = 0.6  # probability that the cuboids around such an image are wrong
FEW_TRACKS = 3  # of fewer, nothing is said of the camera


@dataclass(frozen=True, slots=True)
class Overlaps:
    """R comparisons of labels on a camera's images with the same tracks' projected cuboids.

    Attributes
    ----------
    camera : str
        The camera.
    tracks : (R,) int32
        Index into the cuboids' `track_names`.
    images, timestamps_ns : (R,) int64
        The images and their times.
    iou : (R,) float64
        Overlap of the label's box and the silhouette's, both cut at the image.
    off_px : (R, 4) float64
        The label's x0, y0, x1, y1 less the silhouette's, pixels.
    """

    camera: str
    tracks: NDArray[np.int32]
    images: Ints
    timestamps_ns: Ints
    iou: Floats
    off_px: Floats

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def is_apart(self) -> Mask:
        """Which of them disagree, (R,)."""
        far = np.abs(self.off_px).max(axis=1, initial=0.0) >= LEAST_PX
        return np.asarray((self.iou < SAME_IOU) & far)


def overlap_items(labels: Labels, source: Sources, seen: Overlaps) -> tuple[list[QueueItem], str]:
    """Return an item for each track whose cuboids are elsewhere than its labels on images.

    Parameters
    ----------
    labels : Labels
        Dense boxes, world frame, of the comparisons' tracks.
    source : str, or dict of track id to str
        Who made them.
    seen : Overlaps
        The comparisons with one camera.

    Returns
    -------
    items : list of QueueItem
        Of kind `image`, at the sweep nearest to the worst image.
    note : str
        Where most tracks of a camera are apart, how far: its calibration is to blame then, and no
        track has an item; else empty.
    """
    found, n_compared, apart = [], 0, seen.is_apart
    for track in by_track(labels):
        mine = np.flatnonzero(seen.tracks == track.track)
        n_compared += len(mine) > 0
        bad = mine[apart[mine]]
        if len(bad) < min(LEAST_TIMES, len(mine)) or len(bad) <= SHARE * len(mine):
            continue
        worst = bad[np.argmin(seen.iou[bad])]
        times = labels.timestamps_ns[track.rows]
        row = int(track.rows[np.argmin(np.abs(times - seen.timestamps_ns[worst]))])
        first, last = seen.timestamps_ns[bad].min(), seen.timestamps_ns[bad].max()
        inside = times[(times >= first) & (times <= last)]
        at = int(labels.timestamps_ns[row])
        item = item_at(
            labels, track, row, kind="image", source=source,
            expected_error=WRONG_SHARE * max(len(inside), 1),
            reason=(
                f"{seen.camera}, image {seen.images[worst]}: its label there and its cuboid "
                f"overlap by {seen.iou[worst]:.2f}"
            ),
            span=(min(int(first), at), max(int(last), at)), camera=seen.camera,
        )  # fmt: skip
        found.append(replace(item, item_id=f"image:{track.track_id}:{seen.camera}:cuboid"))
    if n_compared >= FEW_TRACKS and len(found) > SHARE * n_compared:
        x, y = (np.median(seen.off_px[:, k::2].mean(axis=1)) for k in (0, 1))
        return [], (
            f"camera {seen.camera}: labels on its images and cuboids disagree for {len(found)} of "
            f"{n_compared} tracks, the median by {x:+.0f} px right and {y:+.0f} px down: "
            "`doctor` checks its calibration"
        )
    return found, ""


def doubt_items(
    camera: str,
    labels: ImageLabels,
    n_images: int,
    sweeps_ns: Ints,
    *,
    boxes: Labels | None = None,
    places: Mapping[str, int] | None = None,
) -> list[QueueItem]:
    """Return an item for each track whose labels on a camera's images are expected to be wrong.

    Parameters
    ----------
    camera : str
        The camera.
    labels : ImageLabels
        Keyframes, and what was worked out between and after them.
    n_images : int
        How many images the camera has.
    sweeps_ns : (S,) int64
        Times of the log's sweeps, ascending: an item is at the one nearest to its image.
    boxes : Labels, optional
        Dense boxes, world frame, to tell where a track's object is.
    places : dict of int, optional
        A row of `boxes` for each track that has some.

    Returns
    -------
    list of QueueItem
        Of kind `image`: `expected_error` is the number of labels under an overlap of
        `NEEDED_IOU` that their own expectation implies. Their cuboid is that of `places`, or
        of no size.
    """
    found = []
    for (name, kind), rows in labels.tracks().items():
        made = rows[~labels.is_key[rows] & labels.visible[rows]]
        keys = rows[labels.is_key[rows]]
        expected = labels.expected_iou[made]
        if not len(keys) or not np.isfinite(expected).any():
            continue
        wrong = 1 / (1 + np.exp(np.clip((expected - NEEDED_IOU) / (SPREAD_IOU * 0.55), -40, 40)))
        error = float(np.nansum(wrong))
        if error < DOUBTFUL:
            continue
        known = np.zeros(n_images)
        known[labels.images[made]] = np.nan_to_num(expected, nan=1.0)
        known[labels.images[keys]] = 1.0
        image = where_to_ask(known, labels.images[keys])
        span = _nearest(sweeps_ns, labels.timestamps_ns[made[[0, -1]]])
        at = rows[np.argmin(np.abs(labels.images[rows] - image))]
        center, size, yaw = _box(boxes, (places or {}).get(name))
        score = float(np.nanmean(expected))
        found.append(
            QueueItem(
                item_id=f"image:{name}:{camera}:{kind}",
                kind="image",
                track_id=name,
                class_name=str(labels.class_names[at]),
                first_ns=span[0],
                last_ns=span[1],
                at_ns=_nearest(sweeps_ns, labels.timestamps_ns[[at]])[0],
                center_m=center,
                size_m=size,
                yaw_rad=yaw,
                score=score,
                expected_error=error,
                stratum=stratum(SOURCE, str(labels.class_names[at]), score),
                reason=(
                    f"{camera}: {len(made)} {kind} labels, expected overlap down to "
                    f"{np.nanmin(expected):.2f}; one more keyframe at image {image} helps most"
                ),
                source=SOURCE,
                camera=camera,
            )
        )
    return found


def _nearest(times_ns: Ints, wanted_ns: Ints) -> list[int]:
    """Return the nearest of ascending times, the wanted ones themselves if there are none."""
    if not len(times_ns):
        return [int(t) for t in wanted_ns]
    after = np.searchsorted(times_ns, wanted_ns).clip(1, max(len(times_ns) - 1, 1))
    after = after.clip(max=len(times_ns) - 1)
    before = np.maximum(after - 1, 0)
    is_before = wanted_ns - times_ns[before] <= times_ns[after] - wanted_ns
    return [int(t) for t in np.where(is_before, times_ns[before], times_ns[after])]


def _box(
    boxes: Labels | None, row: int | None
) -> tuple[tuple[float, float, float], tuple[float, float, float], float]:
    if boxes is None or row is None:
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0
    x, y, z, length, width, height, yaw = boxes.cuboids.packed()[row].tolist()
    return (x, y, z), (length, width, height), yaw
