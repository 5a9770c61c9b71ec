"""Logging in and out, and who is logged in."""

from html import escape
from typing import cast

from flask import Response, current_app, g, jsonify, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from perception_label.review.access.guard import GUARD, Guard
from perception_label.review.access.oidc import CLIENT, RefusedError, begin, finish
from perception_label.review.answers import Health
from perception_label.review.api.routes import TOKEN, blueprint, me
from perception_label.review.payloads import Fault, Login, Me

routes = blueprint(
    "login", "Who is there; see `docs/people.md` for the ways to log in.", is_open=True
)

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Log in · perception-label</title>
<style>:root{{color-scheme:light dark;font:16px system-ui}}main{{max-width:20rem;margin:15vh auto}}
label,input,button,a.go{{display:block;width:100%;box-sizing:border-box;margin:.5rem 0;
font:inherit;padding:.5rem 0}}input{{padding:.5rem}}[role=alert]{{color:#d33}}</style>
<main><h1>perception-label</h1>{alert}{body}</main></html>"""
_FORM = """<form method="post" action="{action}"><input type="hidden" name="csrf" value="{csrf}">
<input type="hidden" name="next" value="{next}"><label>Name<input name="name" autofocus required
autocomplete="username" maxlength="100"></label><label>Password<input name="password" required
type="password" autocomplete="current-password" maxlength="1000"></label>
<button>Log in</button></form>"""
_GO = '<a class="go" href="{url}">Log in with your organisation</a>'


@routes.get("/me", security=TOKEN, responses={200: Me, 401: Fault})
def who() -> dict[str, object]:
    """Return who asks, and what they may do."""
    account = me()
    login = _guard().access.provider
    return Me(name=account.name, role=account.role.name.lower(), login=login).model_dump()


@routes.post("/login", responses={200: Me, 401: Fault, 403: Fault, 429: Fault})
def login(body: Login) -> Response | tuple[Response, int]:
    """Begin a session with a password; needs the CSRF header like all that changes something."""
    error, code = _check(body.name, body.password)
    if error:
        answer = jsonify(error=error)
        if code == 429:
            answer.headers["Retry-After"] = "60"
        return answer, code
    role = _guard().role_now(body.name)
    return jsonify(name=body.name, role=role.name.lower() if role else "", login="local")


@routes.post("/logout", security=TOKEN, responses={200: Health, 403: Fault})
def logout() -> Response:
    """End the session of this browser."""
    session.clear()
    return jsonify(status="ok")


@routes.get("/login", doc_ui=False)
def page() -> AnyResponse | str:
    """Show the login page."""
    return _page(_next(request.args.get("next")))


@routes.post("/login/form", doc_ui=False)
def enter() -> AnyResponse | tuple[str, int]:
    """Take what the login page's form sends."""
    onward = _next(request.form.get("next"))
    error, code = _check(request.form.get("name", ""), request.form.get("password", ""))
    return (_page(onward, error), code) if error else redirect(onward, 303)


@routes.get("/login/oidc", doc_ui=False)
def oidc() -> AnyResponse:
    """Go to the provider."""
    client = current_app.extensions.get(CLIENT)
    if client is None:
        return redirect(url_for("login.page"))
    session["next"] = _next(request.args.get("next"))
    there = begin(client, url_for("login.oidc_back", _external=True))
    return cast("AnyResponse", there)


@routes.get("/login/oidc/back", doc_ui=False)
def oidc_back() -> AnyResponse | tuple[str, int]:
    """Come back from the provider."""
    client, guard = current_app.extensions.get(CLIENT), _guard()
    if client is None:
        return redirect(url_for("login.page"))
    onward = _next(session.get("next"))
    try:
        name = finish(client, guard.access)
    except RefusedError as error:
        return _page(onward, f"not logged in: {error}"), 401
    if name is None or guard.role_now(name) is None:
        return _page(onward, f"{name or 'you'}: not among the people of this workspace"), 403
    guard.begin(name)
    return redirect(onward, 303)


def _check(name: str, password: str) -> tuple[str, int]:
    """Begin a session if the password fits; return what to tell, '' if all is well."""
    guard = _guard()
    if guard.access.provider != "local":
        return f"login {guard.access.provider}: passwords are not used here", 403
    address = request.remote_addr or ""
    if guard.attempts.wait_s(name, address) > 0:
        return "too many attempts: try again in some minutes", 429
    guard.attempts.begun(name, address)
    user = guard.people.log_in(name, password)
    if user is None:
        return "name or password is wrong", 401
    guard.attempts.succeeded(name, address)
    guard.begin(name, user.stamp)
    g.account = guard.account()
    return "", 200


def _page(onward: str, error: str = "") -> str:
    if "csrf" not in session:
        _guard().begin("")
    body = "Your account is told by the proxy in front of this server."
    if _guard().access.provider == "local":
        parts = {"action": url_for("login.enter"), "csrf": session["csrf"], "next": onward}
        body = _FORM.format(**{name: escape(str(value)) for name, value in parts.items()})
    elif _guard().access.provider == "oidc":
        body = _GO.format(url=escape(url_for("login.oidc", next=onward)))
    alert = f'<p role="alert">{escape(error)}</p>' if error else ""
    return _PAGE.format(alert=alert, body=body)


def _next(said: object) -> str:
    """Return a path of this server to go on to: never another site's address."""
    text = str(said or "")
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_ours else "/"


def _guard() -> Guard:
    return cast("Guard", current_app.extensions[GUARD])
