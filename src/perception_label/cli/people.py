"""`perception-label people add|remove|list|token|revoke WORKSPACE …`: who may log in."""

import sys
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perception_label.cli.output import AsJson, emit

if TYPE_CHECKING:
    from perception_label.review.access.people import People

HELP = "Who may log in to the review app, and keys for programs."

Where = Annotated[Path, typer.Argument(help="The workspace.")]
Name = Annotated[str, typer.Argument(help="What the person is called.")]
RoleName = Annotated[str, typer.Option(help="viewer, annotator, reviewer, manager or admin.")]


def add(
    workspace: Where, name: Name, role: RoleName = "annotator", as_json: AsJson = False
) -> None:
    """Add a person, or change their password and role; the password is asked for or piped in."""
    held = _people(workspace)
    password = getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    held.put_user(name, password, role)
    emit(as_json, {"name": name, "role": role}, [f"{name}: {role}"])


def remove(workspace: Where, name: Name, as_json: AsJson = False) -> None:
    """Remove a person; their sessions and tokens end at once."""
    _people(workspace).remove_user(name)
    emit(as_json, {"removed": name}, [f"{name}: removed"])


def show(workspace: Where, as_json: AsJson = False) -> None:
    """List people and tokens."""
    held = _people(workspace)
    users = {name: user.role for name, user in sorted(held.users().items())}
    tokens = {
        name: {"owner": t.owner, "role": t.role, "scope": t.scope, "expires_s": t.expires_s}
        for name, t in held.tokens().items()
    }
    lines = [f"{name}: {role}" for name, role in users.items()]
    lines += [f"token {name}: {t['scope']}, of {t['owner']}" for name, t in tokens.items()]
    emit(as_json, {"people": users, "tokens": tokens}, lines or ["nobody yet"])


def token(
    workspace: Where,
    name: Name,
    scope: Annotated[str, typer.Option(help="read, edit or all.")] = "read",
    role: RoleName = "reviewer",
    days: Annotated[float, typer.Option(help="How long it is good for; 0: for ever.")] = 90.0,
    as_json: AsJson = False,
) -> None:
    """Make a key for a program; it is shown this once."""
    made = _people(workspace).put_token(name, role, scope, days)
    emit(as_json, {"token": made}, [made])


def revoke(
    workspace: Where,
    token_id: Annotated[str, typer.Argument(help="The token's id, as `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Make a token worthless."""
    _people(workspace).remove_token(token_id)
    emit(as_json, {"revoked": token_id}, [f"token {token_id}: revoked"])


RUNS = {"add": add, "remove": remove, "list": show, "token": token, "revoke": revoke}


def _people(workspace: Path) -> "People":
    from perception_label.pipeline.workspace import open_workspace
    from perception_label.review.access.people import People
    from perception_label.review.access.settings import FOLDER

    return People(open_workspace(workspace).path / FOLDER)
