"""Pictures of a log's cameras."""

import hashlib
import io

from flask import Response, request
from PIL import Image

from perception_label.errors import SettingError
from perception_label.review.answers import binary
from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.api.sweeps import YEAR_S
from perception_label.review.payloads import ImagePath, ImageQuery

QUALITY = 88  # of a JPEG: labels are drawn on it, not measured in it
AS_THEY_ARE = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}

routes = blueprint("images", "Pictures; one never changes.")


@routes.get(
    "/logs/<log_id>/cameras/<camera>/images/<int:image>",
    responses=binary("image/jpeg", "image/png"),
)
def picture(path: ImagePath, query: ImageQuery) -> Response:
    """Return one picture of a camera: as its file is, or a JPEG of a video's or a smaller one."""
    desk = desk_of(path.log_id)
    times = desk.log.image_timestamps_ns.get(path.camera)
    if times is None or path.image >= len(times):
        got = f"{path.camera}, image {path.image}"
        raise SettingError(f"log {path.log_id}: expected one of its cameras' images, got {got}")
    said = f"{desk.log.info.fingerprint}/{path.camera}/{path.image}/{query.width_px}"
    tag = hashlib.sha256(said.encode()).hexdigest()[:32]
    if tag in request.if_none_match:
        return Response(status=304)
    images = desk.log.images[path.camera]
    file = images.paths[path.image] if images.presentation_ns is None else None
    if file is not None and query.width_px is None and file.suffix.lower() in AS_THEY_ARE:
        answer = Response(file.read_bytes(), mimetype=AS_THEY_ARE[file.suffix.lower()])
    else:
        source = desk.camera(path.camera)
        scale = 1.0 if query.width_px is None else min(1.0, query.width_px / source.width_px)
        packed = io.BytesIO()
        Image.fromarray(source.image(path.image, scale=scale)).save(packed, "JPEG", quality=QUALITY)
        answer = Response(packed.getvalue(), mimetype="image/jpeg")
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = f"private, max-age={YEAR_S}, immutable"
    return answer
