"""What a file of 2-D labels says, before it meets its video."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_label.errors import ShapeError
from perception_label.geometry.image_labels import ImageLabels, objects, texts
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.readers.files import refuse


@dataclass(frozen=True, slots=True)
class ImageLabelFile:
    """Labels of a file, and what it says of the video they are for.

    Attributes
    ----------
    path : Path
        The file.
    labels : ImageLabels
        As in the file; `images` are -1 where it gives times, `timestamps_ns` -1 where it
        gives numbers.
    width_px, height_px, n_images : int
        Of the video, 0 where the file does not say.
    image_names : tuple of str
        The images' file names in the order of `labels.images`, where the file has no numbers.
    """

    path: Path
    labels: ImageLabels
    width_px: int = 0
    height_px: int = 0
    n_images: int = 0
    image_names: tuple[str, ...] = ()


class Rows:
    """Labels gathered row by row from a file that is a tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[tuple[int, str, str, Shape, bool, bool, float]] = []

    def add(
        self,
        image: int,
        track_id: str,
        class_name: str,
        shape: Shape,
        *,
        is_key: bool = True,
        visible: bool = True,
        score: float = 1.0,
    ) -> None:
        """Keep one label."""
        self._rows.append((image, track_id, class_name, shape, is_key, visible, score))

    def labels(self) -> ImageLabels:
        """Return what was kept, as columns."""
        columns = list(zip(*self._rows, strict=True)) or [()] * 7
        shapes: tuple[Shape, ...] = columns[3]
        is_key = np.array(columns[4], dtype=np.bool_)
        images = np.array(columns[0], dtype=np.int64)
        return ImageLabels(
            images=images,
            timestamps_ns=np.full(len(images), -1, dtype=np.int64),
            track_ids=texts(columns[1]),
            class_names=texts(columns[2]),
            boxes_px=np.array([s.box_px for s in shapes], dtype=np.float64).reshape(-1, 4),
            kinds=np.array([KINDS.index(s.kind) for s in shapes], dtype=np.int8),
            shapes=objects([None if s.kind == "box" else s for s in shapes]),
            is_key=is_key,
            visible=np.array(columns[5], dtype=np.bool_),
            scores=np.array(columns[6], dtype=np.float64),
            sources=texts(np.where(is_key, "human", "imported")),
        )


def shape_at(path: Path, where: str, kind: str, *given: object) -> Shape:
    """Return a shape; refuse in one line that names the place."""
    try:
        made: Shape = getattr(Shape, kind)(*given)
    except (ShapeError, TypeError) as error:
        raise refuse(path, f"a {kind} {where}", error) from None
    return made


def whole_number(path: Path, where: str, given: object) -> int:
    """Return a whole number of 0 or more."""
    try:
        number = int(str(given))
    except (TypeError, ValueError):
        raise refuse(path, f"a whole number for {where}", given) from None
    if not 0 <= number < 1 << 40:
        raise refuse(path, f"{where} from 0", number)
    return number


def number(path: Path, where: str, given: object) -> float:
    """Return a finite number."""
    try:
        value = float(str(given))
    except (TypeError, ValueError):
        value = np.nan
    if not abs(value) < 1e7:
        raise refuse(path, f"a number for {where}", given)
    return value
