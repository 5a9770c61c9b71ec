"""2-D labels of tracks on one camera's images, as columns: keyframes and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import ShapeError
from perception_label.geometry.shapes import KINDS, Shape

BOX = KINDS.index("box")
HUMAN = "human"
# Columns that may be left out, and what their rows get then.
_DEFAULTS: dict[str, tuple[Any, Any]] = {
    "kinds": (BOX, np.int8),
    "shapes": (None, np.object_),
    "is_key": (True, np.bool_),
    "visible": (True, np.bool_),
    "scores": (1.0, np.float64),
    "expected_iou": (np.nan, np.float64),
    "sources": (HUMAN, np.object_),
    "revision": (-1, np.int64),
}


def _words() -> NDArray[np.object_]:
    return np.empty(0, dtype=np.object_)


def _flags() -> Mask:
    return np.empty(0, dtype=np.bool_)


def _unknown() -> Floats:
    return np.empty(0)


def _whole() -> Ints:
    return np.empty(0, dtype=np.int64)


def _kinds() -> NDArray[np.int8]:
    return np.empty(0, dtype=np.int8)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLabels:
    """M labels on the images of one camera or video; columns of M.

    Attributes
    ----------
    images : int64
        Which image, from 0; -1 where only the time is known.
    timestamps_ns : int64
        The image's time; -1 where only the number is known.
    track_ids, class_names : str objects
        Whose label it is.
    boxes_px : (M, 4) float64
        x0, y0, x1, y1: the label, or the box around it; NaN where nobody worked it out.
    kinds : int8
        Index into `shapes.KINDS`.
    shapes : objects
        A `Shape` where the kind is not a box, else None.
    is_key : bool
        Whether a person (or the file) said it; others were worked out between and after.
    visible : bool
        Whether the object can be seen there.
    scores, expected_iou : float64
        Probability that it is right; overlap with the truth that the maker expects, NaN unknown.
    sources : str objects
        Who made it: `human`, `video`, `model:NAME`, `imported:NAME`.
    revision : int64
        Last edit of its track, -1 where there is none.
    """

    images: Ints
    timestamps_ns: Ints
    track_ids: NDArray[np.object_]
    class_names: NDArray[np.object_]
    boxes_px: Floats
    kinds: NDArray[np.int8] = field(default_factory=_kinds)
    shapes: NDArray[np.object_] = field(default_factory=_words)
    is_key: Mask = field(default_factory=_flags)
    visible: Mask = field(default_factory=_flags)
    scores: Floats = field(default_factory=_unknown)
    expected_iou: Floats = field(default_factory=_unknown)
    sources: NDArray[np.object_] = field(default_factory=_words)
    revision: Ints = field(default_factory=_whole)

    def __post_init__(self) -> None:
        m = len(self.images)
        for name, (value, dtype) in _DEFAULTS.items():
            if m and getattr(self, name).shape == (0,):
                object.__setattr__(self, name, np.full(m, value, dtype=dtype))
        for name in self.__slots__:
            shape = (m, 4) if name == "boxes_px" else (m,)
            if getattr(self, name).shape != shape:
                raise ShapeError(
                    f"labels: expected {name} {shape}, got {getattr(self, name).shape}"
                )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: ArrayLike | slice) -> Self:
        """Return the chosen labels."""
        index = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        if not isinstance(index, slice) and index.size == 0 and index.dtype != np.bool_:
            index = index.astype(np.int64)
        return type(self)(**{name: getattr(self, name)[index] for name in self.__slots__})

    def shape(self, row: int) -> Shape:
        """Return one label as a shape."""
        found = self.shapes[row]
        return Shape.box(self.boxes_px[row]) if found is None else found

    def tracks(self) -> dict[tuple[str, str], Ints]:
        """Return the rows of each track and kind of geometry, in order of images."""
        found: dict[tuple[str, str], list[int]] = {}
        order = np.lexsort((self.timestamps_ns, self.images))
        for row in order.tolist():
            place = (self.track_ids[row], KINDS[self.kinds[row]])
            found.setdefault(place, []).append(row)
        return {place: np.array(rows, dtype=np.int64) for place, rows in sorted(found.items())}


def texts(values: Sequence[object] | NDArray[Any]) -> NDArray[np.object_]:
    """Return texts as an object array, also for none of them."""
    made = np.empty(len(values), dtype=np.object_)
    made[:] = [str(value) for value in values]
    return made


def objects(values: Sequence[object]) -> NDArray[np.object_]:
    """Return things as an object array, one each."""
    made = np.empty(len(values), dtype=np.object_)
    for k, value in enumerate(values):
        made[k] = value
    return made


def join_image_labels(parts: Sequence[ImageLabels]) -> ImageLabels:
    """Return the labels of several as one, in order of track, geometry and image."""
    every = [part for part in parts if len(part)]
    if not every:
        return no_image_labels()
    columns = {
        name: np.concatenate([getattr(part, name) for part in every])
        for name in ImageLabels.__slots__
    }
    whole = ImageLabels(**columns)
    order = np.lexsort(
        (whole.images, whole.timestamps_ns, whole.kinds, whole.track_ids.astype(str))
    )
    return whole[order]


def no_image_labels() -> ImageLabels:
    """Return labels without any row."""
    return ImageLabels(
        images=_whole(),
        timestamps_ns=_whole(),
        track_ids=_words(),
        class_names=_words(),
        boxes_px=np.empty((0, 4)),
    )
