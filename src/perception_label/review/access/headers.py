"""What every answer tells the browser about safety."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, current_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SCRIPTS = "perception_label.inline_scripts"  # where the app keeps a function that hashes them

# Styles are set inline by Dash, Mantine and Plotly; scripts are ours or known by their hash.
_POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def add_headers(answer: Response, *, is_https: bool) -> Response:
    """Add the headers; those that a route set itself stay."""
    hashes: Callable[[], Iterable[str]] | None = current_app.extensions.get(SCRIPTS)
    scripts = "".join(f" {each}" for each in hashes()) if hashes is not None else ""
    given = {
        "Content-Security-Policy": _POLICY.format(scripts=scripts),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if is_https:
        given["Strict-Transport-Security"] = "max-age=31536000"
    if answer.mimetype == "application/json":
        given["Cache-Control"] = "no-store"
    for name, value in given.items():
        answer.headers.setdefault(name, value)
    return answer
