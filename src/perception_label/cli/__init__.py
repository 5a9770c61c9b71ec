"""Command line: parse, call one function, print. One module per verb.

A verb is a module with `NAME`, a line in `VERBS`, and a function `run` whose parameters
typer reads; heavy imports stay inside `run`, so that `--help` answers at once.
"""

import sys
from importlib import import_module
from typing import Any

import typer

from perception_label.errors import LabelError

VERBS: tuple[str, ...] = (
    "cost",
    "demo",
    "doctor",
    "export",
    "import",
    "infer",
    "ingest",
    "propose",
    "queue",
    "review",
    "score",
    "solve",
)

# Verbs with verbs of their own: such a module has `RUNS`, functions by name, and `HELP`.
GROUPS: tuple[str, ...] = ("people", "video")

STOPPED = 130  # what a shell expects after Ctrl-C

# Typer's own since it stopped building on click, click's before; neither has a public name.
WRONG_USAGE: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def build_app() -> typer.Typer:
    """Return the command line with every verb on it."""
    app = typer.Typer(
        name="perception-label",
        help="Label one keyframe of a recorded drive and get the label over the whole log.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for group in GROUPS:
        module = import_module(f"perception_label.cli.{group}")
        verbs = typer.Typer(help=module.HELP, no_args_is_help=True)
        for name, run in module.RUNS.items():
            verbs.command(name=name)(run)
        app.add_typer(verbs, name=group)
    for verb in VERBS:
        module = import_module(f"perception_label.cli.{verb}")
        app.command(name=verb.replace("_", "-"))(module.run)
    return app


def _root() -> None:
    """Label one keyframe of a recorded drive and get the label over the whole log."""


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 0 on success, 1 on an error of ours in one line, 2 on wrong usage."""
    try:
        code = build_app()(args=argv, standalone_mode=False)
    except WRONG_USAGE as error:
        error.show()
        return 2
    except (typer.Abort, KeyboardInterrupt):
        code = STOPPED
    except LabelError as error:
        print(f"perception-label: {error}", file=sys.stderr)
        return 1
    if code == STOPPED:
        print("perception-label: stopped", file=sys.stderr)
    return int(code or 0)
