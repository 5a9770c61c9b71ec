"""What the page's own parts do; edits never go through here, they have their own way."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from dash import Input, Output, State, no_update

from perception_label.review.shell import ids, layout
from perception_label.review.shell.charts import charts
from perception_label.review.shell.keymap import read_keymap

if TYPE_CHECKING:
    from dash import Dash

    from perception_label.review.server import Desks

_FILL = "(rows) => rows || window.dash_clientside.no_update"
# The table follows the view, and the view the table.
_MARK = """(name, chosen) => {
  const is = (chosen || [])[0];
  const isSame = (is ? is.track_id : '') === name;
  const {no_update} = window.dash_clientside;
  if (name === undefined || isSame) return [no_update, no_update];
  return [name ? {ids: [name]} : [], name ? {rowId: name} : no_update];
}"""
_SELECT = """(chosen, log) => {
  const row = (chosen || [])[0];
  if (!row || !log) return window.dash_clientside.no_update;
  const session = window.perception_label.session('', log);
  if (session.selected === row.track_id || !session.tracks.has(row.track_id)) {
    return window.dash_clientside.no_update;
  }
  const sweeps = session.tracks.get(row.track_id).sweeps;
  if (sweeps.length && !sweeps.includes(session.sweep)) session.show(sweeps[0]);
  session.select(row.track_id);
  session.tell('zoom');
  return window.dash_clientside.no_update;
}"""
_FOLD = """(n, style) => ({...style, display: n % 2 ? 'none' : ''})"""
_GO = """(name, now) => {
  if (name && name !== now) window.location.search = '?log=' + encodeURIComponent(name);
  return window.dash_clientside.no_update;
}"""


def register(app: Dash, desks: Desks, log_id: str | None) -> None:
    """Connect the parts of the page; `log_id` is shown where the address names none."""

    def page(search: str | None) -> object:
        return _page(desks, log_id, search)

    def cost(_n: int | None, name: str) -> str:
        return cost_line(desks, name)

    def dashboards(clicks: int | None, name: str) -> tuple[object, object]:
        return (True, charts(desks.desk(name))) if clicks else (no_update, no_update)

    app.callback(Output(ids.PAGE, "children"), Input(ids.ADDRESS, "search"))(page)
    app.callback(
        Output(ids.COST, "children"), Input(ids.CLOCK, "n_intervals"), State(ids.LOG, "value")
    )(cost)
    app.callback(
        Output(ids.CHARTS, "opened"),
        Output(ids.CHARTS_BODY, "children"),
        Input(ids.CHARTS_OPEN, "n_clicks"),
        State(ids.LOG, "value"),
        prevent_initial_call=True,
    )(dashboards)
    app.clientside_callback(
        _FILL, Output(ids.TABLE, "rowData"), Input(ids.ROWS, "rows"), prevent_initial_call=True
    )
    app.clientside_callback(
        _MARK,
        Output(ids.TABLE, "selectedRows"),
        Output(ids.TABLE, "scrollTo"),
        Input(ids.ROWS, "selected"),
        State(ids.TABLE, "selectedRows"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        _SELECT,
        Output(ids.TABLE, "id"),
        Input(ids.TABLE, "selectedRows"),
        State(ids.LOG, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        _FOLD,
        Output(ids.LEFT, "style"),
        Input(ids.FOLD_LEFT, "n_clicks"),
        State(ids.LEFT, "style"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        _GO,
        Output(ids.LOG, "id"),
        Input(ids.LOG, "value"),
        State(ids.VIEWER, "log"),
        prevent_initial_call=True,
    )


def chosen_log(desks: Desks, log_id: str | None, search: str | None) -> str | None:
    """Return the log that an address asks for, else `log_id`, else the first; None without any."""
    logs = desks.workspace.logs()
    asked = parse_qs((search or "").lstrip("?")).get("log", [log_id])[0]
    return asked if asked in logs else logs[0] if logs else None


def _page(desks: Desks, log_id: str | None, search: str | None) -> object:
    chosen = chosen_log(desks, log_id, search)
    if chosen is None:
        return layout.nothing_here()
    return layout.page(chosen, desks.workspace.logs(), read_keymap(desks.workspace.path))


def cost_line(desks: Desks, log_id: str) -> str:
    """Return what the labels cost so far, in a line."""
    from perception_label.review.api.history import meter_of

    meter = meter_of(desks.desk(log_id))
    hours, leverage = meter.hours_per_sensor_hour, meter.boxes_per_keyframe
    parts = [] if hours is None else [f"{hours:.1f} h per sensor-hour"]
    if leverage is not None:
        parts.append(f"{leverage:.0f} boxes per keyframe")
    return " · ".join(parts)
