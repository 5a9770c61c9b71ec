"""What the export formats of driving datasets mean by their numbers.

Rows of `conventions.CONVENTIONS`, as plain texts.
"""

DATASETS: dict[str, dict[str, str]] = {
    "nuscenes": {
        "coordinate_frame": "world of the log, as `global`; `origin_m` of side/ added gives the "
        "source's coordinates; points in the LiDAR's frame",
        "axes": "x and y level, z up, right-handed; ego x ahead, y left",
        "yaw": "quaternion w, x, y, z; 0 along +x, counter-clockwise about +z",
        "origin": "middle of the box",
        "size_order": "width, length, height",
        "units": "metres; velocity metres per second; intensity 0 to 255",
        "time": "microseconds of the source's clock, rounded down; side/ has `timestamp_ns`",
        "tracks": "`instance_token`, a sum of log and track; side/ has the `track_id`",
        "precision": "none, the float64 itself; points float32",
        "not_held": "score (results/ have it), source (side/ has the keyframes), expected_iou, "
        "revision, lens distortion; cyclist is vehicle.bicycle with cycle.with_rider, classes "
        "nuScenes lacks keep their name, side/ has all; occlusion that nobody told is visibility 4",
    },
    "argoverse2": {
        "coordinate_frame": "ego at each sweep, boxes and points alike; city_SE3_egovehicle leads "
        "to the world of the log; `origin_m` of side/ added gives the source's coordinates",
        "axes": "x ahead, y left, z up",
        "yaw": "quaternion w, x, y, z: turns the box's axes (ahead, left, up) to ego's; boxes "
        "stand upright in the world, so on a slope they lean in the ego frame",
        "origin": "middle of the box",
        "size_order": "length, width, height",
        "units": "metres; intensity 0 to 255",
        "time": "`timestamp_ns`, int64 nanoseconds on the source's clock",
        "tracks": "`track_uuid`, any text",
        "precision": "none, the float64 itself; points float32, not the float16 of the published "
        "logs",
        "not_held": "score, source (side/ has the keyframes), expected_iou, revision, attributes "
        "(side/ has them), lens distortion but k1 k2 k3; classes Argoverse lacks are written in "
        "capitals, construction_vehicle is LARGE_VEHICLE, side/ has all",
    },
    "waymo": {
        "coordinate_frame": "vehicle at each sweep; vehicle_pose leads to the world of the log; "
        "`origin_m` of side/ added gives the source's coordinates",
        "axes": "x ahead, y left, z up; cameras x ahead, y left, z up",
        "yaw": "heading: 0 along +x, counter-clockwise about +z, in [-pi, pi); on a slope the one "
        "from which a projection to the world gives the world's yaw",
        "origin": "middle of the box",
        "size_order": "x length, y width, z height",
        "units": "metres, radians; pixels from the first one's edge",
        "time": "microseconds of the source's clock, rounded down; side/ has `timestamp_ns`",
        "tracks": "`laser_object_id`, any text",
        "precision": "none, the float64 itself; points of the range images, with their pixels' "
        "poses, to float32 of world coordinates: 1e-4 m within a kilometre of the origin",
        "not_held": "classes but vehicle, pedestrian and cyclist (side/ has them; bicycle and "
        "other are type 0), score, source (side/ has the keyframes), expected_iou, revision, "
        "attributes (side/ has them), speed, acceleration, ring and time of a point, velocity "
        "at a picture, pictures beyond one for each sweep and five cameras",
    },
}
