"""Routes under `/api/v1`; each module is a blueprint and says what one thing answers."""

from perception_label.review.api import (
    assist,
    changes,
    edits,
    health,
    history,
    image_labels,
    images,
    jobs,
    leases,
    login,
    queue,
    scene,
    sweeps,
    tracks,
)

_MODULES = (
    health, scene, sweeps, images, image_labels, tracks, edits, assist, changes, queue, history,
    jobs, leases, login,
)  # fmt: skip
BLUEPRINTS = tuple(module.routes for module in _MODULES)
