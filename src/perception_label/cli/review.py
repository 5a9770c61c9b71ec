"""`perception-label review WORKSPACE`: the review app in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8050,
    as_json: AsJson = False,
) -> None:
    """Serve the review app and print its address; Ctrl-C stops it."""
    from waitress import create_server

    from perception_label.errors import SettingError
    from perception_label.pipeline.workspace import open_workspace
    from perception_label.review.app import build_app, warm_up

    held = open_workspace(workspace)
    opened = held.log(log)
    app = build_app(held, opened.id)
    try:
        server = create_server(app, host=host, port=port, threads=16, ident=None)
    except OSError as error:
        raise SettingError(f"review: expected a free port on {host}, got {port}: {error}") from None
    url = f"http://{host}:{server.effective_port}/"
    warm_up(app, opened.id)
    emit(as_json, {"log_id": opened.id, "url": url}, [f"reviewing {opened.id}: {url}"])
    try:
        server.run()
    finally:
        server.close()
