"""2-D labels on the images of a camera."""

from perception_label.errors import SettingError
from perception_label.review.api.routes import blueprint, desk_of
from perception_label.review.payloads import CameraPath, ImageLabels, ImageLabelsQuery

MOST_IMAGES = 500  # of one answer, shapes told; a page asks for far fewer

routes = blueprint("image_labels", "2-D labels: keyframes, and what was carried between them.")


@routes.get("/logs/<log_id>/cameras/<camera>/labels", responses={200: ImageLabels})
def labels(path: CameraPath, query: ImageLabelsQuery) -> dict[str, object]:
    """Return the labels on a range of a camera's images; without shapes on all that are asked.

    The `propagate_images` job works labels out for the images between keyframes.
    """
    desk = desk_of(path.log_id)
    times = desk.log.image_timestamps_ns.get(path.camera)
    if times is None:
        raise SettingError(f"log {path.log_id}: expected one of its cameras, got {path.camera!r}")
    last = len(times) - 1 if query.last is None else min(query.last, len(times) - 1)
    if query.with_shapes:
        last = min(last, query.first + MOST_IMAGES - 1)
    state = desk.edits.state()
    found = desk.board.labels(
        path.camera, state, query.first, last,
        track_id=query.track_id, with_shapes=query.with_shapes,
    )  # fmt: skip
    return ImageLabels(
        revision=state.revision, first=query.first, last=last, labels=found
    ).model_dump()
