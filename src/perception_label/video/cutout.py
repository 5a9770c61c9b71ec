"""One mask from one image to the next: moved with its thing, then cut out along its outline.

Three kinds of evidence decide each pixel near the outline: where the outline was carried to;
whether the pixel goes with the thing or with what lies around it, to the images before and
after; and whether it looks like the thing's or its surroundings' pixels in the keyframe and in
the image before. The outline then runs where that and the image's edges cost least.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.ndimage import label, uniform_filter

from perception_label._core import cutout as core
from perception_label.arrays import Mask
from perception_label.video.images import Picture
from perception_label.video.layers import Motion, fit, match
from perception_label.video.occluder import occluded, passing
from perception_label.video.windows import Field, Window, bounds, depth

LEAST_PX = 12  # a mask of fewer pixels is lost
MARGIN_SHARE, MARGIN_PX = 0.3, 10  # around the mask, of its size (the root of its pixels)
BAND_SHARE, BAND_PX = 0.12, 2.0  # pixels farther from the carried outline stay as they are
OUTLINE_SHARE, OUTLINE_PX = 0.02, 0.5  # how far a carried outline is usually off
MOST_SURE = 6.0
LAYER_BLUR_PX = 7
LAYER_NOISE = 20.0  # of 255: difference between layers that counts 1
MOST_LAYER = 1.5
LOOK_SHARE = 0.045  # how far from its place a pixel looks for its like
LOOK_ROUNDS = 5
LOOK_NOISE = 17.0  # of 255: difference at which pixels are less alike
# By squared difference, in steps of 64.
LIKENESS = (1 / (1 + (64 * np.arange(3048) + 32) / LOOK_NOISE**2) ** 3).astype(np.float32)
LOOK_FLOOR = 0.01
MOST_LOOK = 3.0
UNSEEN = 1e4
UNSURE_PX = 1.0  # this near the outline found before, a pixel says nothing
SMOOTH = 2.0
SETTLED = 100.0
N_CUT_ROUNDS = 60
PIECE_SHARE = 0.1  # smaller pieces of a mask, beside its largest, are dropped
# Expected 1 - J of a carried mask, fitted to made-up sequences and to a real one.
ERROR, ERROR_TURNED, ERROR_UNLIKE = 0.006, 0.055, 0.035
# Of 255: a mask whose pixels differ this much from where they came from fits, or is lost.
MISFIT_FINE, MISFIT_LOST = 12.0, 30.0
INNER_PX = 2.5  # the flow this near the outline is not the thing's own
RING_PX, RING_SHARE, RING_WIDTH_SHARE = 4.0, 0.04, 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """The flows between two images, (H, W, 2) float32 each."""

    ahead: Field
    back: Field

    @property
    def reversed(self) -> "Pair":
        """The same, from the other image."""
        return Pair(self.back, self.ahead)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a step may see: `describe`d images and the flows between them.

    Attributes
    ----------
    before, now : (H, W, 3) uint8
        The image the mask comes from, and the one it goes to.
    pair : Pair
        From before to now.
    after : (H, W, 3) uint8, optional
        The image that comes next, and `pair_after` from now to it.
    """

    before: Picture
    now: Picture
    pair: Pair
    after: Picture | None = None
    pair_after: Pair | None = None


@dataclass(frozen=True, slots=True)
class Cutout:
    """A mask in a window of an image.

    Attributes
    ----------
    window : Window
    mask : (h, w) bool
    depth : (h, w) float32
        Distance to the outline, above 0 inside, pixels.
    from_key : (h, w, 2) float32
        The place of each pixel in the keyframe, x, y.
    size_px : float
        The root of the mask's pixels.
    turned : float
        How much of the mask was cut differently than it was carried, summed over all steps.
    jump : float
        1 and more if in some step most of it was suddenly something else, 0 if not.
    error : float
        Expected 1 - J, 0 in a keyframe.
    hidden : (h, w) bool, optional
        What of the mask something hides that passes before it; it is carried on with the rest.
    """

    window: Window
    mask: Mask
    depth: Field
    from_key: Field
    size_px: float
    turned: float = 0.0
    jump: float = 0.0
    error: float = 0.0
    hidden: Mask | None = None

    @property
    def shown(self) -> Mask:
        """What of the mask shows the thing, (h, w) bool."""
        return self.mask if self.hidden is None else self.mask & ~self.hidden


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The mask a person drew, its image, and how much it looks like itself."""

    cutout: Cutout
    look: Picture
    likeness: float

    @classmethod
    def of(cls, mask: Mask, look: Picture) -> Self:
        """Return a keyframe of a mask, (H, W) bool with at least a pixel, and its image."""
        cutout = start(mask)
        likeness = _likeness(cutout, look, cls(cutout, look, 0.0))
        return cls(cutout, look, likeness)


def describe(image: Picture) -> Picture:
    """Return an RGB image as brightness and two colour differences, slightly blurred."""
    out = np.empty_like(image)
    core.describe(image, np.empty((image.shape[1] + 2, 3), np.int32), out)
    return out


def start(mask: Mask) -> Cutout:
    """Return a keyframe's mask, (H, W) bool with at least a pixel, in its window."""
    box, size_px = bounds(mask), float(np.sqrt(np.count_nonzero(mask)))
    window = Window.around(box, _margin_px(size_px), mask.shape)
    inside = np.ascontiguousarray(mask[window.slices])
    return Cutout(window, inside, depth(inside), window.places(), size_px)


def step(was: Cutout, key: Keyframe, scene: Scene) -> Cutout | None:
    """Carry a mask to the next image, in time or against it.

    Parameters
    ----------
    was : Cutout
        The mask in `scene.before`.
    key : Keyframe
        Where the mask comes from.
    scene : Scene
        The images.

    Returns
    -------
    Cutout or None
        None if the thing cannot be followed or nothing of it is left.
    """
    carried = carry(was, scene)
    if carried is None:
        return None
    moved, back = carried
    active = np.abs(moved.depth) < BAND_SHARE * moved.size_px + BAND_PX
    off = moved.depth / (OUTLINE_SHARE * moved.size_px + OUTLINE_PX)
    evidence = np.clip(off, -MOST_SURE, MOST_SURE)
    layers, misfit = layer_evidence(moved, was, back, scene)
    evidence += layers
    evidence += look_evidence(moved, was, back, active, scene, key)
    mask = _cut_out(moved, evidence, active, scene.now)
    n = np.count_nonzero(mask)
    if n < LEAST_PX:
        return None
    now = replace(moved, mask=mask, depth=depth(mask), size_px=float(np.sqrt(n)))
    now = replace(now, hidden=_hidden(now, was, back, scene, key))
    turned = was.turned + 1 - _overlap(moved.mask, mask)
    alike = _likeness(now, scene.now, key) / max(key.likeness, 1e-6)
    misses = float(np.median(misfit[now.shown if now.shown.any() else mask]))
    error = ERROR + ERROR_TURNED * turned + ERROR_UNLIKE * max(1 - alike, 0)
    jump = max(was.jump, (misses - MISFIT_FINE) / (MISFIT_LOST - MISFIT_FINE))
    return replace(now, turned=turned, jump=jump, error=min(error + jump, 1.0))


def carry(was: Cutout, scene: Scene) -> tuple[Cutout, Motion] | None:
    """Move a mask with its thing; also return the motion back, from now to before."""
    matches = match(_followed(was), was.window, scene.pair.ahead, scene.pair.back)
    back, ahead = fit(matches.reversed, was.size_px), fit(matches, was.size_px)
    if back is None or ahead is None:
        return None
    h, w = scene.now.shape[:2]
    x0, y0, x1, y1 = bounds(was.mask)
    left, top = was.window.x0, was.window.y0
    box = ahead.moved((x0 + left, y0 + top, x1 + left, y1 + top))
    if not (box[2] > 0 and box[3] > 0 and box[0] < w and box[1] < h):
        return None
    scale = float(np.sqrt(abs(np.linalg.det(ahead.matrix[:, :2]))))
    window = Window.around(box, _margin_px(was.size_px * scale), (h, w))
    where = back.trace(window)
    values = np.concatenate([was.depth[..., None] * scale, was.from_key], axis=2, dtype=np.float32)
    out = np.empty((*window.shape, 3), dtype=np.float32)
    core.sample(values, where - np.array([left, top], np.float32), out)
    distance = np.ascontiguousarray(out[..., 0])
    mask = distance > 0
    n = np.count_nonzero(mask)
    if n < LEAST_PX:
        return None
    from_key = np.ascontiguousarray(out[..., 1:])
    return Cutout(window, mask, distance, from_key, float(np.sqrt(n))), back


def layer_evidence(moved: Cutout, was: Cutout, back: Motion, scene: Scene) -> tuple[Field, Field]:
    """Say how much better each pixel goes with the thing than with what lies around it.

    To the image before and to the one after, whichever is better for each layer: what one
    hides the other often shows (layered motion, Wang and Adelson 1994). Also returns how each
    pixel differs from the image before, moved with the thing.
    """
    ring = match(_ring(was.depth, was.size_px), was.window, scene.pair.ahead, scene.pair.back)
    found = [_differences(moved, scene.now, scene.before, back, fit(ring.reversed, was.size_px))]
    if scene.after is not None and scene.pair_after is not None:
        flows = scene.pair_after.ahead, scene.pair_after.back
        thing = match(_followed(moved), moved.window, *flows)
        ring = match(_ring(moved.depth, moved.size_px), moved.window, *flows)
        motions = fit(thing, moved.size_px), fit(ring, moved.size_px)
        found.append(_differences(moved, scene.now, scene.after, *motions))
    thing_best, around_best = found[0] if len(found) == 1 else np.minimum(*found)
    gain = (around_best - thing_best) / LAYER_NOISE
    np.clip(gain, -MOST_LAYER, MOST_LAYER, out=gain)
    return gain, found[0][0]


def _differences(
    moved: Cutout, here: Picture, there: Picture, thing: Motion | None, around: Motion | None
) -> Field:
    """Return how each pixel differs from another image, moved with thing and surroundings."""
    window = moved.window
    out = np.empty((2, *window.shape), dtype=np.float32)
    for motion, one in zip((thing, around), out, strict=True):
        core.differ(
            here, window.y0, window.x0, there, (motion or Motion.still()).trace(window), one
        )
    unseen = (out < 0).any(axis=0)
    out[:, unseen] = 0
    blurred: Field = uniform_filter(out, (0, LAYER_BLUR_PX, LAYER_BLUR_PX))
    # What the other image does not show says nothing, unless both do not show it.
    blurred[:, unseen] += UNSEEN
    return blurred


def look_evidence(
    moved: Cutout, was: Cutout, back: Motion, active: Mask, scene: Scene, key: Keyframe
) -> Field:
    """Say how much each pixel looks like the thing rather than like what lies around it.

    Like pixels near its own place in the keyframe and in the image before, as they are labelled
    there (non-local voting, a k-nearest-neighbour classifier of colour and place).
    """
    votes = np.zeros((*moved.window.shape, 2), dtype=np.float32)
    labels = was.shown.astype(np.uint8)
    labels[np.abs(was.depth) < UNSURE_PX] = 2
    given = key.cutout
    marks = active.view(np.uint8)
    window = moved.window
    for look, at, marked, size_px, where in (
        (key.look, given.window, given.mask.view(np.uint8), given.size_px, moved.from_key),
        (scene.before, was.window, labels, was.size_px, back.trace(window)),
    ):
        core.vote(
            scene.now, window.y0, window.x0, marks, look, at.y0, at.x0, marked, where,
            _offsets(size_px), LIKENESS, votes,
        )  # fmt: skip
    ratio: Field = np.log((votes[..., 1] + LOOK_FLOOR) / (votes[..., 0] + LOOK_FLOOR))
    np.clip(ratio, -MOST_LOOK, MOST_LOOK, out=ratio)
    return ratio


def _offsets(size_px: float) -> Field:
    """Return where to look, (n, 3) right, down, pixels, and weights that add up to 1."""
    ticks = np.arange(-LOOK_ROUNDS, LOOK_ROUNDS + 1)
    x, y = (axis.ravel() for axis in np.meshgrid(ticks, ticks))
    near = x * x + y * y <= LOOK_ROUNDS**2
    x, y = x[near], y[near]
    weights = np.exp(-1.5 * (x * x + y * y) / LOOK_ROUNDS**2)
    spacing = LOOK_SHARE * size_px / LOOK_ROUNDS
    return np.column_stack([x * spacing, y * spacing, weights / weights.sum()]).astype(np.float32)


def _likeness(cutout: Cutout, look: Picture, key: Keyframe) -> float:
    """Return how much a mask's pixels look like the keyframe's at their place."""
    window, given = cutout.window, key.cutout
    marks = np.zeros(window.shape, dtype=np.uint8)
    stride = 1 + int(cutout.size_px / 50)
    marks[::stride, ::stride] = cutout.shown[::stride, ::stride]
    votes = np.zeros((*window.shape, 2), dtype=np.float32)
    core.vote(
        look, window.y0, window.x0, marks, key.look, given.window.y0, given.window.x0,
        given.mask.view(np.uint8), cutout.from_key, _offsets(given.size_px), LIKENESS, votes,
    )  # fmt: skip
    return float(votes[..., 1].sum()) / max(int(np.count_nonzero(marks)), 1)


def _overlap(a: Mask, b: Mask) -> float:
    return int(np.count_nonzero(a & b)) / max(int(np.count_nonzero(a | b)), 1)


def _cut_out(moved: Cutout, evidence: Field, active: Mask, look: Picture) -> Mask:
    window = moved.window
    picture = look[window.slices].astype(np.float32)
    steps = np.zeros((2, *window.shape), dtype=np.float32)
    steps[0, :, :-1] = np.square(picture[:, 1:] - picture[:, :-1]).sum(axis=2)
    steps[1, :-1] = np.square(picture[1:] - picture[:-1]).sum(axis=2)
    usual = float(steps[:, active].mean()) if active.any() else 0.0
    edges = SMOOTH * (np.exp(steps / -(2 * usual + 1e-3)) + 0.05)
    inside = moved.mask.astype(np.float32)
    # Sure enough to stay as they are.
    cost = np.where(active, -evidence, np.where(moved.mask, -SETTLED, SETTLED))
    scratch = np.empty((3, *window.shape), dtype=np.float32)
    core.cut(cost.astype(np.float32), edges, N_CUT_ROUNDS, scratch, inside)
    return _largest(inside > 0.5)


def _largest(mask: Mask) -> Mask:
    pieces, n = label(mask)
    if n < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= PIECE_SHARE * sizes.max())[pieces] & mask)


def _followed(cutout: Cutout) -> Mask:
    """Return the pixels whose flow is the thing's."""
    for mask in (cutout.shown & (cutout.depth > INNER_PX), cutout.shown):
        if np.count_nonzero(mask) >= LEAST_PX:
            return mask
    return cutout.mask


def _hidden(now: Cutout, was: Cutout, back: Motion, scene: Scene, key: Keyframe) -> Mask:
    """Return what of a mask shows neither what the keyframe nor what the last image showed."""
    given, where = key.cutout, back.trace(now.window)
    unlike = occluded(
        scene.now, now.window, now.depth, now.size_px,
        (
            (key.look, given.window, given.mask, now.from_key, _offsets(given.size_px)),
            (scene.before, was.window, was.shown, where, _offsets(was.size_px)),
        ),
        LIKENESS, key.likeness,
    )  # fmt: skip
    if not unlike.any():
        return unlike
    apart = now.window.places() + scene.pair.back[now.window.slices] - where
    known = np.zeros(now.window.shape, dtype=np.float32)
    if was.hidden is not None and was.hidden.any():
        given_hidden = was.hidden[..., None].astype(np.float32)
        out = np.empty((*now.window.shape, 1), dtype=np.float32)
        core.sample(given_hidden, where - np.array([was.window.x0, was.window.y0], np.float32), out)
        known = out[..., 0]
    return passing(unlike, apart, known, now.size_px)


def _ring(distance: Field, size_px: float) -> Mask:
    away = -distance
    return (away > RING_PX + RING_SHARE * size_px) & (away < RING_WIDTH_SHARE * size_px)


def _margin_px(size_px: float) -> float:
    return MARGIN_SHARE * size_px + MARGIN_PX
