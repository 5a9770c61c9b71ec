"""A model over a whole span of a log: its output becomes a named source, behind the 85 % gate.

Nothing a model says is mixed into labels: it is kept as a machine result of its own, written
when the last image is done. Images go through several threads at once, in order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from time import perf_counter
from typing import Any, cast

import numpy as np

from perception_label.arrays import Ints
from perception_label.errors import MissingPosesError, PluginError, SettingError
from perception_label.geometry.image_labels import (
    BOX,
    ImageLabels,
    join_image_labels,
    no_image_labels,
    objects,
    texts,
)
from perception_label.geometry.labels import Labels, join_labels
from perception_label.geometry.masks import encode
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.imported import PREFIX
from perception_label.pipeline.parallel import in_order
from perception_label.pipeline.plugins.contract import (
    CloudDetector,
    ImageDetector,
    Plugin,
    Prompts,
    Segmenter,
    checked_boxes,
    checked_cuboids,
    checked_segments,
    task_of,
)
from perception_label.pipeline.score import with_counts
from perception_label.pipeline.solve_images import IMPORTED, image_labels
from perception_label.pipeline.workspace import Workspace
from perception_label.storage.logs import Log
from perception_label.tables import image_labels_to_table, labels_to_table
from perception_label.tracking.association import track_cuboids
from perception_label.tracking.boxes import link_boxes

Progress = Callable[[int, int], None]
WORKERS = 2  # a model uses the cores itself; a second waits with its image decoded
MASK = KINDS.index("mask")


class StoppedError(PluginError):
    """Somebody stopped the run; nothing was written."""


@dataclass(frozen=True, slots=True)
class PluginReport:
    """What a model made of a span: counts, how fast, and the machine result it is stored as."""

    log_id: str
    name: str
    task: str
    stored_as: str
    n_inputs: int
    n_labels: int
    n_tracks: int
    inputs_per_s: float


def run_plugin(
    workspace: Workspace,
    plugin: Plugin,
    log: Log | str | None = None,
    *,
    camera: str | None = None,
    span_ns: tuple[int, int] | None = None,
    prompts: ImageLabels | None = None,
    workers: int = WORKERS,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> PluginReport:
    """Run a model over a log's images or sweeps and keep what it says as a named source.

    Parameters
    ----------
    workspace : Workspace
        Holds the log.
    plugin : Segmenter, ImageDetector or CloudDetector
        The model; see `contract`.
    log : Log or str, optional
        Which log; None takes the only one.
    camera : str, optional
        Whose images; needed for a log of several. Not for sweeps.
    span_ns : (first, last), optional
        Instants, ends included; all by default.
    prompts : ImageLabels, optional
        What a segmenter is asked for; the log's own 2-D labels (`solve_images`) by default:
        the mask of each of their boxes becomes one of the same track.
    workers : int
        Images at once.
    progress : callable, optional
        Called with how many of how many images or sweeps are done.
    cancel : threading.Event, optional
        Once it is set the run ends with `StoppedError` after the images in hand.

    Returns
    -------
    PluginReport
        2-D labels are read with `Workspace.boxes(source=NAME)`, cuboids as the imported source.

    Raises
    ------
    PluginError
        If the model fails or gives what cannot be; nothing is stored.
    StoppedError
        If it was stopped; nothing is stored.
    SettingError, WorkspaceError, MissingPosesError
        If there is no such camera, no prompt, no pose.
    """
    begun = perf_counter()
    opened = log if isinstance(log, Log) else workspace.log(log)
    task = task_of(plugin)
    span = _Span(opened, span_ns, workers, progress, cancel)
    if task == "detect_3d":
        stored, n, n_labels, n_tracks = _detect_3d(cast("CloudDetector", plugin), span)
    else:
        where = _camera(opened, camera)
        if task == "segment":
            labels, n = _segment(cast("Segmenter", plugin), span, where, prompts)
        else:
            labels, n = _detect_2d(cast("ImageDetector", plugin), span, where)
        stored, n_labels = IMPORTED + plugin.name, len(labels)
        n_tracks = len(set(labels.track_ids.tolist()))
        opened.write_machine(stored, image_labels_to_table(labels, where))
    seconds = max(perf_counter() - begun, 1e-9)
    return PluginReport(opened.id, plugin.name, task, stored, n, n_labels, n_tracks, n / seconds)


class _Span:
    """The instants of a run, and how it goes through them."""

    def __init__(
        self,
        log: Log,
        span_ns: tuple[int, int] | None,
        workers: int,
        progress: Progress | None,
        cancel: Event | None,
    ) -> None:
        self.log = log
        self._span_ns, self._workers = span_ns, max(1, workers)
        self._progress, self._cancel = progress, cancel

    def rows(self, times: Ints) -> Ints:
        if self._span_ns is None:
            return np.arange(len(times))
        first, last = self._span_ns
        found = np.flatnonzero((times >= first) & (times <= last))
        if len(found) == 0:
            raise SettingError(
                f"span: expected instants of log {self.log.id}, got {first} … {last}"
            )
        return found

    def each(self, work: Callable[[int], Any], rows: Ints) -> Iterator[Any]:
        """Yield what `work` makes of each row, in order, until somebody stops it."""

        def unless_stopped(row: int) -> Any:
            self.check()
            return work(row)

        for k, result in enumerate(in_order(unless_stopped, rows.tolist(), self._workers)):
            self.check()
            if self._progress is not None:
                self._progress(k + 1, len(rows))
            yield result

    def check(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise StoppedError(f"log {self.log.id}: expected to run to the end, got stopped")


def _camera(log: Log, camera: str | None) -> str:
    known = list(log.image_timestamps_ns)
    if camera is None and len(known) == 1:
        return known[0]
    if camera not in known:
        raise SettingError(
            f"log {log.id}: expected a camera of {', '.join(known) or '(none)'}, got {camera!r}"
        )
    return camera


def _segment(
    plugin: Segmenter, span: _Span, camera: str, prompts: ImageLabels | None
) -> tuple[ImageLabels, int]:
    asked = image_labels(span.log, camera) if prompts is None else prompts
    asked = asked[(asked.kinds == BOX) & asked.visible & np.isfinite(asked.boxes_px).all(axis=1)]
    images = open_camera(span.log, camera)
    inside = np.isin(asked.images, span.rows(images.timestamps_ns))
    asked = asked[inside]
    if len(asked) == 0:
        raise PluginError(f"plug-in {plugin.name}: expected boxes on {camera}'s images, got none")

    def one(image: int) -> ImageLabels:
        rows = np.flatnonzero(asked.images == image)
        picture, wanted = images.image(image), Prompts(asked.boxes_px[rows])
        found = checked_segments(plugin.name, plugin.segment(picture, wanted), picture, wanted)
        runs = encode(found.masks)
        seen = np.flatnonzero(runs.areas_px() > 0)
        size = [runs.height_px, runs.width_px]
        counts = [one["counts"].decode("ascii") for one in runs.to_coco()]
        part = asked[rows[seen]]
        m = len(part)
        return ImageLabels(
            images=part.images,
            timestamps_ns=part.timestamps_ns,
            track_ids=part.track_ids,
            class_names=part.class_names,
            boxes_px=runs.boxes_px()[seen].astype(np.float64),
            kinds=np.full(m, MASK, dtype=np.int8),
            shapes=objects([Shape.mask(size, counts[k]) for k in seen.tolist()]),
            is_key=np.zeros(m, dtype=np.bool_),
            scores=found.scores[seen],
            sources=texts([f"model:{plugin.name}"] * m),
        )

    numbers = np.unique(asked.images)
    return join_image_labels(list(span.each(one, numbers))), len(numbers)


def _detect_2d(plugin: ImageDetector, span: _Span, camera: str) -> tuple[ImageLabels, int]:
    images = open_camera(span.log, camera)
    rows = span.rows(images.timestamps_ns)

    def one(image: int) -> ImageLabels:
        picture = images.image(image)
        found = checked_boxes(plugin.name, plugin.detect_2d(picture), picture)
        m = len(found.boxes_px)
        return ImageLabels(
            images=np.full(m, image, dtype=np.int64),
            timestamps_ns=np.full(m, images.timestamps_ns[image], dtype=np.int64),
            track_ids=texts([""] * m),
            class_names=texts(found.class_names),
            boxes_px=found.boxes_px,
            is_key=np.zeros(m, dtype=np.bool_),
            scores=found.scores,
            sources=texts([f"model:{plugin.name}"] * m),
        )

    whole = join_image_labels(list(span.each(one, rows)))
    if len(whole) == 0:
        return no_image_labels(), len(rows)
    _, classes = np.unique(whole.class_names.astype(str), return_inverse=True)
    ids = link_boxes(whole.boxes_px, whole.images, classes)
    # With the source's name: ids of different sources never meet in the edit log.
    whole.track_ids[:] = [f"{plugin.name}:{k:05d}" for k in ids.tolist()]
    return join_image_labels([whole]), len(rows)


def _detect_3d(plugin: CloudDetector, span: _Span) -> tuple[str, int, int, int]:
    log = span.log
    poses = log.world_from_sensor
    if poses is None:
        raise MissingPosesError(f"log {log.id}: expected ego poses, got none")
    rows = span.rows(log.timestamps_ns)

    def one(row: int) -> Labels:
        sweep = log.sweep(row)
        intensity = sweep.intensity
        column = np.zeros(len(sweep.points_m)) if intensity is None else intensity
        points = np.column_stack([sweep.points_m, column]).astype(np.float32)
        found = checked_cuboids(plugin.name, plugin.detect_3d(points))
        m = len(found.cuboids)
        return Labels.from_columns(
            np.full(m, log.timestamps_ns[row], dtype=np.int64),
            [""] * m,
            list(found.class_names),
            found.cuboids.moved(np.repeat(poses[row][None], m, axis=0)),
            scores=found.scores,
        )

    whole = join_labels(list(span.each(one, rows)))
    names = np.array(whole.class_names, dtype=str)[whole.classes]
    ids = track_cuboids(whole.cuboids, whole.timestamps_ns, scores=whole.scores, class_names=names)
    alone = np.flatnonzero(ids < 0)
    ids[alone] = ids.max(initial=-1) + 1 + np.arange(len(alone))
    labels = Labels.from_columns(
        whole.timestamps_ns,
        [f"{plugin.name}:i{k:05d}" for k in ids.tolist()],
        names,
        whole.cuboids,
        scores=whole.scores,
    )
    labels = with_counts(log, labels, np.ones(len(labels), dtype=np.bool_))
    stored = PREFIX + plugin.name
    log.write_machine(stored, labels_to_table(labels, f"model:{plugin.name}"))
    return stored, len(rows), len(labels), len(np.unique(ids))
