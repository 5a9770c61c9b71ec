"""Routes under `/api/v1`; each module is a blueprint and says what one thing answers."""

from perception_label.review.api import assist, changes, edits, health, queue, scene, sweeps, tracks

BLUEPRINTS = tuple(m.routes for m in (health, scene, sweeps, tracks, edits, assist, changes, queue))
