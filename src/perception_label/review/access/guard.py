"""The one guard in front of every route, Dash's own included: nothing is open unless named."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from flask import Response, g, jsonify, redirect, request, session, url_for

from perception_label.review.access.attempts import Attempts
from perception_label.review.access.headers import add_headers
from perception_label.review.access.people import People, secret_key
from perception_label.review.access.roles import CHANGES, Account, Role, role_of
from perception_label.review.access.settings import FOLDER, Access, is_local

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from werkzeug.wrappers import Response as AnyResponse

GUARD = "perception_label.guard"  # where the app keeps it
CSRF_COOKIE, CSRF_HEADER = "_csrf_token", "X-CSRFToken"  # Dash's names
USER_HEADER = "X-Perception-Label-User"  # whom a page believes to be logged in
SAFE = ("GET", "HEAD", "OPTIONS")
# Open to everybody: logging in, and whether the process is there.
OPEN = frozenset(
    {"health.healthz", "login.login", "login.page", "login.enter", "login.oidc", "login.oidc_back"}
)
LOCAL = Account("local", Role.ADMIN, "none")


class Guard:
    """Tells who asks, and refuses who may not."""

    def __init__(self, access: Access, folder: Path) -> None:
        self.access = access
        self.people = People(folder)
        self.attempts = Attempts()
        self.folder = folder

    def install(self, server: Flask) -> None:
        """Stand in front of all routes of a server, those added later included."""
        access = self.access
        server.secret_key = secret_key(self.folder)
        server.config.update(
            # Cookies do not tell ports apart: two apps on one machine would end each other's.
            SESSION_COOKIE_NAME=f"perception_label_{_short(server.secret_key)}",
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Lax",
            SESSION_COOKIE_SECURE=access.https,
            PERMANENT_SESSION_LIFETIME=access.session_h * 3600,
            # A slow answer that was under way at logout must not log in again.
            SESSION_REFRESH_EACH_REQUEST=False,
        )
        if access.provider == "none":
            # A page elsewhere may have its own name point to this machine.
            server.config["TRUSTED_HOSTS"] = ["localhost", "127.0.0.1", "[::1]"]
        server.extensions[GUARD] = self
        server.before_request(self.admit)
        server.after_request(self.finish)

    def admit(self) -> AnyResponse | tuple[Response, int] | None:
        """Let a request pass (None), or answer it."""
        if self.access.provider == "none" and not is_local(request.remote_addr or ""):
            # Whatever server this runs in, whatever it was told to listen on.
            return jsonify(error="this server is for its own machine only"), 403
        account = self.account()
        g.account = account
        is_open = request.endpoint in OPEN
        if account is None and not is_open:
            return self._log_in_first()
        meant = request.headers.get(USER_HEADER)
        if meant and account is not None and unquote(meant) != account.name:
            # Somebody else logged in meanwhile: what the page has unsaved is not theirs.
            return jsonify(error=f"logged in as {account.name}, not {unquote(meant)}"), 401
        if request.method in SAFE:
            return None
        if (account is None or account.told_by != "token") and not _is_from_our_page():
            # The answer brings the right token in a cookie: sending again works.
            return jsonify(error=f"{CSRF_HEADER}: expected the {CSRF_COOKIE} cookie's value"), 403
        return None if account is None or is_open else _below(account)

    def account(self) -> Account | None:
        """Return who asks; None: nobody known."""
        said = request.headers.get("Authorization", "")
        if said.lower().startswith("bearer "):
            return self.people.of_token(said[7:].strip(), self.role_now)
        if self.access.provider == "none":
            return LOCAL
        if self.access.provider == "proxy":
            return self._from_proxy()
        name = session.get("who")
        if not isinstance(name, str):
            return None
        if self.access.provider == "local":
            user = self.people.users().get(name)
            if user is None or session.get("stamp") != user.stamp:
                return None
        role = self.role_now(name)
        return None if role is None else Account(name, role)

    def role_now(self, name: str) -> Role | None:
        """Return what somebody may do now; None: nothing."""
        if self.access.provider == "none":
            return Role.ADMIN
        if self.access.provider == "local":
            user = self.people.users().get(name)
            return None if user is None else role_of(user.role)
        return self.access.role(name)

    def begin(self, name: str, stamp: str = "") -> None:
        """Begin a session of somebody who logged in; what was in an old one is forgotten."""
        session.clear()
        session.permanent = True
        session.update(who=name, stamp=stamp, csrf=secrets.token_urlsafe(24))

    def finish(self, answer: Response) -> Response:
        """Add the headers that every answer has, and the token that pages send back."""
        is_browser = "Authorization" not in request.headers
        if is_browser and not request.path.startswith("/_dash-component-suites"):
            if "csrf" not in session:
                session["csrf"] = secrets.token_urlsafe(24)
            if request.cookies.get(CSRF_COOKIE) != session["csrf"]:
                answer.set_cookie(
                    CSRF_COOKIE, session["csrf"], samesite="Lax", secure=self.access.https
                )
        return add_headers(answer, is_https=self.access.https)

    def _from_proxy(self) -> Account | None:
        name = request.headers.get(self.access.proxy.user_header, "").strip()
        if not name or not self.access.trusts(request.remote_addr or ""):
            return None
        role = self.access.role(name)
        return None if role is None else Account(name, role, "proxy")

    def _log_in_first(self) -> AnyResponse | tuple[Response, int]:
        wants_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if wants_page and self.access.provider in ("local", "oidc"):
            return redirect(f"{url_for('login.page')}?next={quote(request.full_path.rstrip('?'))}")
        answer = jsonify(error="log in first", login=self.access.provider)
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer, 401


def guard_of(folder: Path, access: Access | None) -> Guard:
    """Return the guard of a workspace; without settings, of one person on this machine."""
    return Guard(Access() if access is None else access, folder / FOLDER)


def _is_from_our_page() -> bool:
    """Return whether an own page sent this: others cannot read the cookie, nor set the header."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    said = request.headers.get(CSRF_HEADER) or ""
    if not said and request.endpoint == "login.enter":
        said = request.form.get("csrf", "")
    known = session.get("csrf", "")
    return bool(known) and hmac.compare_digest(said.encode(), known.encode())


def _below(account: Account) -> tuple[Response, int] | None:
    """Refuse what needs a higher role; what is not there is told so by the router."""
    needed = CHANGES.get(request.endpoint or "", Role.ADMIN)
    if account.role >= needed or request.endpoint is None:
        return None
    return jsonify(error=f"{request.path}: expected {_a(needed)}, got {_a(account.role)}"), 403


def _short(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def _a(role: Role) -> str:
    name = role.name.lower()
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
