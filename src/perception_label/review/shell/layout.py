"""What is where on the page."""

from collections.abc import Mapping, Sequence

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import dcc, html

from perception_label.review.components import (
    Cameras,
    Details,
    Grids,
    Images2d,
    Jobs,
    Keyboard,
    Panes,
    Queue,
    Rows,
    Status,
    Timeline,
    Viewer,
)
from perception_label.review.shell import ids

CLOCK_S = 20  # how often the cost meter is read

_COLUMNS = [
    {"field": "track_id", "headerName": "track", "width": 90},
    {"field": "class_name", "headerName": "class", "width": 100},
    {"field": "n", "headerName": "boxes", "width": 75, "filter": "agNumberColumnFilter"},
    {"field": "keys", "headerName": "keys", "width": 65, "filter": "agNumberColumnFilter"},
    {"field": "score", "width": 75, "filter": "agNumberColumnFilter"},
    {"field": "worst", "headerName": "worst IoU", "width": 85, "filter": "agNumberColumnFilter"},
    {"field": "state", "width": 80},
    {"field": "comments", "width": 90, "filter": "agNumberColumnFilter"},
    {"field": "first", "headerName": "from sweep", "width": 95, "filter": "agNumberColumnFilter"},
    {"field": "source", "width": 130},
]
_SHARE = {"function": "params.value == null ? '' : params.value.toFixed(2)"}


def outer() -> object:
    """Return what never changes: the address, and the place for the page of a log."""
    return dmc.MantineProvider(
        [dcc.Location(id=ids.ADDRESS, refresh=False), html.Div(id=ids.PAGE)],
        defaultColorScheme="dark",
    )


def nothing_here() -> object:
    """Return the page of a workspace without logs."""
    return dmc.Alert(
        "This workspace has no log yet: ingest one, then load this page again.",
        title="Nothing to review",
        m="xl",
    )


def page(log_id: str, logs: Sequence[str], keymap: Mapping[str, Sequence[str]]) -> object:
    """Return the page of one log; `logs` are all that there are, `keymap` a person's own keys."""
    middle = html.Div(
        [
            Viewer(id=ids.VIEWER, log=log_id, style={"flex": 1, "minHeight": 0}),
            Timeline(id="timeline", log=log_id, style={"height": "9rem"}),
        ],
        className="pl-middle",
    )
    views = html.Div(
        [
            Cameras(id="cameras", log=log_id, style={"height": "13rem", "flexShrink": 0}),
            Panes(id="panes", log=log_id, style={"flex": 1, "minHeight": "20rem"}),
        ],
        className="pl-views",
    )
    body = html.Div(
        [
            html.Div(_left(log_id), id=ids.LEFT, className="pl-left"),
            middle,
            views,
            html.Div(Details(id="details", log=log_id), className="pl-right"),
        ],
        className="pl-body",
    )
    hidden = [
        Keyboard(id="keys", log=log_id, keymap=keymap),
        Grids(id="grids", log=log_id),
        Images2d(id="images", log=log_id, keymap=keymap),
        Rows(id=ids.ROWS, log=log_id),
        dcc.Interval(id=ids.CLOCK, interval=CLOCK_S * 1000),
        dmc.Modal(
            html.Div(id=ids.CHARTS_BODY),
            id=ids.CHARTS,
            title="Dashboards",
            fullScreen=True,
        ),
    ]
    return html.Div([_header(log_id, logs), body, *hidden], className="pl-page")


def _header(log_id: str, logs: Sequence[str]) -> object:
    chosen = dmc.Select(
        id=ids.LOG,
        data=list(logs),
        value=log_id,
        allowDeselect=False,
        size="xs",
        w=170,
        **{"aria-label": "Log"},
    )
    return html.Header(
        [
            html.Button("☰", id=ids.FOLD_LEFT, title="show or hide the lists", type="button"),
            chosen,
            Status(id="status", log=log_id),
            html.Span(id=ids.COST, className="pl-cost", title="measured from people's edits"),
            html.Button("dashboards", id=ids.CHARTS_OPEN, type="button"),
            dmc.ColorSchemeToggle(
                lightIcon="☀", darkIcon="☾", size="sm", **{"aria-label": "Dark or light"}
            ),
        ],
        className="pl-header",
    )


def _left(log_id: str) -> object:
    table = dag.AgGrid(
        id=ids.TABLE,
        columnDefs=[
            each | ({"valueFormatter": _SHARE} if each["field"] in ("score", "worst") else {})
            for each in _COLUMNS
        ],
        rowData=[],
        getRowId="params.data.track_id",
        defaultColDef={
            "sortable": True, "filter": True, "floatingFilter": True, "resizable": True,
            "suppressFloatingFilterButton": True,
        },
        dashGridOptions={
            "rowSelection": {
                "mode": "singleRow", "checkboxes": False, "enableClickSelection": True,
            },
            "animateRows": False,
            "rowHeight": 26,
        },
        style={"height": "100%"},
    )  # fmt: skip
    panels = {
        "queue": Queue(id="queue", log=log_id),
        "tracks": table,
        "jobs": Jobs(id="jobs", log=log_id),
    }
    return dmc.Tabs(
        [
            dmc.TabsList([dmc.TabsTab(name, value=name) for name in panels]),
            *[dmc.TabsPanel(panel, value=name) for name, panel in panels.items()],
        ],
        value="queue",
        keepMounted=True,
        className="pl-tabs",
    )
