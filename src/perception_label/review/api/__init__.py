"""Routes under `/api/v1`; each module is a blueprint and says what one thing answers."""

from perception_label.review.api import (
    assist,
    changes,
    edits,
    health,
    images,
    queue,
    scene,
    sweeps,
    tracks,
)

_MODULES = (health, scene, sweeps, images, tracks, edits, assist, changes, queue)
BLUEPRINTS = tuple(module.routes for module in _MODULES)
