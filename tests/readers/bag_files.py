"""Bags written by the reference libraries from the drive of `layouts`: ROS 1, db3, MCAP."""

import io
from functools import cache

import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.PackedElementField_pb2 import PackedElementField
from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud
from mcap.writer import CompressionType
from mcap_protobuf.writer import Writer as WriterProtobuf
from PIL import Image
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from scipy.spatial.transform import Rotation

EGO_FROM_LIDAR = np.eye(4)
EGO_FROM_LIDAR[:3, :3] = Rotation.from_euler("zyx", [0.5, -0.03, 0.02]).as_matrix()
EGO_FROM_LIDAR[:3, 3] = [1.2, -0.1, 1.9]
EGO_FROM_CAMERA = np.eye(4)
EGO_FROM_CAMERA[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
EGO_FROM_CAMERA[:3, 3] = [1.5, 0.2, 1.4]
LOWER = np.eye(4)
LOWER[2, 3] = -0.25
ROWS = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "ring", "time"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<u2", "<f8"],
        "offsets": [0, 4, 8, 16, 20, 24],
        "itemsize": 32,
    }
)
K = [500.0, 0.0, 31.5, 0.0, 500.0, 23.5, 0.0, 0.0, 1.0]
D = [0.1, -0.02, 0.001, 0.002, 0.0]
CAMERA_SHIFT_NS = 7_000_000


def cloud_rows(points_m):
    """An ego-frame cloud as a driver's rows: sensor frame, ring, time of each point."""
    at = np.linalg.inv(EGO_FROM_LIDAR)
    rows = np.zeros(len(points_m), ROWS)
    for axis, values in zip("xyz", (points_m @ at[:3, :3].T + at[:3, 3]).T, strict=True):
        rows[axis] = values
    rows["intensity"] = np.arange(len(rows)) % 200
    rows["ring"] = np.arange(len(rows)) % 64
    rows["time"] = np.linspace(0, 0.1, len(rows))
    return rows


def jpeg(i):
    out = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 40 * i % 256, np.uint8)).save(out, "JPEG")
    return out.getvalue()


def raw_pixels(i):
    return (np.arange(48 * 64 * 3).reshape(48, 64, 3) + i).astype(np.uint8)


@cache
def store(is_ros1):
    if not is_ros1:
        return get_typestore(Stores.ROS2_HUMBLE)
    types = get_typestore(Stores.ROS1_NOETIC)
    text = "geometry_msgs/TransformStamped[] transforms"
    types.register(get_types_from_msg(text, "tf2_msgs/msg/TFMessage"))
    return types


class Maker:
    """Messages of one ROS generation."""

    def __init__(self, is_ros1):
        self.is_ros1, self.types = is_ros1, store(is_ros1)
        self.serialize = self.types.serialize_ros1 if is_ros1 else self.types.serialize_cdr

    def __getattr__(self, name):
        found = [t for t in self.types.types if t.endswith(f"/msg/{name}")]
        return self.types.types[found[0]]

    def header(self, ns, name):
        stamp = self.Time(sec=int(ns // 10**9), nanosec=int(ns % 10**9))
        extra = {"seq": 0} if self.is_ros1 else {}
        head = self.types.types["std_msgs/msg/Header"]
        return head(stamp=stamp, frame_id=("/" if self.is_ros1 else "") + name, **extra)

    def cloud(self, ns, rows, name="lidar_top"):
        kinds = {"<f4": 7, "<u2": 4, "<f8": 8}
        fields = [
            self.PointField(name=n, offset=ROWS.fields[n][1], count=1,
                            datatype=kinds[ROWS.fields[n][0].str])
            for n in ROWS.names
        ]  # fmt: skip
        data = np.frombuffer(rows.tobytes(), np.uint8)
        return self.PointCloud2(
            header=self.header(ns, name), height=1, width=len(rows), fields=fields,
            is_bigendian=False, point_step=32, row_step=32 * len(rows), data=data, is_dense=True,
        )  # fmt: skip

    def transform(self, ns, parent, child, matrix):
        x, y, z = map(float, matrix[:3, 3])
        qx, qy, qz, qw = map(float, Rotation.from_matrix(matrix[:3, :3]).as_quat())
        moved = self.Transform(
            translation=self.Vector3(x=x, y=y, z=z),
            rotation=self.Quaternion(x=qx, y=qy, z=qz, w=qw),
        )
        return self.TransformStamped(
            header=self.header(ns, parent), child_frame_id=child, transform=moved
        )

    def tf(self, *transforms):
        return self.types.types["tf2_msgs/msg/TFMessage"](transforms=list(transforms))

    def odometry(self, ns, matrix):
        at = self.transform(ns, "odom", "base_link", matrix).transform
        zero = self.Vector3(x=0.0, y=0.0, z=0.0)
        point = self.Point(x=at.translation.x, y=at.translation.y, z=at.translation.z)
        held = self.PoseWithCovariance(
            pose=self.Pose(position=point, orientation=at.rotation), covariance=np.zeros(36)
        )
        twist = self.TwistWithCovariance(
            twist=self.Twist(linear=zero, angular=zero), covariance=np.zeros(36)
        )
        return self.Odometry(
            header=self.header(ns, "odom"), child_frame_id="base_link", pose=held, twist=twist
        )

    def camera_info(self, ns):
        d, k, r, p = list("DKRP") if self.is_ros1 else list("dkrp")
        told = {d: np.array(D), k: np.array(K), r: np.eye(3).ravel(), p: np.zeros(12)}
        return self.CameraInfo(
            header=self.header(ns, "camera_front_optical"), height=48, width=64,
            distortion_model="plumb_bob", binning_x=0, binning_y=0,
            roi=self.RegionOfInterest(
                x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
            ), **told,
        )  # fmt: skip

    def compressed(self, ns, data):
        return self.CompressedImage(
            header=self.header(ns, "camera_front_optical"), format="jpeg",
            data=np.frombuffer(data, np.uint8),
        )  # fmt: skip

    def image(self, ns, pixels, encoding="rgb8"):
        return self.Image(
            header=self.header(ns, "camera_left"), height=pixels.shape[0], width=pixels.shape[1],
            encoding=encoding, is_bigendian=0, step=pixels[0].nbytes,
            data=np.frombuffer(pixels.tobytes(), np.uint8),
        )  # fmt: skip


def messages(made, maker, *, tf=True, odometry=False):
    """(topic, time, message) of a drive, as a recorder would have stored it."""
    first = int(made.times_ns[0])
    if tf:
        mounts = (
            maker.transform(first, "base_link", "lidar_top", EGO_FROM_LIDAR),
            maker.transform(first, "base_link", "camera_front_optical", EGO_FROM_CAMERA),
        )
        yield "/tf_static", first, maker.tf(*mounts)
    for i, ns in enumerate(made.times_ns.tolist()):
        pose = made.world_from_ego[i]
        if tf:
            yield "/tf", ns, maker.tf(maker.transform(ns, "odom", "base_link", pose))
        if odometry:
            yield "/odom", ns, maker.odometry(ns, pose)
        # Recorded 30 ms after the instant that it stands for.
        yield "/lidar/points", ns + 30_000_000, maker.cloud(ns, cloud_rows(made.points_m[i]))
        shown = ns + CAMERA_SHIFT_NS
        yield "/cam/front/image_raw/compressed", shown, maker.compressed(shown, jpeg(i))
        yield "/cam/front/camera_info", shown, maker.camera_info(shown)
        yield "/left/image_raw", shown, maker.image(shown, raw_pixels(i))


def write(kind, folder, made, **options):
    """Write a bag and return its path; options go to `messages`, or are `compression`."""
    maker = Maker(kind == "ros1")
    if kind == "ros1":
        path = folder / "drive.bag"
        writer = Writer1(path)
        packing = options.pop("compression", None)
        if packing:
            writer.set_compression(getattr(Writer1.CompressionFormat, packing))
    else:
        path = folder / "drive"
        plugin = StoragePlugin.MCAP if kind == "mcap" else StoragePlugin.SQLITE3
        writer = Writer2(path, version=9, storage_plugin=plugin)
        packing = options.pop("compression", None)
        if packing:
            mode = getattr(CompressionMode, packing)
            writer.set_compression(mode, CompressionFormat.ZSTD)
    put(writer, maker, options.pop("extra", lambda _: [])(maker), made, options)
    return path


def put(writer, maker, extra, made, options):
    connections = {}
    with writer:
        every = [*messages(made, maker, **options), *extra]
        for topic, ns, message in sorted(every, key=lambda row: row[1]):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=maker.types)
            writer.write(connections[topic], ns, maker.serialize(message, kind))


def _pose(message, matrix):
    x, y, z, w = Rotation.from_matrix(matrix[:3, :3]).as_quat()
    message.translation.x, message.translation.y, message.translation.z = matrix[:3, 3]
    message.rotation.x, message.rotation.y, message.rotation.z, message.rotation.w = x, y, z, w
    return message


def write_foxglove(path, made):
    """Write an MCAP file of Foxglove's protobuf messages, a chunk for each sweep."""
    first = int(made.times_ns[0])
    with (
        path.open("wb") as file,
        WriterProtobuf(file, chunk_size=4000, compression=CompressionType.LZ4) as writer,
    ):

        def put(topic, message, ns):
            message.timestamp.FromNanoseconds(ns)
            writer.write_message(topic=topic, message=message, log_time=ns, publish_time=ns)

        for child, matrix in (("lidar_base", EGO_FROM_LIDAR @ LOWER), ("cam", EGO_FROM_CAMERA)):
            edge = FrameTransform(parent_frame_id="base_link", child_frame_id=child)
            put("/tf", _pose(edge, matrix), first)
        lens = CameraCalibration(frame_id="cam", width=64, height=48, K=K, D=D)
        lens.distortion_model = "plumb_bob"
        put("/cam/calibration", lens, first)
        for i, ns in enumerate(made.times_ns.tolist()):
            edge = FrameTransform(parent_frame_id="map", child_frame_id="base_link")
            put("/tf", _pose(edge, made.world_from_ego[i]), ns)
            cloud = PointCloud(frame_id="lidar_base", point_stride=32)
            cloud.pose.position.z = 0.25
            cloud.pose.orientation.w = 1
            kinds = {"<f4": "FLOAT32", "<u2": "UINT16", "<f8": "FLOAT64"}
            for name in ROWS.names:
                dtype, at = ROWS.fields[name][:2]
                kind = getattr(PackedElementField, kinds[dtype.str])
                cloud.fields.add(name=name, offset=at, type=kind)
            cloud.data = cloud_rows(made.points_m[i]).tobytes()
            put("/points", cloud, ns)
            put("/cam", CompressedImage(frame_id="cam", format="jpeg", data=jpeg(i)), ns)
    return path
