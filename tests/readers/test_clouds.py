"""Point files one by one: fields, types, units, padding, columns."""

import random
import struct

import numpy as np
import pytest

from perception_label.errors import LabelError, SourceError
from perception_label.readers.clouds import Cloud, read_cloud
from perception_label.readers.flat import infer_columns, read_bin
from readers import layouts

N = 60
RNG = np.random.default_rng(0)
XYZ = RNG.uniform(-40, 40, (N, 3)).astype(np.float32)


def fields(**more):
    return {**{a: XYZ[:, k] for k, a in enumerate("xyz")}, **more}


@pytest.mark.parametrize("kind", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "u2", "u4", "i4"])
def test_pcd_keeps_fields_of_any_type(kind, dtype, tmp_path):
    told = np.arange(N).astype(dtype)
    (tmp_path / "a.pcd").write_bytes(layouts.pcd_bytes(fields(extra=told, Intensity=told), kind))
    cloud = read_cloud(tmp_path / "a.pcd")
    np.testing.assert_array_equal(cloud.points_m, XYZ)
    np.testing.assert_array_equal(cloud.intensity, told.astype(np.float32))


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "u2", "u4", "i4"])
def test_ply_keeps_fields_of_any_type(kind, dtype, tmp_path):
    told = np.arange(N).astype(dtype)
    data = layouts.ply_bytes(fields(extra=told, intensity=told, ring=told), kind)
    (tmp_path / "a.ply").write_bytes(data)
    cloud = read_cloud(tmp_path / "a.ply")
    np.testing.assert_array_equal(cloud.points_m, XYZ)
    np.testing.assert_array_equal(cloud.intensity, told.astype(np.float32))
    np.testing.assert_array_equal(cloud.ring, np.arange(N))


def padded_pcd(path, times, rings, *, at=(24, 32), counts=(4, 0, 6, 12)):
    """A header that tells the padding of a C struct wrongly, as a real writer does."""
    a, b, c, d = counts
    head = (
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z _ intensity _ timestamp _ ring _\n"
        "SIZE 4 4 4 1 4 1 8 1 2 1\nTYPE F F F U F U F U U U\n"
        f"COUNT 1 1 1 {a} 1 {b} 1 {c} 1 {d}\nWIDTH {N}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\n"
        f"POINTS {N}\nDATA binary\n"
    )
    step = 26 + sum(counts)
    rows = np.zeros((N, step), np.uint8)
    rows[:] = RNG.integers(0, 256, rows.shape)
    rows[:, :12] = XYZ.view(np.uint8).reshape(N, 12)
    rows[:, 16:20] = np.arange(N, dtype="<f4").view(np.uint8).reshape(N, 4)
    rows[:, at[0] : at[0] + 8] = times.astype("<f8").view(np.uint8).reshape(N, 8)
    rows[:, at[1] : at[1] + 2] = rings.astype("<u2").view(np.uint8).reshape(N, 2)
    path.write_bytes(head.encode() + rows.tobytes())


def test_a_pcd_whose_header_is_wrong_is_read_at_natural_offsets(tmp_path):
    times, rings = 1.5e9 + np.linspace(0, 0.1, N), np.arange(N) % 40
    padded_pcd(tmp_path / "a.pcd", times, rings)
    cloud = read_cloud(tmp_path / "a.pcd")
    np.testing.assert_array_equal(cloud.points_m, XYZ)
    np.testing.assert_array_equal(cloud.intensity, np.arange(N))
    np.testing.assert_array_equal(cloud.ring, rings)
    sweep = cloud.sweep(1_500_000_000_000_000_000)
    np.testing.assert_allclose(sweep.time_offset_ns, np.linspace(0, 1e8, N), atol=1000)
    assert ["natural" in line for line in sweep.remarks] == [True]


def test_a_pcd_whose_header_is_right_is_left_alone(tmp_path):
    times, rings = 1.5e9 + np.linspace(0, 0.1, N), np.arange(N) % 40
    padded_pcd(tmp_path / "a.pcd", times, rings, counts=(4, 4, 0, 14))
    cloud = read_cloud(tmp_path / "a.pcd")
    assert cloud.remarks == ()
    np.testing.assert_array_equal(cloud.ring, rings)


def test_fields_that_make_sense_nowhere_are_dropped_and_said(tmp_path):
    padded_pcd(tmp_path / "a.pcd", np.full(N, 1e200), np.full(N, 60000))
    cloud = read_cloud(tmp_path / "a.pcd")
    assert cloud.ring is None
    assert cloud.time_ns is None
    assert sum("dropped" in line for line in cloud.remarks) == 2
    np.testing.assert_array_equal(cloud.intensity, np.arange(N))


@pytest.mark.parametrize("kind", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("n", [0, 1])
def test_pcd_of_no_or_one_point(kind, n, tmp_path):
    data = {k: v[:n] for k, v in fields(intensity=XYZ[:, 0]).items()}
    (tmp_path / "a.pcd").write_bytes(layouts.pcd_bytes(data, kind))
    sweep = read_cloud(tmp_path / "a.pcd").sweep(0)
    assert sweep.points_m.shape == (n, 3)
    assert sweep.intensity.shape == (n,)


@pytest.mark.parametrize("kind", ["ascii", "binary_big_endian"])
def test_ply_of_no_points(kind, tmp_path):
    data = layouts.ply_bytes({k: v[:0] for k, v in fields().items()}, kind)
    (tmp_path / "a.ply").write_bytes(data)
    assert read_cloud(tmp_path / "a.ply").points_m.shape == (0, 3)


def test_faces_after_the_vertices_of_a_ply_are_no_points(tmp_path):
    head, body = layouts.ply_bytes(fields(), "ascii").split(b"end_header\n")
    head += b"element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    (tmp_path / "a.ply").write_bytes(head + body + b"3 0 1 2\n")
    np.testing.assert_array_equal(read_cloud(tmp_path / "a.ply").points_m, XYZ)


def test_nan_points_are_kept_for_the_ingest_to_count(tmp_path):
    xyz = XYZ.copy()
    xyz[3] = np.nan
    data = {a: xyz[:, k] for k, a in enumerate("xyz")}
    for kind in ("ascii", "binary"):
        (tmp_path / "a.pcd").write_bytes(layouts.pcd_bytes(data, kind))
        np.testing.assert_array_equal(read_cloud(tmp_path / "a.pcd").points_m, xyz)


@pytest.mark.parametrize(
    ("unit_ns", "dtype"), [(1e9, "f8"), (1e6, "f8"), (1e3, "u4"), (1, "u8"), (1, "f8"), (1e9, "f4")]
)
@pytest.mark.parametrize("epoch_s", [0, 1_500_000_000])
def test_the_unit_of_times_is_told_by_how_long_a_sweep_takes(unit_ns, dtype, epoch_s, tmp_path):
    if epoch_s and dtype in ("f4", "u4"):
        pytest.skip("cannot hold an epoch")
    offset_ns = np.linspace(0, 99_000_000, N)
    times = ((epoch_s * 1e9 + offset_ns) / unit_ns).astype(dtype)
    (tmp_path / "a.pcd").write_bytes(layouts.pcd_bytes(fields(t=times)))
    sweep = read_cloud(tmp_path / "a.pcd").sweep(epoch_s * 10**9)
    np.testing.assert_allclose(sweep.time_offset_ns, offset_ns, atol=2000)
    assert sweep.remarks == ()


def test_times_of_another_clock_count_from_the_first_point():
    cloud = Cloud(XYZ, time_ns=5e12 + np.linspace(0, 1e8, N))
    sweep = cloud.sweep(1_600_000_000_000_000_000)
    assert sweep.time_offset_ns[[0, -1]].tolist() == [0, 100_000_000]
    assert "another clock" in sweep.remarks[0]


def test_bin_columns_are_told_by_size_and_values(tmp_path):
    for n in (1, 7, 20, 2000):
        rng = np.random.default_rng(n)
        kitti = rng.uniform(-60, 60, (n, 4)).astype("<f4")
        kitti[:, 3] = rng.uniform(0, 1, n)
        ring = (np.arange(n) % 32)[:, None].astype("<f4")
        nuscenes = np.column_stack([kitti[:, :3], np.floor(kitti[:, 3:] * 255), ring])
        assert infer_columns(tmp_path, kitti.ravel()) == 4
        assert infer_columns(tmp_path, nuscenes.astype("<f4").ravel()) == 5


def test_bin_rows_of_a_told_width_are_not_guessed(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(np.zeros((10, 4), "<f4").tobytes())
    assert read_bin(path, 4).shape == (10, 4)
    with pytest.raises(SourceError, match="rows of 6"):
        read_bin(path, 6)


@pytest.mark.parametrize("width", [3, 4, 6])
def test_npy_tables_and_structured_arrays(width, tmp_path):
    table = np.zeros((N, width), np.float32)
    table[:, :3] = XYZ
    np.save(tmp_path / "a.npy", table)
    cloud = read_cloud(tmp_path / "a.npy")
    np.testing.assert_array_equal(cloud.points_m, XYZ)
    assert (cloud.intensity is None) == (width == 3)
    assert bool(cloud.remarks) == (width == 6)
    record = np.zeros(N, dtype=[("x", "f4"), ("y", "f4"), ("z", "f4"), ("ring", "u2")])
    record["x"], record["ring"] = XYZ[:, 0], 5
    np.savez(tmp_path / "b.npz", points=record, other=table)
    assert read_cloud(tmp_path / "b.npz").ring.tolist() == [5] * N


def test_las_and_laz_come_back(tmp_path):
    laspy = pytest.importorskip("laspy")
    for suffix in ("las", "laz"):
        las = laspy.create(point_format=1, file_version="1.2")
        las.header.scales, las.header.offsets = [0.001] * 3, [600_000, 4_800_000, 0]
        las.x, las.y, las.z = np.add(XYZ, [600_000, 4_800_000, 0]).T
        las.intensity, las.gps_time = np.arange(N), 3e5 + np.linspace(0, 0.09, N)
        las.write(str(tmp_path / f"a.{suffix}"))
        cloud = read_cloud(tmp_path / f"a.{suffix}")
        np.testing.assert_allclose(cloud.points_m - [600_000, 4_800_000, 0], XYZ, atol=0.001)
        np.testing.assert_array_equal(cloud.intensity, np.arange(N))
        offset = cloud.sweep(10**18).time_offset_ns
        np.testing.assert_allclose(offset, np.linspace(0, 9e7, N), atol=100)
        whole = (tmp_path / f"a.{suffix}").read_bytes()
        (tmp_path / f"cut.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
        with pytest.raises(SourceError, match=f"cut.{suffix}"):
            read_cloud(tmp_path / f"cut.{suffix}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((b"FIELDS x y z", b"FIELDS x y w"), "a field z"),
        ((b"SIZE 4 4 4", b"SIZE 4 4 3"), "a size, type and count of z"),
        ((b"SIZE 4 4 4", b"SIZE 4 4"), "of one length"),
        ((b"POINTS 60", b"POINTS 61"), "POINTS = WIDTH x HEIGHT"),
        ((b"WIDTH 60", b"WIDTH -1"), "a whole number as WIDTH"),
        ((b"DATA binary", b"DATA zip"), "DATA ascii"),
        ((b"TYPE F F F", b"TYPE F F U"), None),
    ],
)
def test_headers_that_contradict_themselves_are_refused(change, message, tmp_path):
    path = tmp_path / "a.pcd"
    path.write_bytes(layouts.pcd_bytes(fields()).replace(*change))
    if message is None:
        assert read_cloud(path).points_m.dtype == np.float64  # integers are coordinates too
        return
    with pytest.raises(SourceError, match=message):
        read_cloud(path)


def test_a_header_that_wants_all_memory_is_refused(tmp_path):
    data = layouts.pcd_bytes(fields(), "binary_compressed")
    data = data.replace(b"WIDTH 60", b"WIDTH 99999999999").replace(
        b"POINTS 60", b"POINTS 99999999999"
    )
    head, body = data.split(b"binary_compressed\n")
    lie = struct.pack("<II", len(body) - 8, 2**32 - 1) + body[8:]
    (tmp_path / "a.pcd").write_bytes(head + b"binary_compressed\n" + lie)
    with pytest.raises(SourceError, match=r"a\.pcd"):
        read_cloud(tmp_path / "a.pcd")


@pytest.mark.parametrize("suffix", ["npy", "npz", "las", "laz"])
def test_mutations_of_single_files_only_raise_our_errors(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    if suffix in ("las", "laz"):
        laspy = pytest.importorskip("laspy")
        las = laspy.create(point_format=1, file_version="1.2")
        las.x = las.y = las.z = np.arange(N) * 1.0
        las.write(str(path))
    else:
        (np.save if suffix == "npy" else np.savez)(path, XYZ)
    data, rng = path.read_bytes(), random.Random(suffix)
    refusals = []
    for _ in range(200):
        changed = bytearray(data)
        for _ in range(rng.choice((1, 2, 6))):
            changed[rng.randrange(min(len(changed), 400))] = rng.choice((0, 255, 127, 46))
        if rng.random() < 0.1:
            del changed[rng.randrange(len(changed)) :]
        path.write_bytes(changed)
        try:
            read_cloud(path)
        except LabelError as error:
            refusals.append(str(error))
    assert len(refusals) > 20
    assert not any("\n" in text for text in refusals)


def test_a_las_header_of_endless_records_is_refused(tmp_path):
    laspy = pytest.importorskip("laspy")
    las = laspy.create(point_format=1, file_version="1.2")
    las.x = las.y = las.z = np.arange(N) * 1.0
    las.write(str(tmp_path / "a.las"))
    data = bytearray((tmp_path / "a.las").read_bytes())
    data[100:104] = b"\xff\xff\xff\xff"  # the number of variable length records
    (tmp_path / "a.las").write_bytes(data)
    with pytest.raises(SourceError, match="header that says more"):
        read_cloud(tmp_path / "a.las")
