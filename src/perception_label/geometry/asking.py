"""Where one more keyframe would help a track most, from the overlap that is expected of it."""

import numpy as np

from perception_label.arrays import Floats, Ints


def where_to_ask(expected_iou: Floats, keys: Ints) -> int:
    """Return the image of a track where one more keyframe would help most.

    The least sure image tells the stretch. Between two keyframes the new one goes where half the
    error to expect lies on either side: one beside another keyframe would help little.

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
    known = np.where(expected_iou > 0, expected_iou, np.inf)
    if not np.isfinite(known).any():
        return int(keys[0])
    worst = int(np.argmin(known))
    after = int(np.searchsorted(keys, worst))
    if 0 < after < len(keys) and worst != keys[after]:
        first = int(keys[after - 1]) + 1
        error = np.cumsum(1 - np.nan_to_num(expected_iou[first : keys[after]], nan=1.0))
        worst = first + int(np.searchsorted(error, error[-1] / 2))
    return worst
