"""The columns of Waymo's components, with the types that its own classes have."""

import pyarrow as pa

_SEGMENT = [("key.segment_context_name", pa.string())]
_INSTANT = [*_SEGMENT, ("key.frame_timestamp_micros", pa.int64())]
_MATRIX = pa.list_(pa.float64(), 16)
_IMAGE = (("values", pa.list_(pa.float32())), ("shape", pa.list_(pa.int32(), 3)))


def _of(
    component: str, key: list[tuple[str, pa.DataType]], *columns: tuple[str, pa.DataType]
) -> pa.Schema:
    return pa.schema([*key, *((f"[{component}].{name}", kind) for name, kind in columns)])


def _each(prefix: str, names: str, kind: pa.DataType) -> list[tuple[str, pa.DataType]]:
    return [(f"{prefix}.{name}", kind) for name in names.split()]


COMPONENTS: dict[str, pa.Schema] = {
    "vehicle_pose": _of(
        "VehiclePoseComponent", _INSTANT, ("world_from_vehicle.transform", _MATRIX)
    ),
    "lidar": _of(
        "LiDARComponent",
        [*_INSTANT, ("key.laser_name", pa.int8())],
        *((f"range_image_return{k}.{name}", kind) for k in (1, 2) for name, kind in _IMAGE),
    ),
    "lidar_pose": _of(
        "LiDARPoseComponent",
        [*_INSTANT, ("key.laser_name", pa.int8())],
        *((f"range_image_return1.{name}", kind) for name, kind in _IMAGE),
    ),
    "lidar_calibration": _of(
        "LiDARCalibrationComponent",
        [*_SEGMENT, ("key.laser_name", pa.int8())],
        ("extrinsic.transform", _MATRIX),
        ("beam_inclination.min", pa.float64()),
        ("beam_inclination.max", pa.float64()),
        ("beam_inclination.values", pa.list_(pa.float64())),
    ),
    "camera_calibration": _of(
        "CameraCalibrationComponent",
        [*_SEGMENT, ("key.camera_name", pa.int8())],
        *_each("intrinsic", "f_u f_v c_u c_v k1 k2 p1 p2 k3", pa.float64()),
        ("extrinsic.transform", _MATRIX),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("rolling_shutter_direction", pa.int8()),
    ),
    "camera_image": _of(
        "CameraImageComponent",
        [*_INSTANT, ("key.camera_name", pa.int8())],
        ("image", pa.binary()),
        ("pose.transform", _MATRIX),
        *_each("velocity.linear_velocity", "x y z", pa.float32()),
        *_each("velocity.angular_velocity", "x y z", pa.float64()),
        ("pose_timestamp", pa.float64()),
        *_each(
            "rolling_shutter_params",
            "shutter camera_trigger_time camera_readout_done_time",
            pa.float64(),
        ),
    ),
    "lidar_box": _of(
        "LiDARBoxComponent",
        [*_INSTANT, ("key.laser_object_id", pa.string())],
        *_each("box", "center.x center.y center.z size.x size.y size.z heading", pa.float64()),
        ("type", pa.int8()),
        ("num_lidar_points_in_box", pa.int64()),
        ("num_top_lidar_points_in_box", pa.int64()),
        *_each("speed", "x y z", pa.float64()),
        *_each("acceleration", "x y z", pa.float64()),
        *_each("difficulty_level", "detection tracking", pa.int8()),
    ),
}
