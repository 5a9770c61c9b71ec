"""ROS 1 and ROS 2 bags and MCAP files, written by the reference libraries."""

import bz2
import pickle
import shutil

import numpy as np
import pytest
import zstandard
from PIL import Image

from perception_label import open_workspace
from perception_label.errors import SettingError, SourceError
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse, transform
from perception_label.readers import open_log, sniff
from perception_label.readers.bags import packed
from readers import bag_files, layouts

MADE = layouts.drive()
KINDS = ("ros1", "ros2", "mcap")


@pytest.fixture(scope="module")
def bags(tmp_path_factory):
    return {k: bag_files.write(k, tmp_path_factory.mktemp(k), MADE) for k in KINDS}


def in_ego(recording, i):
    at = recording.ego_from_lidar
    return recording.source(i).points_m.astype(float) @ at[:3, :3].T + at[:3, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_points_poses_and_channels_come_back(kind, bags):
    recording = open_log(bags[kind])
    assert sniff(bags[kind]) == "bag"
    assert recording.format == kind
    assert recording.timestamps_ns.tolist() == MADE.times_ns.tolist()
    np.testing.assert_allclose(recording.ego_from_lidar, bag_files.EGO_FROM_LIDAR, atol=1e-12)
    poses = interpolate_poses(recording.ego_poses, recording.timestamps_ns)
    np.testing.assert_allclose(poses, MADE.world_from_ego, atol=1e-12)
    for i in range(len(MADE)):
        sweep, rows = recording.source(i), bag_files.cloud_rows(MADE.points_m[i])
        np.testing.assert_allclose(in_ego(recording, i), MADE.points_m[i], atol=1e-5)
        assert sweep.intensity.tolist() == rows["intensity"].tolist()
        assert sweep.ring.tolist() == rows["ring"].tolist()
        np.testing.assert_allclose(sweep.time_offset_ns, rows["time"] * 1e9, atol=1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_is_told_and_can_be_said_again(kind, bags):
    recording = open_log(bags[kind])
    assert recording.chosen == {
        "lidar": "/lidar/points",
        "camera.front": "/cam/front/image_raw/compressed,/cam/front/camera_info",
        "camera.left": "/left/image_raw",
        "poses": "tf",
        "ego": "base_link",
        "world": "odom",
    }
    again = open_log(bags[kind], topics=recording.chosen)
    assert again.chosen == recording.chosen
    assert "camera left: no calibration (/left/image_raw)" in recording.warnings


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_and_calibration_come_back(kind, bags):
    recording = open_log(bags[kind])
    camera = recording.cameras["front"]
    assert (camera.width_px, camera.height_px, camera.model) == (64, 48, "pinhole")
    assert np.ravel(camera.intrinsics).tolist() == bag_files.K
    assert list(camera.distortion) == bag_files.D
    np.testing.assert_allclose(camera.ego_from_camera, bag_files.EGO_FROM_CAMERA, atol=1e-12)
    front = recording.pictures["front"]
    assert (front.timestamps_ns - MADE.times_ns).tolist() == [bag_files.CAMERA_SHIFT_NS] * 4
    assert [front.read(i) for i in range(4)] == [bag_files.jpeg(i) for i in range(4)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bag_becomes_a_log_that_holds_its_pictures(kind, bags, tmp_path):
    moved = tmp_path / "moved" / bags[kind].name
    moved.parent.mkdir()
    (shutil.copytree if bags[kind].is_dir() else shutil.copy)(bags[kind], moved)
    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(moved)
    (shutil.rmtree if moved.is_dir() else type(moved).unlink)(moved)
    workspace.path.rename(tmp_path / "elsewhere")
    log = open_workspace(tmp_path / "elsewhere").log("drive")
    assert len(log.sweeps) == 4
    assert log.info.chosen["lidar"] == "/lidar/points"
    left = log.images["left"]
    shown = np.asarray(Image.open(left.paths[2]))
    assert shown.tolist() == bag_files.raw_pixels(2).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_without_transforms_odometry_tells_the_path(kind, tmp_path):
    path = bag_files.write(kind, tmp_path, MADE, tf=False, odometry=True)
    recording = open_log(path)
    assert recording.chosen["poses"] == "/odom"
    np.testing.assert_allclose(recording.ego_poses.world_from_ego, MADE.world_from_ego, atol=1e-12)
    assert any("the LiDAR is taken to be the ego" in text for text in recording.warnings)
    assert open_log(path, topics={"poses": "none"}).ego_poses is None


def others(maker):
    ns = int(MADE.times_ns[0])
    big = np.concatenate([bag_files.cloud_rows(MADE.points_m[0])] * 4)
    yield "/ground_points", ns, maker.cloud(ns, big)
    yield "/rear/points", ns, maker.cloud(ns, bag_files.cloud_rows(MADE.points_m[0])[:10], "rear")
    yield "/note", ns, maker.types.types["std_msgs/msg/String"](data="hello")


def test_other_topics_are_left_out_aloud_and_may_be_chosen(tmp_path):
    path = bag_files.write("mcap", tmp_path, MADE, extra=others)
    recording = open_log(path)
    assert recording.chosen["lidar"] == "/lidar/points"
    assert "topic /note: 1 messages of std_msgs/msg/String (cdr)" in recording.left_out
    assert len(recording.left_out) == 3
    asked = {"lidar": "/rear/points", "camera.front": "none", "camera.port": "/left/image_raw"}
    other = open_log(path, topics=asked)
    assert len(other.timestamps_ns) == 1
    assert list(other.pictures) == ["port"]


REAR = np.eye(4)
REAR[:3, :3] = [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]
REAR[:3, 3] = [-1.0, 0.3, 1.2]


def rear_lidar(maker):
    """A second LiDAR, 40 ms later than the first, that sees the same points of the world."""
    first = int(MADE.times_ns[0])
    yield "/tf_static", first, maker.tf(maker.transform(first, "base_link", "rear", REAR))
    path = EgoPoses(MADE.times_ns, MADE.world_from_ego)
    for i, ns in enumerate((MADE.times_ns[:-1] + 40_000_000).tolist()):
        at = interpolate_poses(path, np.array([ns]))[0]
        world = transform(MADE.world_from_ego[i], MADE.points_m[i])
        rows = bag_files.cloud_rows(MADE.points_m[i])
        for axis, values in zip("xyz", transform(inverse(at @ REAR), world).T, strict=True):
            rows[axis] = values
        yield "/rear/points", ns, maker.cloud(ns, rows, "rear")


def test_several_lidars_are_merged_when_so_asked(tmp_path):
    path = bag_files.write("ros1", tmp_path, MADE, extra=rear_lidar)
    recording = open_log(path, topics={"lidar": "/lidar/points,/rear/points"})
    assert recording.timestamps_ns.tolist() == MADE.times_ns.tolist()
    assert recording.chosen["lidar"] == "/lidar/points,/rear/points"
    for i in range(3):
        n = len(MADE.points_m[i])
        points, lidar = in_ego(recording, i), recording.source(i).lidar
        assert lidar.tolist() == [0] * n + [1] * n
        np.testing.assert_allclose(points[:n], MADE.points_m[i], atol=1e-5)
        np.testing.assert_allclose(points[n:], MADE.points_m[i], atol=1e-4)
        assert recording.source(i).time_offset_ns[n] == 40_000_000
    assert len(open_log(path).source(0)) == len(MADE.points_m[0])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"lidar": "/nothing"}, "lidar of the topics /lidar/points"),
        ({"radar": "/x"}, "lidar, camera.NAME, poses, ego, world, got 'radar'"),
        ({"camera.a": "/lidar/points"}, "camera.a of the topics /cam/front"),
        ({"world": "mars"}, "world of base_link, "),
        ({"ego": "donkey"}, "ego of base_link, "),
        ({"poses": "/gps"}, "poses of the topics none of that kind"),
    ],
)
def test_topics_that_are_not_there_are_listed(asked, said, bags):
    with pytest.raises(SettingError, match=said):
        open_log(bags["ros1"], topics=asked)


def test_topics_are_for_bags_only(tmp_path):
    path = layouts.write("kitti_raw", tmp_path, MADE)
    with pytest.raises(SettingError, match="topics: expected a bag"):
        open_log(path, topics={"lidar": "/points"})


@pytest.mark.parametrize("compression", ["BZ2", "LZ4"])
def test_packed_chunks_are_read_one_by_one(compression, tmp_path):
    path = bag_files.write("ros1", tmp_path, MADE, compression=compression)
    opened = open_log(path)
    for i, recording in zip(
        (3, 0, 2, 1), [opened, pickle.loads(pickle.dumps(opened))] * 2, strict=True
    ):
        np.testing.assert_allclose(in_ego(recording, i), MADE.points_m[i], atol=1e-5)


@pytest.mark.parametrize("kind", ["ros1", "mcap"])
def test_what_is_whole_in_a_file_cut_short_is_kept_and_said(kind, tmp_path):
    many = layouts.drive(n_sweeps=200)
    path = bag_files.write(kind, tmp_path, many)
    if path.is_dir():
        path = next(path.glob("*.mcap"))
    whole = path.read_bytes()
    cut = path.with_name(f"cut{path.suffix}")
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    recording = open_log(cut)
    assert 0 < len(recording.timestamps_ns) < 200
    assert any("cut short at byte" in text for text in recording.warnings)
    np.testing.assert_allclose(in_ego(recording, 5), many.points_m[5], atol=1e-5)


def test_a_database_cut_short_is_refused(bags, tmp_path):
    whole = next(bags["ros2"].glob("*.db3")).read_bytes()
    (tmp_path / "cut.db3").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"cut\.db3: expected a (whole )?ROS 2 database"):
        open_log(tmp_path / "cut.db3")


def test_a_folder_without_a_file_its_metadata_names_is_refused(bags, tmp_path):
    folder = tmp_path / "drive"
    folder.mkdir()
    shutil.copy(bags["mcap"] / "metadata.yaml", folder)
    with pytest.raises(SourceError, match="its metadata names"):
        open_log(folder)


def test_foxglove_messages_are_read_like_those_of_ros(tmp_path):
    path = bag_files.write_foxglove(tmp_path / "fox.mcap", MADE)
    recording = open_log(path)
    assert recording.timestamps_ns.tolist() == MADE.times_ns.tolist()
    assert recording.chosen["camera.cam"] == "/cam,/cam/calibration"
    np.testing.assert_allclose(recording.ego_poses.world_from_ego, MADE.world_from_ego, atol=1e-12)
    assert np.ravel(recording.cameras["cam"].intrinsics).tolist() == bag_files.K
    assert recording.pictures["cam"].read(3) == bag_files.jpeg(3)
    for i in (2, 0, 3):
        np.testing.assert_allclose(in_ego(recording, i), MADE.points_m[i], atol=1e-5)


def test_a_damaged_chunk_is_skipped_and_said(tmp_path):
    data = bytearray(bag_files.write_foxglove(tmp_path / "a.mcap", MADE).read_bytes())
    data[len(data) // 3] ^= 0xFF
    (tmp_path / "bad.mcap").write_bytes(data)
    recording = open_log(tmp_path / "bad.mcap")
    assert 0 < len(recording.timestamps_ns) < 4
    assert any("damaged at byte" in text for text in recording.warnings)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    size = 4 << 20
    monkeypatch.setattr(packed, "SPARE_BYTES", 1 << 20)
    bomb = bz2.compress(bytes(size))
    # Whether it tells its size or not.
    for declared in (size, 10):
        fields = b"".join(
            len(f).to_bytes(4, "little") + f
            for f in (b"op=\x05", b"compression=bz2", b"size=" + declared.to_bytes(4, "little"))
        )
        record = len(fields).to_bytes(4, "little") + fields + len(bomb).to_bytes(4, "little")
        (tmp_path / "bomb.bag").write_bytes(b"#ROSBAG V2.0\n" + record + bomb)
        with pytest.raises(SourceError, match="got no message"):
            open_log(tmp_path / "bomb.bag")
    with pytest.raises(ValueError, match="far too long"):
        packed.unpack("bz2", bomb)
    with pytest.raises(ValueError, match="far too long"):
        packed.unpack("zstd", zstandard.compress(bytes(size)))


def test_two_bags_in_a_folder_are_told_apart(bags, tmp_path):
    for name in ("a.bag", "b.bag"):
        shutil.copy(bags["ros1"], tmp_path / name)
    with pytest.raises(SourceError, match=r"got 2: a\.bag, b\.bag"):
        open_log(tmp_path)
    assert open_log(f"{tmp_path}:b.bag").log_id == "b"


@pytest.mark.parametrize(
    ("encoding", "shape", "shown"),
    [
        ("bgr8", (3,), lambda p: p[..., ::-1]),
        ("rgba8", (4,), lambda p: p[..., :3]),
        ("mono8", (), lambda p: p),
    ],
)
def test_raw_pictures_keep_their_colours(encoding, shape, shown, tmp_path):
    pixels = np.arange(4 * 6 * max(1, *(shape or (1,)))).astype(np.uint8).reshape(4, 6, *shape)

    def extra(maker):
        yield "/extra/image_raw", 1, maker.image(int(MADE.times_ns[0]), pixels, encoding)

    path = bag_files.write("ros1", tmp_path, MADE, extra=extra)
    png = open_log(path).pictures["extra"].read(0)
    (tmp_path / "a.png").write_bytes(png)
    assert np.asarray(Image.open(tmp_path / "a.png")).tolist() == shown(pixels).tolist()


def test_a_bayer_mosaic_shows_its_colours(tmp_path):
    mosaic = np.tile(np.array([[200, 100], [50, 10]], np.uint8), (3, 3))

    def extra(maker):
        yield "/extra/image_raw", 1, maker.image(int(MADE.times_ns[0]), mosaic, "bayer_rggb8")

    path = bag_files.write("ros1", tmp_path, MADE, extra=extra)
    (tmp_path / "a.png").write_bytes(open_log(path).pictures["extra"].read(0))
    assert np.unique(
        np.asarray(Image.open(tmp_path / "a.png")).reshape(-1, 3), axis=0
    ).tolist() == [[200, 75, 10]]


def test_messages_packed_one_by_one_are_read_and_files_packed_whole_refused(tmp_path):
    for mode in ("MESSAGE", "FILE"):
        (tmp_path / mode).mkdir()
    path = bag_files.write("db3", tmp_path / "MESSAGE", MADE, compression="MESSAGE")
    np.testing.assert_allclose(in_ego(open_log(path), 2), MADE.points_m[2], atol=1e-5)
    path = bag_files.write("db3", tmp_path / "FILE", MADE, compression="FILE")
    with pytest.raises(SourceError, match="files that are not packed whole"):
        open_log(path)


@pytest.mark.parametrize("is_bigendian", [False, True])
def test_clouds_of_several_rows_with_padding_are_read(is_bigendian, tmp_path):
    order = ">" if is_bigendian else "<"
    step, n_rows, n_columns, pad = 20, 2, 3, 12
    dtype = np.dtype(
        {
            "names": ["x", "y", "z", "i", "ring"],
            "offsets": [0, 4, 8, 12, 16],
            "formats": [f"{order}f4"] * 4 + [f"{order}u2"],
            "itemsize": step,
        }
    )
    rows = np.zeros((n_rows, n_columns), dtype)
    rows["x"] = np.arange(6).reshape(2, 3)
    rows["z"][1, 2] = np.nan
    rows["ring"] = [[0, 1, 2], [3, 4, 700]]
    data = b"".join(row.tobytes() + b"\xff" * pad for row in rows)

    def extra(maker):
        ns = int(MADE.times_ns[0])
        message = maker.cloud(ns, np.zeros(0, bag_files.ROWS))
        kinds = ((n, at, 7) for n, at in zip("xyzi", (0, 4, 8, 12), strict=True))
        message.fields = [
            maker.PointField(name=n, offset=at, datatype=kind, count=1)
            for n, at, kind in (*kinds, ("ring", 16, 4))
        ]
        message.height, message.width, message.is_bigendian = n_rows, n_columns, is_bigendian
        message.point_step, message.row_step = step, step * n_columns + pad
        message.data = np.frombuffer(data, np.uint8)
        yield "/organised", ns, message

    path = bag_files.write("ros1", tmp_path, MADE, extra=extra)
    sweep = open_log(path, topics={"lidar": "/organised"}).source(0)
    assert sweep.points_m[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.isnan(sweep.points_m[5, 2])
    assert sweep.ring.tolist() == [0, 1, 2, 3, 4, 700]
