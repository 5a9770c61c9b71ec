"""Points of sweeps, as they are drawn while they arrive."""

import hashlib

from flask import Response, request

from perception_label.review.answers import binary
from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.container import pack
from perception_label.review.payloads import SweepPath

YEAR_S = 31_536_000

routes = blueprint("sweeps", "Points; a sweep never changes.")


@routes.get(
    "/logs/<log_id>/sweeps/<int:sweep>/points", responses=binary("application/octet-stream")
)
def points(path: SweepPath) -> Response:
    """Return a sweep's points in the container that `review/container.py` describes."""
    log = desk_of(path.log_id).log
    found = log.sweep(path.sweep)
    # The log's fingerprint is over all that decides its bytes.
    tag = hashlib.sha256(f"{log.info.fingerprint}/{path.sweep}/2".encode()).hexdigest()[:32]
    if tag in request.if_none_match:
        return Response(status=304)
    answer = Response(pack(found.points_m, found.intensity), mimetype="application/octet-stream")
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = f"private, max-age={YEAR_S}, immutable"
    return answer
