"""What export formats of 2-D labels mean by their numbers; rows of `conventions.CONVENTIONS`."""

_PIXELS = {
    "coordinate_frame": "the camera's image, as taken: lens distortion is not removed",
    "axes": "x right, y down",
    "yaw": "none, upright rectangles; where nobody drew on a camera's images, those around the "
    "visible outlines of the cuboids",
    "units": "pixels",
    "precision": "0.001 px",
}
_LOST = "cuboids; revision"

FLAT: dict[str, dict[str, str]] = {
    "coco": {
        **_PIXELS,
        "origin": "left upper corner, 0 at the outer edge of the first pixel",
        "size_order": "width, height",
        "time": "`timestamp_ns` of each image, with its log, camera and number",
        "tracks": "`attributes.track_id` a number, `attributes.track_name` our text",
        "precision": "none",
        "not_held": _LOST,
    },
    "mot": {
        **_PIXELS,
        "origin": "left upper corner, 1 at the outer edge of the first pixel",
        "size_order": "width, height",
        "time": "number of the image from 1; side/ has its `timestamp_ns`",
        "tracks": "whole number from 1; side/ has its text, class and keyframes",
        "not_held": f"{_LOST}; source; shapes other than boxes; classes but for four",
    },
    "cvat": {
        **_PIXELS,
        "origin": "left upper and right lower corner, 0 at the outer edge of the first pixel",
        "size_order": "none, two corners",
        "time": "number of the image from 0",
        "tracks": "the number of `<track>`; attribute `track_id` has our text",
        "not_held": f"{_LOST}; scores; times",
    },
    "voc": {
        **_PIXELS,
        "origin": "first and last pixel inside, counted from 1",
        "size_order": "none, two corners",
        "time": "`<source><image>` has the `timestamp_ns`",
        "tracks": "`<attributes>`: track_id",
        "precision": "0.5 px, whole pixels",
        "not_held": f"{_LOST}; scores; shapes other than boxes",
    },
    "yolo": {
        **_PIXELS,
        "origin": "middle of the box",
        "size_order": "width, height",
        "units": "share of the image's width and height",
        "time": "side/ has the `timestamp_ns` of each image's number",
        "tracks": "side/ has the track of each line",
        "precision": "1e-7 of the image",
        "not_held": f"{_LOST}; source; scores; shapes other than boxes",
    },
}
