"""Logging in at an OpenID Connect provider: a small one of our own, over a real socket."""

import hashlib
import json
import threading
import time
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from perception_label.errors import SettingError
from perception_label.review.access.settings import Access, Oidc
from perception_label.review.server import build_server

pytest.importorskip("authlib", reason="authlib is not installed")
jwk = pytest.importorskip("joserfc.jwk")
jwt = pytest.importorskip("joserfc.jwt")

CLIENT, SECRET = "perception-label", "a secret of the tests"


class Provider(ThreadingHTTPServer):
    """Discovery, keys, and tokens for codes; `change` makes its answers wrong."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "one"})
        self.signs_with = self.key
        self.change = {}
        self.asked = {}

    def authorise(self, address):
        """Do what the provider's page does when somebody has logged in there."""
        self.asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        assert self.asked["code_challenge_method"] == "S256"
        return {"code": "a code", "state": self.asked["state"]}

    def token(self, form):
        assert form["code"] == ["a code"]
        challenge = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        assert urlsafe_b64encode(challenge).rstrip(b"=").decode() == self.asked["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600,
            "nonce": self.asked["nonce"], "email": "ann@example.org", **self.change,
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with)
        return {"access_token": "x", "token_type": "Bearer", "id_token": signed}


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        documents = {
            "/.well-known/openid-configuration": {
                "issuer": server.issuer,
                "authorization_endpoint": f"{server.issuer}/authorise",
                "token_endpoint": f"{server.issuer}/token",
                "jwks_uri": f"{server.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            "/keys": {"keys": [server.key.as_dict(private=False)]},
        }
        self.tell(documents[self.path])

    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.tell(self.server.token(parse_qs(said)))

    def tell(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def provider():
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def client(served, provider, monkeypatch):
    monkeypatch.setenv("PERCEPTION_LABEL_OIDC_SECRET", SECRET)
    access = Access(
        provider="oidc", oidc=Oidc(issuer=provider.issuer, client_id=CLIENT),
        roles={"ann@example.org": "reviewer"},
    )  # fmt: skip
    return build_server(served.workspace, access).test_client()


def log_in(client, provider):
    start = client.get("/api/v1/login/oidc", query_string={"next": "/here"})
    assert start.status_code == 302
    assert start.location.startswith(f"{provider.issuer}/authorise?")
    return client.get("/api/v1/login/oidc/back", query_string=provider.authorise(start.location))


def test_who_the_provider_vouches_for_comes_in(client, provider):
    assert client.get("/api/v1/me").status_code == 401
    answer = log_in(client, provider)
    assert (answer.status_code, answer.location) == (303, "/here")
    assert client.get("/api/v1/me").json == {
        "name": "ann@example.org", "role": "reviewer", "login": "oidc",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"aud": "another client"},
        {"iss": "https://another.example"},
        {"exp": 1_000_000_000},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_token_that_is_not_for_this_login_is_refused(client, provider, change):
    provider.change = change
    assert log_in(client, provider).status_code == 401
    assert client.get("/api/v1/me").status_code == 401


def test_a_token_that_another_signed_is_refused(client, provider):
    provider.signs_with = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    assert log_in(client, provider).status_code == 401
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "change", [{"email": "eve@example.org"}, {"email_verified": False}, {"email": 5}]
)
def test_who_is_not_among_the_people_is_refused(client, provider, change):
    provider.change = change
    assert log_in(client, provider).status_code == 403
    assert client.get("/api/v1/me").status_code == 401


def test_an_answer_to_a_question_nobody_asked_is_refused(client, provider):
    answer = client.get("/api/v1/login/oidc/back", query_string={"code": "x", "state": "y"})
    assert answer.status_code == 401
    first = client.get("/api/v1/login/oidc")
    said = provider.authorise(first.location)
    assert client.get("/api/v1/login/oidc/back", query_string=said).status_code == 303
    assert client.get("/api/v1/login/oidc/back", query_string=said).status_code == 401


def test_a_provider_that_is_away_is_told(served, provider, monkeypatch):
    monkeypatch.setenv("PERCEPTION_LABEL_OIDC_SECRET", SECRET)
    access = Access(provider="oidc", oidc=Oidc(issuer="http://127.0.0.1:9", client_id=CLIENT))
    client = build_server(served.workspace, access).test_client()
    answer = client.get("/api/v1/login/oidc")
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_the_secret_is_needed(served, monkeypatch):
    monkeypatch.delenv("PERCEPTION_LABEL_OIDC_SECRET", raising=False)
    access = Access(provider="oidc", oidc=Oidc(issuer="https://x.example", client_id=CLIENT))
    with pytest.raises(SettingError, match="PERCEPTION_LABEL_OIDC_SECRET"):
        build_server(served.workspace, access)
