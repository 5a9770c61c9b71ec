"""Slow twins of perception_label._core.beliefs: every move of every place, one by one."""

import numpy as np

FAINTEST = 1e-12


def _moved(belief, taps_y, taps_x, sign=1):
    side, reach = len(belief), len(taps_y) // 2
    out = np.zeros((side, side))
    for y, x in np.ndindex(side, side):
        for down in range(-reach, reach + 1):
            for right in range(-reach, reach + 1):
                to_y, to_x = y + sign * down, x + sign * right
                if 0 <= to_y < side and 0 <= to_x < side:
                    share = float(taps_y[reach + down]) * float(taps_x[reach + right])
                    out[to_y, to_x] += share * float(belief[y, x])
    return out


def _weighed(belief, likelihood):
    out = (belief + FAINTEST) * np.asarray(likelihood, float)
    return out / out.sum()


def advance(belief, taps_y, taps_x, likelihood, scratch, out):
    out[:] = _weighed(_moved(belief, taps_y, taps_x), likelihood)


def fuse(likelihood, taps_y, taps_x, first, last, scratch, out):
    n = len(likelihood)
    there = [_weighed(np.asarray(first, float), likelihood[0])]
    for k in range(1, n):
        there.append(_weighed(_moved(there[-1], taps_y[k - 1], taps_x[k - 1]), likelihood[k]))
    back = np.asarray(last, float)
    out[n - 1] = _weighed(there[-1], back)
    for k in range(n - 2, -1, -1):
        back = _moved(_weighed(back, likelihood[k + 1]), taps_y[k], taps_x[k], -1)
        out[k] = _weighed(there[k], back)
