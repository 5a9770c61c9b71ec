"""`perception-label review WORKSPACE`: the review app in the browser."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit

# A page holds some connections, and some requests wait for news: neither takes work.
CONNECTIONS, THREADS = 1000, 128
IN_MEMORY = 16 * 2**20  # bytes of an answer; a larger one waits in a file for a slow reader
MOST_BYTES = 64 * 2**20  # more is not even read; the app itself refuses far less


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8050,
    login: Annotated[
        str | None, typer.Option(help="none, local, oidc or proxy; see docs/people.md.")
    ] = None,
    opens: Annotated[
        bool, typer.Option("--open", help="Show the page in this machine's browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the review app and print its address; Ctrl-C stops it."""
    from waitress import create_server

    from perception_label.errors import SettingError
    from perception_label.pipeline.workspace import open_workspace
    from perception_label.review.access.settings import FOLDER, check_bind, load_access
    from perception_label.review.app import build_app, warm_up
    from perception_label.review.workers import Workers

    held = open_workspace(workspace)
    access = load_access(held.path / FOLDER, login)
    check_bind(access, host)
    opened = held.log(log)
    app = build_app(held, opened.id, access, Workers(held.path))
    try:
        server = create_server(
            app, host=host, port=port, threads=THREADS, connection_limit=CONNECTIONS,
            asyncore_use_poll=True, outbuf_overflow=IN_MEMORY, ident=None,
            max_request_body_size=MOST_BYTES,
        )  # fmt: skip
    except OSError as error:
        raise SettingError(f"review: expected a free port on {host}, got {port}: {error}") from None
    url = f"http://{host}:{server.effective_port}/"
    warm_up(app, opened.id)
    emit(as_json, {"log_id": opened.id, "url": url}, [f"reviewing {opened.id}: {url}"])
    if opens and _has_display():
        webbrowser.open(url)
    try:
        server.run()
    finally:
        server.close()


def _has_display() -> bool:
    """Tell whether a browser could show anything here."""
    is_desktop = sys.platform in ("darwin", "win32")
    return is_desktop or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
