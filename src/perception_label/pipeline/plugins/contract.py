"""What a model has to offer to be used, and what it gets and gives: arrays only.

Any object with the method of its task will do; `onnx` and `http` are two ways to get one. What a
model gives is checked here before anything believes it.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import PluginError
from perception_label.geometry.cuboids import Cuboids
from perception_label.video.images import Picture

TASKS = ("segment", "detect_2d", "detect_3d")
MOST_DETECTIONS = 10_000  # of one image or sweep; more is a fault
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prompts:
    """What to segment on one image: P objects.

    Attributes
    ----------
    boxes_px : (P, 4) float64
        x0, y0, x1, y1 around each; NaN where an object has no box.
    points_px : (P, K, 2) float64
        Points on, or beside, each object; pixel centres are at whole numbers. K may be 0.
    point_labels : (P, K) int64
        1 on the object, 0 beside it, -1 no point.
    """

    boxes_px: Floats
    points_px: Floats = field(default_factory=lambda: np.empty((0, 0, 2)))
    point_labels: Ints = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.boxes_px)


@dataclass(frozen=True, slots=True)
class Segments:
    """P masks (P, H, W) bool, one for each prompt, and how sure the model is, (P,) in 0 … 1."""

    masks: Mask
    scores: Scores


@dataclass(frozen=True, slots=True)
class ImageDetections:
    """D boxes (D, 4) x0 y0 x1 y1 in pixels, their classes and scores in 0 … 1."""

    boxes_px: Floats
    class_names: tuple[str, ...]
    scores: Scores


@dataclass(frozen=True, slots=True)
class CloudDetections:
    """D cuboids in the sensor's coordinate frame, their classes and scores in 0 … 1."""

    cuboids: Cuboids
    class_names: tuple[str, ...]
    scores: Scores


class Segmenter(Protocol):
    """Turns boxes and points on an image into masks (SAM and its like)."""

    name: str

    def segment(self, image: Picture, prompts: Prompts) -> Segments:
        """Return a mask for each prompt; the image is (H, W, 3) uint8 RGB."""
        ...


class ImageDetector(Protocol):
    """Finds objects on an image."""

    name: str

    def detect_2d(self, image: Picture) -> ImageDetections:
        """Return the boxes of an (H, W, 3) uint8 RGB image."""
        ...


class CloudDetector(Protocol):
    """Finds objects in a sweep."""

    name: str

    def detect_3d(self, points: NDArray[np.float32]) -> CloudDetections:
        """Return the cuboids of (N, 4) float32 points: x, y, z in metres, intensity."""
        ...


Plugin = Segmenter | ImageDetector | CloudDetector


def task_of(plugin: object) -> str:
    """Return what a plug-in can do.

    Raises
    ------
    PluginError
        If it has no name, or none of the methods.
    """
    methods = {"segment": "segment", "detect_2d": "detect_2d", "detect_3d": "detect_3d"}
    found = [task for task, method in methods.items() if callable(getattr(plugin, method, None))]
    name = getattr(plugin, "name", None)
    if not found or not isinstance(name, str) or not name:
        raise PluginError(
            f"plug-in {type(plugin).__name__}: expected a name and a method of "
            f"{', '.join(TASKS)}, got neither or one of them"
        )
    return found[0]


def checked_segments(name: str, given: Segments, image: Picture, prompts: Prompts) -> Segments:
    """Return what a segmenter gave.

    Raises
    ------
    PluginError
        If it is not one mask of the image's size, and one score, for each prompt.
    """
    masks, scores = np.asarray(given.masks), np.asarray(given.scores, dtype=np.float64)
    shape = (len(prompts), *image.shape[:2])
    if masks.shape != shape or masks.dtype != np.bool_:
        raise PluginError(
            f"plug-in {name}: expected masks {shape} bool, got {masks.shape} {masks.dtype}"
        )
    return Segments(masks, _scores(name, scores, len(prompts)))


def checked_boxes(name: str, given: ImageDetections, image: Picture) -> ImageDetections:
    """Return what an image detector gave, cut at the image's edges.

    Boxes of which nothing is on the image are left out.

    Raises
    ------
    PluginError
        If shapes do not fit each other, a number is not finite or there are too many.
    """
    boxes = _numbers(name, given.boxes_px, 4)
    scores = _scores(name, given.scores, len(boxes))
    _classes(name, given.class_names, len(boxes))
    height, width = image.shape[:2]
    boxes = np.clip(boxes, 0, [width, height, width, height])
    rows = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    return ImageDetections(
        boxes[rows], tuple(str(given.class_names[k]) for k in rows.tolist()), scores[rows]
    )


def checked_cuboids(name: str, given: CloudDetections) -> CloudDetections:
    """Return what a detector of sweeps gave.

    Raises
    ------
    PluginError
        If shapes do not fit each other, a number is not finite, a size is not above 0 or there
        are too many.
    """
    packed = _numbers(name, given.cuboids.packed(), 7)
    scores = _scores(name, given.scores, len(packed))
    _classes(name, given.class_names, len(packed))
    if not (packed[:, 3:6] > 0).all():
        raise PluginError(f"plug-in {name}: expected sizes above 0, got {packed[:, 3:6].min()}")
    return CloudDetections(Cuboids.unpack(packed), tuple(map(str, given.class_names)), scores)


def _numbers(name: str, given: Floats, width: int) -> Floats:
    numbers = np.asarray(given, dtype=np.float64)
    if numbers.ndim != 2 or numbers.shape[1] != width:
        raise PluginError(f"plug-in {name}: expected boxes (D, {width}), got {numbers.shape}")
    if len(numbers) > MOST_DETECTIONS:
        raise PluginError(
            f"plug-in {name}: expected at most {MOST_DETECTIONS} boxes, got {len(numbers)}"
        )
    if not np.isfinite(numbers).all():
        raise PluginError(f"plug-in {name}: expected finite boxes, got NaN or infinity")
    return numbers


def _scores(name: str, given: Scores, n: int) -> Scores:
    scores = np.asarray(given, dtype=np.float64)
    if scores.shape != (n,) or not ((scores >= 0) & (scores <= 1)).all():
        raise PluginError(
            f"plug-in {name}: expected {n} scores from 0 to 1, got {scores.shape} "
            f"{np.round(scores.reshape(-1)[:3], 3).tolist()}"
        )
    return scores


def _classes(name: str, given: tuple[str, ...], n: int) -> None:
    if len(given) != n:
        raise PluginError(f"plug-in {name}: expected {n} class names, got {len(given)}")
