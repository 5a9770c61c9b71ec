"""The point kernel against its slow twin."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import follow as oracle
from perception_label._core import follow

SEEDS = st.integers(0, 2**32 - 1)


def scene(seed, size):
    """Return two images of smooth noise, the second moved and of other gain and offset."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    waves = [(rng.uniform(-0.8, 0.8, 2), rng.uniform(0, 6), rng.uniform(5, 25)) for _ in range(8)]

    def picture(dx, dy):
        return 128 + sum(a * np.sin(f[0] * (x - dx) + f[1] * (y - dy) + p) for f, p, a in waves)

    first = np.clip(picture(0, 0), 0, 255)
    second = np.clip(0.8 * picture(*rng.uniform(-2, 2, 2)) + 20, 0, 255)
    return first.astype(np.uint8), second.astype(np.uint8)


@settings(max_examples=30)
@given(
    SEEDS,
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.sampled_from([3, 5, 9, 15, 21, 29]),
)
def test_follow_matches_oracle(seed, size, side):
    first, second = scene(seed, size)
    rng = np.random.default_rng(seed)
    points = rng.uniform(-3, 53, (8, 2)).astype("f")
    points[0] = np.nan
    places = points + rng.normal(0, 0.3, (8, 2)).astype("f")
    expected = places.astype(float)
    texture, texture_expected = np.empty((2, 8), "f")
    follow.follow(first, second, points, side, 10, 0.02, 1.0, places, texture)
    oracle.follow(first, second, points, side, 10, 0.02, 1.0, expected, texture_expected)
    np.testing.assert_allclose(texture, texture_expected, rtol=1e-2, atol=1e-2)
    # Where the window fits nowhere, rounding chooses where it strays.
    close = np.abs(places - expected).max(axis=1) < 0.05
    sure = np.abs(texture - 1.0) > 0.02
    near = np.abs(places - points).max(axis=1) < 3
    assert (close | ~sure | ~near)[1:].mean() >= 0.85
    assert np.isnan(places[0]).all()
