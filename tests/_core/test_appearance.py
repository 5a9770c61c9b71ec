import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import appearance as oracle
from perception_label._core import appearance

SIZES = st.integers(1, 9)


def described(seed, rows, columns, x, y, step, size=(23, 31)):
    image = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    out = np.empty((5, rows, columns), np.float32)
    samples = np.empty((2 * rows + 2, 2 * columns + 2), np.float32)
    scratch = np.empty((2, rows, columns), np.float32)
    appearance.describe(image, x, y, step, samples, scratch, out)
    expected = np.empty(out.shape)
    oracle.describe(image, x, y, step, None, None, expected)
    return out, expected


@given(
    st.integers(0, 2**32 - 1), SIZES, SIZES,
    st.floats(-40, 60), st.floats(-40, 60), st.floats(0.2, 3),
)  # fmt: skip
def test_describe_matches_the_oracle(seed, rows, columns, x, y, step):
    out, expected = described(seed, rows, columns, x, y, step)
    assert out == pytest.approx(expected, rel=1e-3, abs=2e-3)


def test_an_image_of_one_pixel_has_no_outlines():
    out, expected = described(0, 3, 4, -1.0, 0.0, 1.0, size=(1, 1))
    assert not out[:4].any()
    assert out == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), SIZES, SIZES, st.integers(0, 4), st.integers(0, 19))
def test_windows_match_the_oracle(seed, height, width, more_rows, more_columns):
    r = np.random.default_rng(seed)
    cells = r.normal(50, 20, (5, height + more_rows, width + more_columns)).astype(np.float32)
    template = r.normal(size=(5, height, width)).astype(np.float32)
    shape = (more_rows + 1, more_columns + 1)
    found, expected = np.empty(shape, np.float32), np.empty(shape)
    sums = np.empty((2, cells.shape[1] + 1, cells.shape[2] + 1))
    appearance.contrast(cells, height, width, sums, found)
    oracle.contrast(cells, height, width, None, expected)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-1)
    contrasts = found + 1
    appearance.likeness(cells, template, contrasts, found)
    oracle.likeness(cells, template, contrasts, expected)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3 * np.abs(expected).max())
