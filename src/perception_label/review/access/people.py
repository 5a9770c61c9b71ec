"""People with passwords, and API tokens: `access/people.json` of a workspace, hashes only."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from werkzeug.security import check_password_hash, generate_password_hash

from perception_label.errors import SettingError, WorkspaceError
from perception_label.review.access.roles import SCOPES, Account, Role, role_of
from perception_label.storage.whole import lock, storage_errors, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEAST_PASSWORD = 8  # characters
TOKEN_BEGINS = "plt"  # so that scanners find a token that was committed by mistake
LOCK_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class User:
    """A person who logs in with a password; its hash is scrypt's, salted."""

    password_hash: str
    role: str

    @property
    def stamp(self) -> str:
        """Changes with the password: sessions from before it end."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Token:
    """A program's key: 256 random bits, so one round of SHA-256 hides it."""

    sha256: str
    owner: str
    role: str  # of the owner when it was made; what it may do now is also bounded by theirs
    scope: str
    expires_s: float  # of the epoch; 0: never


class People:
    """The users and tokens of a workspace; threads and processes may share the file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "people.json"
        self._turn = Lock()
        self._known: tuple[tuple[int, int], dict[str, User], dict[str, Token]] | None = None
        # Somebody unknown costs as long as somebody with a wrong password.
        self._nobody = generate_password_hash(secrets.token_hex(8))

    def users(self) -> dict[str, User]:
        """Return everybody who has a password, by name."""
        return dict(self._read()[0])

    def tokens(self) -> dict[str, Token]:
        """Return the tokens by id."""
        return dict(self._read()[1])

    def put_user(self, name: str, password: str, role: str) -> None:
        """Add a person, or change their password and role.

        Raises
        ------
        SettingError
            If the name or role cannot be, or the password is short.
        """
        role_of(role)
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise SettingError(f"name: expected 1 to 100 printable characters, got {name!r}")
        if len(password) < LEAST_PASSWORD:
            raise SettingError(
                f"password: expected at least {LEAST_PASSWORD} characters, got {len(password)}"
            )
        made = User(generate_password_hash(password), role)
        self._change(lambda users, _: users.__setitem__(name, made))

    def remove_user(self, name: str) -> None:
        """Remove a person and their tokens; raises SettingError if there is no such person."""

        def drop(users: dict[str, User], tokens: dict[str, Token]) -> None:
            if users.pop(name, None) is None:
                raise SettingError(f"people: expected one of {sorted(users)}, got {name!r}")
            for each in [i for i, token in tokens.items() if token.owner == name]:
                del tokens[each]

        self._change(drop)

    def put_token(self, owner: str, role: str, scope: str, days: float = 90.0) -> str:
        """Make a token for programs and return it; it is shown this once.

        Raises
        ------
        SettingError
            If the role or the scope is not known.
        """
        role_of(role)
        if scope not in SCOPES:
            raise SettingError(f"scope: expected one of {sorted(SCOPES)}, got {scope!r}")
        name, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        ends = time.time() + days * 86_400 if days else 0.0
        made = Token(_sha256(secret), owner, role, scope, ends)
        self._change(lambda _, tokens: tokens.__setitem__(name, made))
        return f"{TOKEN_BEGINS}_{name}_{secret}"

    def remove_token(self, name: str) -> None:
        """Make a token worthless; raises SettingError if there is none of this id."""

        def drop(_: dict[str, User], tokens: dict[str, Token]) -> None:
            if tokens.pop(name, None) is None:
                raise SettingError(f"tokens: expected one of {sorted(tokens)}, got {name!r}")

        self._change(drop)

    def log_in(self, name: str, password: str) -> User | None:
        """Return the person if the password is theirs."""
        user = self._read()[0].get(name)
        fits = check_password_hash(self._nobody if user is None else user.password_hash, password)
        return user if fits else None

    def of_token(self, said: str, role_now: Callable[[str], Role | None]) -> Account | None:
        """Return whose token this is, bounded by its scope; None if it is worth nothing.

        `role_now` tells what its owner may do now; None: nothing.
        """
        parts = said.split("_", 2)
        token = self._read()[1].get(parts[1]) if len(parts) == 3 else None
        if token is None or not hmac.compare_digest(_sha256(parts[2]), token.sha256):
            return None
        owner = role_now(token.owner)
        if owner is None or (token.expires_s and time.time() > token.expires_s):
            return None
        return Account(token.owner, min(owner, role_of(token.role), SCOPES[token.scope]), "token")

    def _read(self) -> tuple[dict[str, User], dict[str, Token]]:
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return {}, {}
        now = facts.st_ino, facts.st_mtime_ns
        with self._turn:
            if self._known is None or self._known[0] != now:
                self._known = now, *self._parsed()
            return self._known[1], self._known[2]

    def _parsed(self) -> tuple[dict[str, User], dict[str, Token]]:
        try:
            found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            users = {name: User(**facts) for name, facts in found["users"].items()}
            return users, {name: Token(**facts) for name, facts in found["tokens"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WorkspaceError(f"{self.path}: expected users and tokens, got: {error}") from None

    def _change(self, change: Callable[[dict[str, User], dict[str, Token]], object]) -> None:
        with lock(self.path.with_name("lock"), LOCK_WAIT_S):
            read = self._read()
            users, tokens = dict(read[0]), dict(read[1])
            change(users, tokens)
            found = {
                "users": {name: asdict(user) for name, user in users.items()},
                "tokens": {name: asdict(token) for name, token in tokens.items()},
            }
            write_secret(self.path, json.dumps(found, indent=1))


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""

    def fill(beside: Path) -> None:
        beside.touch(mode=0o600)
        beside.chmod(0o600)
        beside.write_text(text, encoding="utf-8")

    write_whole(path, fill)


def secret_key(folder: Path) -> str:
    """Return the key that signs sessions: made once, then shared by all workers."""
    path = folder / "secret"
    with lock(folder / "lock", LOCK_WAIT_S), storage_errors(path):
        if not path.exists():
            write_secret(path, secrets.token_hex(32))
        return path.read_text(encoding="utf-8").strip()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
