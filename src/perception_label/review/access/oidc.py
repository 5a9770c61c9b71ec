"""Login at an OpenID Connect provider, by Authlib."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import requests

from perception_label.errors import MissingExtraError, SettingError, WorkspaceError

if TYPE_CHECKING:
    from flask import Flask

    from perception_label.review.access.settings import Access

CLIENT = "perception_label.oidc"  # where the app keeps it


def install(server: Flask, access: Access) -> None:
    """Give a server its client of the provider; its document is read at the first login.

    Raises
    ------
    MissingExtraError
        If Authlib is not installed.
    SettingError
        If the client's secret is not in the environment.
    """
    try:
        from authlib.integrations.flask_client import OAuth
    except ImportError:
        raise MissingExtraError(
            "login oidc: expected authlib, install perception-label[oidc]"
        ) from None
    secret = os.environ.get(access.oidc.client_secret_env)
    if not secret:
        raise SettingError(
            f"login oidc: expected the client's secret in ${access.oidc.client_secret_env}"
        )
    oauth = OAuth(server)
    issuer = access.oidc.issuer.rstrip("/")
    server.extensions[CLIENT] = oauth.register(
        name="provider",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=access.oidc.client_id,
        client_secret=secret,
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256"},
    )


class RefusedError(Exception):
    """What came back from the provider logs nobody in."""


def begin(client: Any, back: str) -> Any:
    """Return the redirect to the provider; raises WorkspaceError if it does not answer."""
    try:
        return client.authorize_redirect(back)
    except requests.RequestException:
        raise WorkspaceError("login oidc: the provider does not answer") from None


def finish(client: Any, access: Access) -> str | None:
    """Return whom the provider vouches for; None if it does not.

    Raises
    ------
    RefusedError
        If its answer is not for this login, or not its own.
    WorkspaceError
        If it does not answer.
    """
    claims = {
        "iss": {"essential": True, "values": [client.load_server_metadata()["issuer"]]},
        "aud": {"essential": True, "values": [access.oidc.client_id]},
    }
    try:
        return name_of(client.authorize_access_token(claims_options=claims), access)
    except requests.RequestException:
        raise WorkspaceError("login oidc: the provider does not answer") from None
    except Exception as error:  # noqa: BLE001 - what is forged may fail anywhere
        raise RefusedError(str(error) or type(error).__name__) from None


def name_of(token: dict[str, Any], access: Access) -> str | None:
    """Return what the provider calls somebody; None if it does not vouch for it."""
    told = token.get("userinfo") or {}
    if access.oidc.name_claim == "email" and told.get("email_verified") is False:
        return None
    name = told.get(access.oidc.name_claim)
    return name if isinstance(name, str) and name else None
