"""One object from its last keyframe on, image after image, until it is lost."""

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats
from perception_label.geometry.boxes import center_and_size, from_center, inside_share
from perception_label.video.appearance import Mesh, contrast, describe, likeness, template
from perception_label.video.beliefs import (
    advance,
    certain,
    mean_overlap,
    mean_places,
    moves,
    shifted,
)
from perception_label.video.box_between import Stretch
from perception_label.video.expected import expected_beyond
from perception_label.video.follow import follow_points
from perception_label.video.pyramid import Pyramid

SHARPNESS = 15.0  # as in box_between; there is no second keyframe to lean on
HIDDEN = 0.2
REACH = 8  # cells searched around where it is expected
FOLLOWED = moves(0.3, 1.0, 0.1)  # cells it strays from where its points went
COASTED = moves(0.6, 1.5, 0.2)  # and from where its speed takes it
RENEWAL = 0.02  # share of the present look that the second template takes on per image
SPEED_GAIN = 0.4
POINTS_ACROSS, POINTS_DOWN = 5, 7
LEAST_FOLLOWED = 0.35  # share of the points that must agree
# Faith per image that it is still what is followed.
KEPT, KEPT_HIDDEN = 0.992, 0.905
# While it looks like its keyframe it is the same thing, however long that was ago: least faith at
# a likeness of 1, none below the first.
ALIKE, FAITH_ALIKE = 0.6, 0.8
LEAST_FAITH = 0.15  # below, it is lost
STRETCH = 1.06  # sizes tried are this factor apart
STRETCH_GAIN = 0.5
NUDGE = 0.5  # cells that places tried are apart
NUDGE_GAIN = 0.7
MOST_GROWTH = 1.07  # per image


class Beyond:
    """Follows an object from a keyframe, forwards or backwards, one image at a time.

    Its points say where it moved, what looks like its keyframe says where it is, a grid of
    places carries both. Where neither speaks it coasts, and is not seen.

    Parameters
    ----------
    first : int
        Number of the image of the keyframe.
    box_px : (4,) float64
        Its box.
    image : Pyramid
        That image.
    step : {1, -1}
        Forwards or backwards.
    """

    def __init__(self, first: int, box_px: Floats, image: Pyramid, step: int = 1) -> None:
        self.first, self.step = first, step
        self.is_lost = False
        center, self._first_size_px = center_and_size(box_px)
        self._mesh = Mesh.of(self._first_size_px)
        self._first_cell_px = float(self._mesh.cell_px(self._first_size_px))
        self._cell_px = self._first_cell_px
        self._center_px = self._grid_px = self._first_px = center
        self._speed_px = np.zeros(2)
        look = template(describe(image, center, self._cell_px, self._mesh))
        self._look, self._present = look, look
        self._belief = certain(REACH)
        self._before = image
        self._boxes, self._seen, self._expected = [box_px], [1.0], [1.0]
        self._faith, self._hidden, self._likeness = 1.0, 0.0, 1.0

    @property
    def size_px(self) -> Floats:
        """Width and height now, (2,)."""
        return self._first_size_px * (self._cell_px / self._first_cell_px)

    def see(self, image: Pyramid) -> None:
        """Follow the object to the next image."""
        # Points of a box that was hidden are those of whatever hid it.
        moved = self._follow(image) if self._hidden < 0.5 else None
        if moved is None:
            self._grid_px = self._grid_px + self._speed_px
        else:
            self._grid_px = self._grid_px + moved[0]
        hidden = self._weigh(image, COASTED if moved is None else FOLLOWED)
        place = mean_places(self._belief)
        center_px = self._grid_px + place * self._cell_px
        if hidden < 0.5:
            way = center_px - self._center_px
            self._speed_px = self._speed_px + SPEED_GAIN * (way - self._speed_px)
        self._center_px = center_px
        self._hidden = hidden
        right, down = np.rint(place).astype(int).tolist()
        self._belief = shifted(self._belief, -right, -down)
        self._grid_px = self._grid_px + np.array([right, down]) * self._cell_px
        if hidden < 0.5:
            growth = 1.0 if moved is None else moved[1]
            self._cell_px *= float(np.clip(growth, 1 / MOST_GROWTH, MOST_GROWTH))
            self._refine(image)
        self._before = image
        self._note(image, place - (right, down), hidden)

    def _follow(self, image: Pyramid) -> tuple[Floats, float] | None:
        """Return how the points in the box moved, pixels, and grew; None if they do not agree."""
        across, down = np.meshgrid(
            np.linspace(-0.4, 0.4, POINTS_ACROSS), np.linspace(-0.42, 0.42, POINTS_DOWN)
        )
        grid = np.stack([across.ravel(), down.ravel()], axis=1)
        points = grid * self.size_px + self._center_px - 0.5
        to, ok, _ = follow_points(self._before, image, points, predicted_px=points + self._speed_px)
        ways = (to - points)[ok]
        if len(ways) < LEAST_FOLLOWED * len(points):
            return None
        apart = np.abs(ways - np.median(ways, axis=0)).max(axis=1)
        near = apart < max(1.5, 0.1 * float(self.size_px.min()))
        if near.sum() < LEAST_FOLLOWED * len(points):
            return None
        before, after = points[ok][near], to[ok][near].astype(np.float64)
        before, after = before - before.mean(axis=0), after - after.mean(axis=0)
        growth = float((before * after).sum() / max((before * before).sum(), 1e-9))
        return np.median(ways[near], axis=0).astype(np.float64), growth

    def _weigh(self, image: Pyramid, taps: NDArray[np.float32]) -> float:
        """Take in what the image shows; return the chance that it does not show the object."""
        cells = describe(image, self._grid_px, self._cell_px, self._mesh, REACH)
        contrasts = contrast(cells, self._mesh)
        likelihood = sum(
            np.exp(SHARPNESS * likeness(cells, look, contrasts))
            for look in (self._look, self._present)
        )
        nothing = np.float32(np.exp(SHARPNESS * HIDDEN))
        likelihood = np.asarray(likelihood + nothing, dtype=np.float32)
        hidden = nothing / likelihood
        self._belief = advance(self._belief, taps, likelihood / likelihood.max())
        return float((self._belief * hidden).sum())

    def _refine(self, image: Pyramid) -> None:
        """Move and resize the box by less than a cell, to where it looks most like the keyframe."""
        here = self._likeness = self._alike(image, 0.0, 0.0, 1.0)
        trust = float(np.clip((here - 0.3) / 0.4, 0, 1))
        offset = np.zeros(2)
        for axis in (0, 1):
            right, down = (NUDGE * np.eye(2)[axis]).tolist()
            before, after = (self._alike(image, s * right, s * down) for s in (-1, 1))
            offset[axis] = NUDGE * _peak(before, here, after)
        growth = _peak(
            self._alike(image, 0.0, 0.0, 1 / STRETCH), here, self._alike(image, 0.0, 0.0, STRETCH)
        )
        self._center_px = self._center_px + NUDGE_GAIN * trust * offset * self._cell_px
        self._cell_px *= STRETCH ** (STRETCH_GAIN * trust * growth)
        cells = describe(image, self._center_px, self._cell_px, self._mesh)
        self._present = template((1 - RENEWAL) * self._present + RENEWAL * template(cells))

    def _alike(self, image: Pyramid, right: float, down: float, factor: float = 1.0) -> float:
        """Return how much the box, moved by so many cells and grown, looks like the keyframe."""
        center_px = self._center_px + np.array([right, down]) * self._cell_px
        cells = describe(image, center_px, self._cell_px * factor, self._mesh)
        return float((self._look * template(cells)).sum())

    def _note(self, image: Pyramid, place: Floats, hidden: float) -> None:
        box = from_center(self._center_px, self.size_px)
        cells = self.size_px / self._cell_px
        overlap = mean_overlap(self._belief[None], place[None], cells[None])
        self._faith *= KEPT if hidden < 0.5 else KEPT_HIDDEN
        if hidden < 0.5:
            alike = FAITH_ALIKE * (self._likeness - ALIKE) / (1 - ALIKE)
            self._faith = max(self._faith, alike)
        way = (self._center_px - self._first_px) / self.size_px
        growth = float(np.log(self._cell_px / self._first_cell_px))
        expected = expected_beyond(
            overlap, float(len(self._boxes)), self._likeness, growth, float(np.hypot(*way))
        )
        inside = float(inside_share(box, image.width_px, image.height_px))
        self._boxes.append(box)
        self._seen.append((1 - hidden) if inside >= 0.5 else 0.0)
        self._expected.append(float(expected[0]))
        self.is_lost = self._faith < LEAST_FAITH or inside <= 0.0

    def solve(self) -> Stretch:
        """Return where the object was in each image, in order of time, the keyframe included."""
        n, way = len(self._boxes), slice(None, None, self.step)
        first = self.first if self.step > 0 else self.first - n + 1
        return Stretch(
            first,
            np.array(self._boxes)[way],
            np.array(self._seen)[way],
            np.array(self._expected)[way],
        )


def _peak(before: float, here: float, after: float) -> float:
    """Return where the parabola through three values is highest, -1 to 1 of their distance."""
    bend = before - 2 * here + after
    if bend > -1e-4:
        return 0.0
    return float(np.clip(0.5 * (before - after) / bend, -1, 1))
