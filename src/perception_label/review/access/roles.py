"""Roles, and what each of them may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from perception_label.errors import SettingError


class Role(IntEnum):
    """What a person may do; each may do what those below it may."""

    VIEWER = 1  # look
    ANNOTATOR = 2  # change labels
    REVIEWER = 3  # judge them: verdicts, finalise
    MANAGER = 4  # all that reviewers do; routes over whole workspaces ask for it
    ADMIN = 5  # all


# A token can do no more than its scope, nor than its owner.
SCOPES: Mapping[str, Role] = {"read": Role.VIEWER, "edit": Role.REVIEWER, "all": Role.ADMIN}

# Kinds of edits; one that is not here needs an admin.
EDITS: Mapping[str, Role] = dict.fromkeys(
    (
        "create_track", "set_keyframe", "remove_keyframe", "set_shape", "remove_shape", "set_size",
        "set_class", "set_attribute", "set_lifespan", "set_static", "set_outside", "merge",
        "split", "delete", "comment", "undo",
    ),
    Role.ANNOTATOR,
) | dict.fromkeys(("finalise", "verdict"), Role.REVIEWER)  # fmt: skip

# Endpoints that change something; one that is not here needs an admin.
CHANGES: Mapping[str, Role] = {
    "login.logout": Role.VIEWER,
    "leases.lease": Role.VIEWER,
    "edits.append": Role.VIEWER,  # each op is judged by its kind
    "assist.click": Role.ANNOTATOR,
    "assist.rectangle": Role.ANNOTATOR,
    "jobs.start": Role.ANNOTATOR,
    "jobs.cancel": Role.ANNOTATOR,
    "/_dash-update-component": Role.VIEWER,  # tables and panels; edits go through the API
}


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks: the author of edits, what they may do, and what told it (`session`, `token`…)."""

    name: str
    role: Role
    told_by: str = "session"

    def may(self, kind: str) -> bool:
        """Return whether an edit of this kind is theirs to make."""
        return self.role >= EDITS.get(kind, Role.ADMIN)


def role_of(name: str) -> Role:
    """Return the role of this name; raises SettingError if there is none."""
    try:
        return Role[name.upper()]
    except KeyError:
        known = [role.name.lower() for role in Role]
        raise SettingError(f"role: expected one of {known}, got {name!r}") from None
