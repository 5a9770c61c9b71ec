"""Render docs/api.md from the docstrings of the public names: `python docs/render_api.py`."""

import inspect
from pathlib import Path
from typing import Any

import perception_label as pl

HEAD = """# The public surface

`import perception_label as pl`. N counts points, M and K cuboids, S sweeps, T tracks. Lengths are
metres, angles radians, times int64 nanoseconds; [conventions.md](conventions.md) says what the
coordinate frames are. Errors are subclasses of `pl.LabelError`, one line each: where, what was
expected, what was found.

This page is rendered from the docstrings by `python docs/render_api.py`; a test compares the two.
"""


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for name in pl.__all__:
        if name == "__version__":
            continue
        thing = getattr(pl, name)
        parts.append(_entry(f"## `pl.{name}{_arguments(thing)}`", thing))
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            for method, function in vars(thing).items():
                if method[0] != "_" and inspect.isfunction(function):
                    title = f"### `{name}.{method}{_arguments(function)}`"
                    parts.append(_entry(title, function))
    return "\n".join(parts)


def _entry(title: str, thing: Any) -> str:
    return f"{title}\n\n```text\n{inspect.getdoc(thing)}\n```\n"


def _arguments(thing: Any) -> str:
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return ""
    signature = inspect.signature(thing)
    plain = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in signature.parameters.values()
        if p.name != "self"
    ]
    shown = signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)
    return str(shown).replace("'", '"')


if __name__ == "__main__":
    Path(__file__).with_name("api.md").write_text(render(), encoding="utf-8")
