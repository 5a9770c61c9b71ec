"""E57: scans as sweeps, poses, times; what is cut short or defines entities is refused."""

import struct
import sys

import numpy as np
import pytest

from perception_label.errors import MissingExtraError, SourceError
from perception_label.geometry.poses import pose
from perception_label.readers import open_log, sniff
from perception_label.readers.e57 import GPS_EPOCH_S, LEAP_S

pye57 = pytest.importorskip("pye57", reason="the extra e57 is not installed")

N = 60
PLACES = ((500_000.5, 4_800_000.25, 100.0), (500_004.5, 4_800_001.25, 101.0))
TURNS = ((1.0, 0, 0, 0), (0.6, 0, 0, 0.8))


class Header:
    """What `write_scan_raw` takes a scan's times from."""

    def __init__(self, at_s, points):
        self.acquisitionStart_dateTimeValue = at_s
        self.acquisitionStart_isAtomicClockReferenced = 0
        for k, axis in enumerate("xyz"):
            setattr(self, f"{axis}Minimum", float(points[:, k].min()))
            setattr(self, f"{axis}Maximum", float(points[:, k].max()))


def scan(k):
    points = np.random.default_rng(k).uniform(-20, 20, (N, 3)).astype(np.float32).astype(float)
    data = {f"cartesian{axis}": points[:, i] for i, axis in enumerate("XYZ")}
    data["intensity"] = np.linspace(0, 1, N)
    data["cartesianInvalidState"] = (np.arange(N) % 10 == 9).astype(int)
    return points, data


def write(path, times=(1_300_000_000.5, 1_300_000_001.5), n=2):
    with pye57.E57(str(path), "w") as file:
        for k in range(n):
            points, data = scan(k)
            header = Header(times[k], points) if times else None
            rotation, place = np.array(TURNS[k]), np.array(PLACES[k])
            file.write_scan_raw(data, rotation=rotation, translation=place, scan_header=header)
    return path


def test_scans_are_sweeps_with_poses_and_times(tmp_path):
    path = write(tmp_path / "hall.e57")
    assert sniff(path) == "e57"
    recording = open_log(path)
    assert recording.log_id == "hall"
    first = (1_300_000_000.5 + GPS_EPOCH_S - LEAP_S) * 1e9
    assert recording.timestamps_ns.tolist() == [first, first + 1e9]
    for k in range(2):
        points, data = scan(k)
        sweep = recording.source(k)
        valid = data["cartesianInvalidState"] == 0
        np.testing.assert_allclose(sweep.points_m, points[valid], atol=1e-5)
        np.testing.assert_allclose(sweep.intensity, data["intensity"][valid], atol=1e-6)
    expected = pose(np.array(PLACES) - recording.origin_m, np.array(TURNS))
    np.testing.assert_allclose(recording.ego_poses.world_from_ego, expected, atol=1e-6)
    assert recording.origin_m[0] == pytest.approx(500_002)


def test_a_folder_of_files_is_one_log(tmp_path):
    write(tmp_path / "a10.e57", n=1)
    write(tmp_path / "a9.e57", times=None)
    recording = open_log(tmp_path)
    assert len(recording.timestamps_ns) == 3
    assert any("10 Hz" in line for line in recording.warnings)
    np.testing.assert_array_equal(recording.source(2).points_m, recording.source(0).points_m)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.97])
def test_a_file_cut_short_is_refused(share, tmp_path):
    path = write(tmp_path / "hall.e57")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError) as error:
        open_log(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert path.exists()


def test_entities_are_refused_also_across_a_page(tmp_path):
    path = write(tmp_path / "hall.e57")
    data = bytearray(path.read_bytes())
    at = struct.unpack_from("<Q", data, 24)[0]
    end = (at // 1024 + 1) * 1024 - 4
    for place in (at + 60, end - 4):  # the second is cut by the checksum of its page
        changed = bytearray(data)
        word = b"<!DOCTYPE x>"
        for k, byte in enumerate(word):
            spot = place + k + (4 if place + k >= end else 0)
            changed[spot] = byte
        path.write_bytes(changed)
        with pytest.raises(SourceError, match="without entities"):
            open_log(path)
    struct.pack_into("<Q", data, 32, 1 << 40)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="header that says more"):
        open_log(path)


def test_without_the_extra_it_is_said(tmp_path, monkeypatch):
    path = write(tmp_path / "hall.e57")
    monkeypatch.setitem(sys.modules, "pye57", None)
    with pytest.raises(MissingExtraError, match=r"perception-label\[e57\]"):
        open_log(path)
