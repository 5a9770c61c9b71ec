"""What every verb prints: one JSON object for programs, a few lines for people."""

import json
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def emit(as_json: bool, result: dict[str, Any], lines: Iterable[str]) -> None:
    """Print `result` as one JSON object, or the lines, on stdout."""
    if as_json:
        print(json.dumps(result, allow_nan=False), flush=True)
    else:
        print("\n".join(lines), flush=True)


def note(text: str) -> None:
    """Tell the person something on stderr."""
    print(text, file=sys.stderr)
