import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import checksums as oracle
from perception_label._core import checksums


@given(st.binary(max_size=70), st.integers(0, 2**32 - 1))
def test_the_kernel_is_its_twin(data, before):
    assert checksums.crc32c(data, before) == oracle.crc32c(data, before)


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_two_pieces_are_one(a, b):
    assert checksums.crc32c(b, checksums.crc32c(a, 0)) == checksums.crc32c(a + b, 0)


# RFC 3720, appendix B.4.
@pytest.mark.parametrize(
    ("data", "value"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_the_standards_examples(data, value):
    assert checksums.crc32c(data, 0) == value
    assert checksums.crc32c(np.frombuffer(data, np.uint8), 0) == value
