"""Feather files that ask for more memory than they can mean."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from perception_label.errors import SourceError
from perception_label.readers.feather_size import check_size


@pytest.mark.parametrize("compression", ["zstd", "lz4", "uncompressed"])
@pytest.mark.parametrize("chunks", [1, 3])
def test_honest_files_pass(compression, chunks, tmp_path):
    words = pa.array(["a", "b", "a"] * 100).dictionary_encode()
    table = pa.table({"x": np.random.default_rng(0).random(300), "name": words})
    path = tmp_path / "t.feather"
    feather.write_feather(table, str(path), compression=compression, chunksize=300 // chunks)
    check_size(path, path.read_bytes())


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "t.feather"
    zeros = pa.table({"x": np.zeros(20_000_000)})
    feather.write_feather(zeros, str(path), compression="zstd", chunksize=20_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(SourceError, match="bytes unpacked, got 160000000"):
        check_size(path, path.read_bytes())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_cut_short_is_refused(share, tmp_path):
    path = tmp_path / "t.feather"
    feather.write_feather(pa.table({"x": np.arange(100.0)}), str(path))
    data = path.read_bytes()
    with pytest.raises(SourceError, match="a whole feather file"):
        check_size(path, data[: int(len(data) * share)])
