"""Login at an OpenID Connect provider, by Authlib."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from perception_label.errors import MissingExtraError, SettingError

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


def name_of(token: dict[str, Any], access: Access) -> str | None:
    """Return what the provider calls somebody; None if it does not vouch for it."""
    told = token.get("userinfo") or {}
    if access.oidc.name_claim == "email" and told.get("email_verified") is False:
        return None
    name = told.get(access.oidc.name_claim)
    return name if isinstance(name, str) and name else None
