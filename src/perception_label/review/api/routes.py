"""What all routes need: their prefix, and the desk of the log that is asked for."""

from typing import TYPE_CHECKING, Any, cast

from flask import current_app, g
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.security_scheme import SecurityScheme
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from perception_label.review.access.roles import Account
from perception_label.review.desk import Desk
from perception_label.review.payloads import Fault

if TYPE_CHECKING:
    from perception_label.pipeline.workspace import Workspace
    from perception_label.review.jobs import Jobs
    from perception_label.review.server import Desks

PREFIX = "/api/v1"
DESKS = "perception_label.desks"  # where the app keeps them
FAULTS: dict[Any, type[BaseModel] | dict[Any, Any] | None] = dict.fromkeys(
    (400, 401, 403, 404, 413, 415, 422, 503), Fault
)


TOKEN: list[dict[str, list[str]]] = [{"token": []}]
# Pages use a session beside; a document that names its cookie would tell programs to as well.
SCHEMES: dict[str, SecurityScheme | dict[str, Any]] = {
    "token": {"type": "http", "scheme": "bearer"}
}


def blueprint(name: str, about: str, *, is_open: bool = False) -> APIBlueprint:
    """Return a blueprint under the prefix; of an open one each route names the token it needs."""
    return APIBlueprint(
        name, f"perception_label.review.api.{name}", url_prefix=PREFIX,
        abp_tags=[Tag(name=name, description=about)], abp_responses=FAULTS,
        abp_security=None if is_open else TOKEN,
    )  # fmt: skip


def desk_of(log_id: str) -> Desk:
    """Return the desk of a log; raises SettingError if there is no such log."""
    desks = cast("Desks", current_app.extensions[DESKS])
    return desks.desk(log_id)


def me() -> Account:
    """Return who asks; the guard let them in."""
    return cast("Account", g.account)


def workspace() -> "Workspace":
    """Return the workspace that is served."""
    return cast("Desks", current_app.extensions[DESKS]).workspace


def jobs_of() -> "Jobs":
    """Return the jobs of the workspace that is served."""
    return cast("Desks", current_app.extensions[DESKS]).jobs
