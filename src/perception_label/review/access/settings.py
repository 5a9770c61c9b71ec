"""How people log in: `access/access.toml` of a workspace."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from perception_label.errors import SettingError
from perception_label.review.access.roles import Role, role_of

FOLDER = "access"  # of a workspace: settings, users, the secret that signs sessions
PROVIDERS = ("none", "local", "oidc", "proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """Login at an OpenID Connect provider."""

    issuer: str = ""
    client_id: str = ""
    client_secret_env: str = "PERCEPTION_LABEL_OIDC_SECRET"  # a secret is not written in files
    name_claim: str = "email"  # what the person is called in edits and in [roles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Login at a proxy in front of the server, which tells the name in a header."""

    trusted: tuple[str, ...] = ()  # addresses or networks of the proxy; none else is believed
    user_header: str = "X-Forwarded-User"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may come in, and as what."""

    provider: str = "none"  # none: one person on this machine, no login
    https: bool = False  # served over HTTPS: cookies are sent over nothing else then
    session_h: float = 12.0  # a day's work; each request begins it anew
    default_role: str = ""  # of people whom oidc or proxy know and [roles] does not; "": refused
    oidc: Oidc = field(default_factory=Oidc)
    proxy: Proxy = field(default_factory=Proxy)
    roles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.provider not in PROVIDERS:
            raise SettingError(f"provider: expected one of {PROVIDERS}, got {self.provider!r}")
        for name in (*self.roles.values(), *filter(None, [self.default_role])):
            role_of(name)
        if self.provider == "oidc" and not (self.oidc.issuer and self.oidc.client_id):
            raise SettingError("[oidc]: expected issuer and client_id")
        if self.provider == "proxy" and not self.proxy.trusted:
            raise SettingError("[proxy]: expected the proxy's addresses in trusted, got none")
        for network in self.proxy.trusted:
            try:
                ip_network(network)
            except ValueError as error:
                raise SettingError(f"[proxy] trusted: expected addresses, got {error}") from None

    def role(self, name: str) -> Role | None:
        """Return the role of somebody whom oidc or a proxy named; None: refused."""
        found = self.roles.get(name, self.default_role)
        return role_of(found) if found else None

    def trusts(self, address: str) -> bool:
        """Return whether a request from this address comes from the proxy."""
        try:
            here = ip_address(address)
        except ValueError:
            return False
        return any(here in ip_network(network) for network in self.proxy.trusted)


def load_access(folder: Path, provider: str | None = None) -> Access:
    """Read `access.toml` of a folder; without a file, one person on this machine.

    Raises
    ------
    SettingError
        If it is no TOML, or has a key or value that is not known.
    """
    path = folder / "access.toml"
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        given = {}
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: expected a TOML file, got: {error}") from None
    if provider is not None:
        given["provider"] = provider
    try:
        made: Access = _filled(Access(), given, skip=("provider",))
        return replace(made, provider=given.get("provider", made.provider))
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None


def is_local(host: str) -> bool:
    """Return whether only this machine reaches a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_bind(access: Access, host: str) -> None:
    """Refuse to serve other machines when nobody has to log in; raises SettingError."""
    if access.provider == "none" and not is_local(host):
        raise SettingError(
            f"--host: expected 127.0.0.1, got {host}: without a login nobody else may reach it; "
            "add people with `perception-label people add` and serve with --login local"
        )


def _filled(default: Any, given: Mapping[str, Any], skip: tuple[str, ...] = ()) -> Any:
    known = {f.name: getattr(default, f.name) for f in fields(default)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise SettingError(f"expected keys {sorted(known)}, got {unknown}")
    found: dict[str, Any] = {}
    for name, value in given.items():
        like = known[name]
        if name in skip:
            continue
        if isinstance(like, Oidc | Proxy) and isinstance(value, dict):
            found[name] = _filled(like, value)
        elif isinstance(like, tuple) and isinstance(value, list):
            found[name] = tuple(str(each) for each in value)
        elif isinstance(like, float) and type(value) is int:
            found[name] = float(value)
        elif type(like) is type(value):
            found[name] = value
        else:
            raise SettingError(f"{name}: expected a value like {like!r}, got {value!r}")
    return replace(default, **found)
