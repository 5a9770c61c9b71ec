"""Health: that the server is up and can read its workspace."""

from flask import Response, jsonify

from perception_label.review.answers import Health, Ready
from perception_label.review.api.routes import TOKEN, blueprint, workspace

routes = blueprint("health", "Is the server there.", is_open=True)


@routes.get("/healthz", responses={200: Health})
def healthz() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok")


@routes.get("/readyz", security=TOKEN, responses={200: Ready})
def readyz() -> Response:
    """Say that the workspace can be read, and which logs it has."""
    return jsonify(status="ok", logs=workspace().logs())
