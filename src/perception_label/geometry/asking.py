"""Where one more keyframe would help a track most, from the overlap that is expected of it."""

import numpy as np
from scipy.special import log_ndtr, ndtr

from perception_label.arrays import Floats, Ints

GOOD_IOU = 0.7  # under it a box has to be set by hand
SPREAD_IOU = 0.1  # of what the overlap turns out to be, around its expectation


def where_to_ask(expected_iou: Floats, keys: Ints) -> int:
    """Return the image of a track where one more keyframe would help most.

    In the stretch between, before or after keyframes that is least likely to be good in every
    image. Between two keyframes the new one goes where half the boxes to expect wrong lie on
    either side: one beside another keyframe would help little. Before the first and after the
    last it goes to the end, so that what lies before it is held from both sides.

    Parameters
    ----------
    expected_iou : (n,) float64
        With the truth, image by image; 0 or less where there is no label, NaN unknown.
    keys : (K,) int64
        Images of its keyframes, ascending, K at least 1.

    Returns
    -------
    int
        Number of the image; that of the first keyframe where nothing is known.
    """
    is_known = np.nan_to_num(expected_iou) > 0
    is_known[keys] = False
    if not is_known.any():
        return int(keys[0])
    above = np.where(is_known, (expected_iou - GOOD_IOU) / SPREAD_IOU, np.inf)
    doubt = -log_ndtr(above)
    # Which stretch an image is in: 0 before the first keyframe, K after the last.
    stretch = np.searchsorted(keys, np.arange(len(expected_iou)))
    worst = int(np.argmax(np.bincount(stretch, weights=doubt)))
    mine = np.flatnonzero(is_known & (stretch == worst))
    if 0 < worst < len(keys):
        wrong = np.cumsum(ndtr(-above[mine]))
        return int(mine[np.searchsorted(wrong, wrong[-1] / 2)])
    return int(mine[0] if worst == 0 else mine[-1])
