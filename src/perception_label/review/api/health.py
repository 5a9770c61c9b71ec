"""Health: that the server is up and can read its workspace."""

from flask import Response, jsonify

from perception_label.review.api.routes import blueprint, workspace

routes = blueprint("health", "Is the server there.")


@routes.get("/healthz")
def healthz() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok")


@routes.get("/readyz")
def readyz() -> Response:
    """Say that the workspace can be read, and which logs it has."""
    return jsonify(status="ok", logs=workspace().logs())
