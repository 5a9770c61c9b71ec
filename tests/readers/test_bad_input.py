"""Broken files: cut short, of the wrong types, hostile. Each ends in one line with its path."""

import gzip
import json
import pickle
import random

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from perception_label.errors import LabelError, SourceError
from perception_label.readers import open_log
from perception_label.readers.clouds import read_cloud
from perception_label.readers.files import read_gzip
from perception_label.readers.pickled_columns import read_columns
from readers import layouts
from readers.pickled_tables import pickled_table

# A file of each kind in each layout that is read whole.
PARTS = [
    ("pandaset", "lidar/01.pkl.gz"),
    ("pandaset", "lidar/poses.json"),
    ("pandaset", "lidar/timestamps.json"),
    ("pandaset", "annotations/cuboids/01.pkl.gz"),
    ("kitti_tracking", "velodyne/0007/000001.bin"),
    ("kitti_tracking", "label_02/0007.txt"),
    ("kitti_tracking", "oxts/0007.txt"),
    ("kitti_tracking", "calib/0007.txt"),
    ("kitti_raw", "velodyne_points/data/0000000001.bin"),
    ("kitti_raw", "velodyne_points/timestamps.txt"),
    ("kitti_raw", "oxts/data/0000000001.txt"),
    ("kitti_raw", "tracklet_labels.xml"),
    ("argoverse2", "annotations.feather"),
    ("argoverse2", "city_SE3_egovehicle.feather"),
    ("argoverse2", "sensors/lidar/1600000000350000000.feather"),
    ("boreas", "lidar/1600000000350000.bin"),
    ("boreas", "applanix/lidar_poses.csv"),
    ("boreas", "labels_detection/1600000000350000.txt"),
    ("nuscenes", "v1.0-tiny/sample_data.json"),
    ("nuscenes", "v1.0-tiny/sample_annotation.json"),
    ("nuscenes", "v1.0-tiny/ego_pose.json"),
    ("nuscenes", "v1.0-tiny/instance.json"),
    ("nuscenes", "samples/LIDAR_TOP/1600000000350000.pcd.bin"),
    ("folder_pcd", "lidar/1600000000250000000.pcd"),
    ("folder_pcd", "lidar/1600000000350000000.pcd"),
    ("folder_pcd", "lidar/1600000000450000000.pcd"),
    ("folder_pcd", "trajectory.txt"),
    ("folder_ply", "lidar/1600000000250000000.ply"),
    ("folder_ply", "lidar/1600000000350000000.ply"),
    ("folder_ply", "lidar/1600000000450000000.ply"),
    ("folder_bin", "lidar/1600000000350000000.bin"),
]
WHOLE = [p for p in PARTS if not p[1].endswith(".txt")]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    made = layouts.drive()
    return {n: layouts.write(n, tmp_path_factory.mktemp(n), made) for n in layouts.NAMES}


def read_all(path):
    """Open a log and read every sweep of it."""
    recording = open_log(path)
    return sum(len(recording.source(i)) for i in range(len(recording.timestamps_ns)))


def with_bytes(file, data, path):
    """Read the log while one of its files holds other bytes; return the error, or None."""
    before = file.read_bytes()
    try:
        file.write_bytes(data)
        read_all(path)
    except LabelError as error:
        return error
    finally:
        file.write_bytes(before)
    return None


def is_one_line(error, path):
    text = str(error)
    return "\n" not in text and str(path) in text and ", got " in text and len(text) < 900


@pytest.mark.parametrize(("layout", "part"), WHOLE)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_a_file_cut_short_is_an_error_that_names_it(layout, part, share, paths):
    file = paths[layout] / part
    data = file.read_bytes()
    cut = data[: int(len(data) * share)]
    if part.endswith(".bin"):
        cut = data[: len(cut) // 16 * 16 + 3]  # cut between rows, it cannot be told
    error = with_bytes(file, cut, paths[layout])
    assert isinstance(error, SourceError)
    assert is_one_line(error, file)


@pytest.mark.parametrize(
    ("layout", "part"), [p for p in PARTS if p[1].endswith(".txt") and "timestamps" not in p[1]]
)
def test_text_cut_within_a_line_is_an_error_that_names_it(layout, part, paths):
    file = paths[layout] / part
    lines = file.read_text().rstrip("\n").split("\n")
    cut = "\n".join([*lines[:-1], " ".join(lines[-1].split()[:4])])
    assert is_one_line(with_bytes(file, cut.encode(), paths[layout]), file)


@pytest.mark.parametrize(("layout", "part"), PARTS)
def test_bytes_of_something_else_are_an_error(layout, part, paths):
    noise = random.Random(1).randbytes(997)
    error = with_bytes(paths[layout] / part, noise, paths[layout])
    assert isinstance(error, SourceError)
    assert is_one_line(error, paths[layout])


@pytest.mark.parametrize(("layout", "part"), PARTS)
def test_mutations_only_raise_our_errors(layout, part, paths):
    file = paths[layout] / part
    data, rng = file.read_bytes(), random.Random(f"{layout}{part}")
    is_packed = part.endswith(".gz")
    plain = gzip.decompress(data) if is_packed else data
    for _ in range(25):
        changed = bytearray(plain)
        for _ in range(rng.choice((1, 1, 3, 20))):
            where = rng.randrange(min(len(changed), rng.choice((300, len(changed)))))
            changed[where] = rng.choice((0, 255, 0x2E, 0x39, rng.randrange(256)))
        if rng.random() < 0.2:
            del changed[rng.randrange(len(changed)) :]
        mutated = gzip.compress(bytes(changed), 1) if is_packed else bytes(changed)
        error = with_bytes(file, mutated, paths[layout])
        assert error is None or "\n" not in str(error)


class Exploit:
    def __init__(self, function, *args):
        self.parts = (function, args)

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("call", [(eval, "1/0"), (exec, "raise SystemExit"), (open, "hacked", "w")])
def test_a_pickle_that_calls_code_is_refused_by_name(call, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "00.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(Exploit(*call), protocol=protocol)))
    with pytest.raises(SourceError, match=str(path)) as error:
        read_columns(path)
    assert protocol < 1 or any(name in str(error.value) for name in ("eval", "exec", "open"))
    assert not (tmp_path / "hacked").exists()


def test_allowed_names_are_never_called(tmp_path):
    path = tmp_path / "00.pkl.gz"
    # numpy.dtype and builtins.slice are allowed, and still nothing of numpy or Python is built.
    path.write_bytes(gzip.compress(pickle.dumps(Exploit(np.dtype, "f8"))))
    with pytest.raises(SourceError, match="data frame"):
        read_columns(path)


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02r\xff\xff\xff\x7f.",  # a memo of two thousand million entries
        b"\x80\x04N\x94.",
        b"\x80\x02}q\x01" + b"(" * 5000 + b".",
        b"\x80\x04\x8f.",  # a set: no data frame has one
        b"",
        b".",
    ],
)
def test_pickles_that_only_want_memory_are_refused(program, tmp_path):
    path = tmp_path / "00.pkl.gz"
    path.write_bytes(gzip.compress(program))
    with pytest.raises(SourceError, match=str(path)):
        read_columns(path)


def test_a_gzip_bomb_stops_at_the_limit(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(3_000_000)))
    with pytest.raises(SourceError, match="at most 1000000 bytes"):
        read_gzip(path, 1_000_000)
    assert len(read_gzip(path, 3_000_001)) == 3_000_000


def test_a_frame_of_strings_where_numbers_belong_is_refused(paths):
    file = paths["pandaset"] / "lidar/01.pkl.gz"
    columns = {name: np.array(["a", "b"], dtype=object) for name in ("x", "y", "z", "i", "t", "d")}
    data = gzip.compress(pickled_table(columns))
    assert "numbers" in str(with_bytes(file, data, paths["pandaset"]))


def test_missing_columns_are_listed(paths):
    file = paths["pandaset"] / "lidar/01.pkl.gz"
    data = gzip.compress(pickled_table({"x": np.zeros(2), "z": np.zeros(2)}))
    assert "a column y, got x, z" in str(with_bytes(file, data, paths["pandaset"]))


@pytest.mark.parametrize(
    "table",
    [
        {"x": pa.array([1.0])},
        {n: pa.array([None, 1.0]) for n in ("x", "y", "z", "intensity", "laser_number")},
        {n: pa.array(["a"]) for n in ("x", "y", "z", "intensity", "laser_number", "offset_ns")},
        {n: pa.array([-5e9]) for n in ("x", "y", "z", "intensity", "laser_number", "offset_ns")},
    ],
)
def test_feather_of_other_types_is_refused(table, paths, tmp_path):
    feather.write_feather(pa.table(table), str(tmp_path / "t.feather"))
    file = paths["argoverse2"] / "sensors/lidar/1600000000350000000.feather"
    error = with_bytes(file, (tmp_path / "t.feather").read_bytes(), paths["argoverse2"])
    assert is_one_line(error, file)


@pytest.mark.parametrize(
    "change",
    [
        {"heading": {"w": 0, "x": 0, "y": 0, "z": 0}},
        {"position": {"x": "a", "y": 0, "z": 0}},
        {"position": {"x": 1e400, "y": 0, "z": 0}},
        {"heading": [1, 0, 0, 0]},
    ],
)
def test_poses_that_are_none_are_refused(change, paths):
    file = paths["pandaset"] / "lidar/poses.json"
    poses = json.loads(file.read_text())
    poses[1].update(change)
    error = with_bytes(file, json.dumps(poses).encode(), paths["pandaset"])
    assert is_one_line(error, file)


@pytest.mark.parametrize("name", ["t.npy", "t.npz"])
def test_numpy_files_with_pickles_are_refused(name, tmp_path):
    path = tmp_path / name
    save = np.save if name == "t.npy" else np.savez
    save(path, np.array([{"a": 1}], dtype=object))
    with pytest.raises(SourceError, match=str(path)):
        read_cloud(path)


def test_an_xml_of_entities_is_refused(paths):
    file = paths["kitti_raw"] / "tracklet_labels.xml"
    bomb = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    assert "entities" in str(with_bytes(file, bomb, paths["kitti_raw"]))


def test_a_folder_instead_of_a_file_is_one_line(tmp_path):
    (tmp_path / "lidar" / "0.pcd").mkdir(parents=True)
    with pytest.raises(SourceError, match="layouts"):
        open_log(tmp_path)
