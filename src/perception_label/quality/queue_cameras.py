"""Items for tracks that go elsewhere than a camera sees their surfaces go."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints
from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem, Sources, by_track, item_at

LEAST_PX = 3.0  # pictures tell less than this from nothing: cuboids are rigid, people are not
LEAST_M = 0.15  # over the time compared; labels of people differ by a tenth of a metre
LEAST_TIMES = 2  # once may be an occluder
SHARE = 0.5  # of the times compared
COMMON_M = 0.15  # when most tracks of a camera are off by this, the camera is (`doctor` names it)
WRONG_SHARE = 0.6  # probability that boxes around such an instant are wrong


@dataclass(frozen=True, slots=True)
class Seen:
    """R comparisons of where a track's surface went in pictures with where its boxes go.

    Attributes
    ----------
    camera : str
        The camera.
    tracks : (R,) int32
        Index into the labels' `track_names`.
    timestamps_ns, until_ns : (R,) int64
        When the two pictures were taken.
    off_px : (R, 2) float64
        Seen less expected, pixels right and down, the median over the surface's points.
    off_m : (R,) float64
        The same across the line of sight, metres.
    n_points : (R,) int64
        Surface points that were followed.
    """

    camera: str
    tracks: NDArray[np.int32]
    timestamps_ns: Ints
    until_ns: Ints
    off_px: Floats
    off_m: Floats
    n_points: Ints

    def __len__(self) -> int:
        return len(self.tracks)


def camera_items(labels: Labels, source: Sources, seen: Seen) -> list[QueueItem]:
    """Return one item per track that a camera sees go elsewhere, at the worst instant.

    A camera that sees most tracks go elsewhere is itself wrong, and says nothing of tracks.
    """
    if not len(seen) or np.median(seen.off_m) > COMMON_M:
        return []
    is_off = (np.linalg.norm(seen.off_px, axis=1) > LEAST_PX) & (seen.off_m > LEAST_M)
    found = []
    for track in by_track(labels):
        mine = np.flatnonzero(seen.tracks == track.track)
        bad = mine[is_off[mine]]
        if len(bad) < LEAST_TIMES or len(bad) < SHARE * len(mine):
            continue
        worst = bad[np.argmax(seen.off_m[bad])]
        times = labels.timestamps_ns[track.rows]
        row = int(track.rows[np.argmin(np.abs(times - seen.timestamps_ns[worst]))])
        first, last = int(seen.timestamps_ns[bad].min()), int(seen.until_ns[bad].max())
        n = int(((times >= first) & (times <= last)).sum())
        seconds = (seen.until_ns[worst] - seen.timestamps_ns[worst]) / 1e9
        found.append(
            item_at(
                labels,
                track,
                row,
                kind="camera",
                source=source,
                expected_error=WRONG_SHARE * max(n, 1),
                reason=(
                    f"{seen.camera} sees it go {seen.off_m[worst]:.1f} m elsewhere in "
                    f"{seconds:.1f} s than its boxes do"
                ),
                span=(max(first, int(times[0])), min(last, int(times[-1]))),
                camera=seen.camera,
                is_only=True,
            )
        )
    return found
