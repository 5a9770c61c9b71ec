"""Dense 2-D labels from the edits: every live track carried over the images of each camera."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perception_label import schema
from perception_label.arrays import Ints, Mask
from perception_label.errors import SettingError, SourceError, WorkspaceError
from perception_label.geometry.image_labels import (
    ImageLabels,
    join_image_labels,
    no_image_labels,
    objects,
    texts,
)
from perception_label.geometry.masks import from_coco
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.follow_shapes import Progress
from perception_label.pipeline.propagate_images import propagate
from perception_label.pipeline.workspace import Workspace
from perception_label.storage.edits.edit import HUMAN
from perception_label.storage.edits.state import TrackState
from perception_label.storage.logs import Log
from perception_label.tables import image_labels_from_table, image_labels_to_table
from perception_label.video.images import ImageSource

NAME = "solved_images"
IMPORTED = "images."  # of a named source's machine result: `images.NAME`


@dataclass(frozen=True, slots=True)
class SolveImagesReport:
    """What `solve_images` made of a log's edits.

    `next_keyframes` gives, by (camera, track, geometry), the time of the image where one more
    keyframe would help most; `images_per_s` counts the images of all cameras.
    """

    log_id: str
    cameras: tuple[str, ...]
    n_tracks: int
    n_labels: int
    n_images: int
    images_per_s: float
    next_keyframes: dict[tuple[str, str, str], int]


def solve_images(
    workspace: Workspace,
    log: Log | str | None = None,
    *,
    cameras: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> SolveImagesReport:
    """Write 2-D labels on every image from the edits of a log: the machine result `solved_images`.

    Each live track is carried over its lifespan on each camera that it has keyframes on, by
    people or, where a person set none of that kind there, by whoever did. The same edits give
    the same bytes.

    Parameters
    ----------
    workspace : Workspace
        Holds the log and its edits.
    log : Log or str, optional
        Which log; None takes the only one.
    cameras : tuple of str, optional
        Only these are worked out again; others keep the labels they have.
    progress : callable, optional
        Called with how many of how many images are done.

    Raises
    ------
    SettingError
        If there is no such camera.
    SourceError
        If images cannot be read, or are of another size than a mask.
    """
    begun = perf_counter()
    opened = log if isinstance(log, Log) else workspace.log(log)
    live = list(workspace.edits(opened).state().live().values())
    chosen = _chosen(opened, live, cameras)
    kept = [] if cameras is None else _other_cameras(opened, cameras)
    parts: list[pa.Table] = list(kept)
    asked: dict[tuple[str, str, str], int] = {}
    n_images, names = 0, set()
    for k, camera in enumerate(chosen):
        times = opened.image_timestamps_ns[camera]
        images = open_camera(opened, camera)
        keys = keys_of(live, camera, times, images)

        def moved(done: int, total: int, k: int = k) -> None:
            if progress is not None:
                progress(k * total + done, len(chosen) * total)

        spans, outside = _lives(live, camera, times)
        found, wanted = propagate(images, keys, spans=spans, outside=outside, progress=moved)
        n_images += len(times)
        names |= set(found.track_ids.tolist())
        asked |= {(camera, *place): int(times[image]) for place, image in wanted.items()}
        parts.append(image_labels_to_table(found, camera))
    whole = _joined(parts)
    opened.write_machine(NAME, whole)
    seconds = max(perf_counter() - begun, 1e-9)
    return SolveImagesReport(
        opened.id, tuple(chosen), len(names), len(whole), n_images, n_images / seconds, asked
    )


def image_table(
    log: Log, camera: str | None = None, *, track: str | None = None, source: str | None = None
) -> pa.Table:
    """Return the 2-D labels of a log (`schema.BOXES_2D`); see `Workspace.boxes`."""
    name = NAME if source is None else IMPORTED + source
    table = log.machine(name)
    if table is None:
        raise WorkspaceError(
            f"log {log.id}: expected 2-D labels ({name}), got none: solve_images makes them"
        )
    for column, wanted in (("camera", camera), ("track_id", track)):
        if wanted is not None:
            table = table.filter(pc.equal(table.column(column).cast(pa.string()), wanted))
    return table


def image_labels(log: Log, camera: str, *, source: str | None = None) -> ImageLabels:
    """Return the 2-D labels on one camera's images."""
    return image_labels_from_table(image_table(log, camera, source=source))


def keys_of(
    tracks: list[TrackState],
    camera: str,
    timestamps_ns: Ints,
    images: ImageSource | None = None,
) -> ImageLabels:
    """Return the keyframes of tracks on one camera's images, whose size masks must have."""
    parts = []
    for track in tracks:
        for (where, kind), keys in track.shapes.items():
            if where != camera:
                continue
            human = [source == HUMAN for source in keys.sources]
            rows = [k for k, by_hand in enumerate(human) if by_hand or not any(human)]
            shapes = [keys.shapes()[k] for k in rows]
            times = keys.timestamps_ns[rows]
            m = len(rows)
            parts.append(
                ImageLabels(
                    images=np.searchsorted(timestamps_ns, times).astype(np.int64),
                    timestamps_ns=times,
                    track_ids=texts([track.track_id] * m),
                    class_names=texts([track.class_name] * m),
                    boxes_px=np.array([_box(s, images) for s in shapes]).reshape(-1, 4),
                    kinds=np.full(m, KINDS.index(kind), dtype=np.int8),
                    shapes=objects([None if s.kind == "box" else s for s in shapes]),
                    sources=texts([keys.sources[k] for k in rows]),
                    revision=np.full(m, track.revision),
                )
            )
    return join_image_labels(parts) if parts else no_image_labels()


def _box(shape: Shape, images: ImageSource | None) -> np.ndarray:
    if shape.kind != "mask":
        return shape.box_px
    if images is not None and shape.size_px != (images.height_px, images.width_px):
        raise SourceError(
            f"{images.name}: expected images of a mask's {shape.size_px[1]} x {shape.size_px[0]} "
            f"px, got {images.width_px} x {images.height_px}"
        )
    plain = {"size": shape.size_px, "counts": shape.counts}
    return np.asarray(from_coco([plain]).boxes_px()[0], dtype=np.float64)


def _lives(
    tracks: list[TrackState], camera: str, times: Ints
) -> tuple[dict[str, tuple[int, int]], dict[str, Mask]]:
    """Return each track's first and last image, and where it is not to be labelled."""
    spans, outside = {}, {}
    for track in tracks:
        if track.span_ns is not None:
            first, last = np.searchsorted(times, track.span_ns, side="left")
            is_at = last < len(times) and times[last] == track.span_ns[1]
            spans[track.track_id] = (int(first), int(last) - (0 if is_at else 1))
        gone = np.zeros(len(times), dtype=np.bool_)
        of_camera = track.camera_outside_ns.get(camera, np.empty((0, 2), dtype=np.int64))
        for begin, end in (*track.outside_ns.tolist(), *of_camera.tolist()):
            gone |= (times >= begin) & (times <= end)
        if gone.any():
            outside[track.track_id] = gone
    return spans, outside


def _chosen(log: Log, tracks: list[TrackState], cameras: tuple[str, ...] | None) -> list[str]:
    known = list(log.image_timestamps_ns)
    unknown = [name for name in cameras or () if name not in known]
    if unknown:
        raise SettingError(
            f"log {log.id}: expected cameras of {', '.join(known) or '(none)'}, got {unknown[0]!r}"
        )
    used = {camera for track in tracks for camera, _ in track.shapes}
    return [name for name in known if name in used and (cameras is None or name in cameras)]


def _other_cameras(log: Log, cameras: tuple[str, ...]) -> list[pa.Table]:
    table = log.machine(NAME)
    if table is None:
        return []
    names = table.column("camera").cast(pa.string())
    return [table.filter(pc.invert(pc.is_in(names, pa.array(cameras))))]


def _joined(parts: list[pa.Table]) -> pa.Table:
    if not parts:
        return schema.BOXES_2D.empty_table()
    whole = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    order = pc.sort_indices(whole.column("camera").cast(pa.string()))
    return whole.take(order).cast(schema.BOXES_2D)
