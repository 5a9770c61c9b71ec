import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.cloud.sweeps import Sweep
from perception_label.errors import WorkspaceError
from perception_label.storage.sweeps import (
    StoredSweep,
    SweepFile,
    SweepWriter,
    batch_to_sweep,
    sweep_to_batch,
    whole_sweeps,
)
from recordings import recording

CHANNELS = ("intensity", "ring", "time_offset_ns")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / "top.arrow"
    given_log = recording(4, 150)
    with SweepWriter(path, CHANNELS) as writer:
        for k in range(4):
            batch = sweep_to_batch(given_log.source(k), CHANNELS)
            writer.write(StoredSweep(batch, 1000 + k, k, k != 2, (f"remark {k}",)))
    return path, given_log


@given(cut=st.integers(0, 14_000))
def test_a_file_cut_anywhere_gives_back_its_whole_sweeps(written, cut):
    path, given_log = written
    content = path.read_bytes()
    torn = path.with_name("torn.arrow")
    torn.write_bytes(content[:cut])
    kept = list(whole_sweeps(torn, CHANNELS))
    assert [s.timestamp_ns for s in kept] == [1000 + k for k in range(len(kept))]
    assert [s.is_even for s in kept] == [k != 2 for k in range(len(kept))]
    assert [s.remarks for s in kept] == [(f"remark {k}",) for k in range(len(kept))]
    for k, stored in enumerate(kept):
        back = batch_to_sweep(stored.batch, stored.timestamp_ns, None)
        assert np.array_equal(back.points_m, given_log.source(k).points_m)
    if cut >= len(content):
        assert len(kept) == 4


def test_a_damaged_sweep_ends_what_is_taken_over(written):
    path, given_log = written
    content = bytearray(path.read_bytes())
    at = content.find(given_log.source(1).points_m.tobytes()[:64])
    content[at + 40] ^= 0xFF
    damaged = path.with_name("damaged.arrow")
    damaged.write_bytes(bytes(content))
    assert len(list(whole_sweeps(damaged, CHANNELS))) == 1


def test_a_file_of_other_channels_is_not_taken_over(written):
    assert list(whole_sweeps(written[0], ("ring",))) == []


def test_views_are_read_only_and_outlive_the_file(written, tmp_path):
    path, given_log = written
    copy = tmp_path / "copy.arrow"
    copy.write_bytes(path.read_bytes())
    sweep = batch_to_sweep(SweepFile(copy).batch(3), 1003, None)
    copy.unlink()
    assert np.array_equal(sweep.points_m, given_log.source(3).points_m)
    with pytest.raises(ValueError, match="read-only"):
        sweep.points_m[0] = 0


def test_a_sweep_file_can_be_pickled_and_read_from_threads(written):
    path, given_log = written
    file = pickle.loads(pickle.dumps(SweepFile(path)))
    wrong = []

    def read(k):
        for _ in range(50):
            sweep = batch_to_sweep(file.batch(k), k, None)
            if not np.array_equal(sweep.ring, given_log.source(k).ring):
                wrong.append(k)

    threads = [threading.Thread(target=read, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(file), wrong) == (4, [])


@pytest.mark.parametrize("content", [b"", b"ARROW1\0\0", b"nonsense" * 20])
def test_a_file_that_is_none_is_one_clear_line(tmp_path, content):
    path = tmp_path / "top.arrow"
    path.write_bytes(content)
    assert list(whole_sweeps(path, CHANNELS)) == []
    with pytest.raises(WorkspaceError, match=r"top.arrow: expected an Arrow file"):
        SweepFile(path)


def test_no_points_and_no_channels_are_a_sweep(tmp_path):
    path = tmp_path / "top.arrow"
    with SweepWriter(path, ()) as writer:
        writer.write(StoredSweep(sweep_to_batch(Sweep(np.empty((0, 3), np.float32), 5), ()), 5))
    sweep = batch_to_sweep(SweepFile(path).batch(0), 5, None)
    assert sweep.points_m.shape == (0, 3)
    assert sweep.intensity is None
