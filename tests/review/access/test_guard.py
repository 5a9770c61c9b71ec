"""Who comes in, and who may do what; on a server with passwords unless a test says otherwise."""

import re

import pytest

from perception_label import open_workspace
from perception_label.errors import SettingError
from perception_label.review.access.guard import OPEN, SAFE
from perception_label.review.access.people import People
from perception_label.review.access.roles import CHANGES, EDITS, Role
from perception_label.review.access.settings import Access, Proxy, check_bind, load_access
from perception_label.review.app import build_app
from perception_label.review.server import build_server
from perception_label.storage.edits.edit import KINDS
from served import Served, client_of, with_token

LOCAL = Access(provider="local")
PASSWORD = "a long password"


@pytest.fixture
def shared(town_workspace, tmp_path):
    """Serve a workspace where a person of each role has an account."""
    served = Served(town_workspace, tmp_path / "shared")
    people = People(served.workspace.path / "access")
    for role in Role:
        people.put_user(role.name.lower(), PASSWORD, role.name.lower())
    return served, people


def log_in(workspace, name, access=LOCAL):
    client = client_of(build_server(workspace, access))
    answer = client.post("/api/v1/login", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    with_token(client)
    return client


def test_every_route_is_closed_to_strangers_but_those_named(shared):
    served, _ = shared
    app = build_app(served.workspace, served.log.id, LOCAL)
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN:
            continue
        path = re.sub(r"<(int:)?[^>]*>", "1", rule.rule)
        for method in rule.methods - {"OPTIONS"}:
            answer = client.open(path, method=method)
            assert answer.status_code in (301, 302, 401), (method, path, answer.status_code)
    assert client.get("/nothing/of/the/kind").status_code in (302, 401)


def test_what_changes_something_names_the_role_it_needs(served):
    app = build_app(served.workspace, served.log.id)
    found = {r.endpoint for r in app.url_map.iter_rules() if r.methods - {*SAFE}} - OPEN
    assert found <= set(CHANGES), "add them to review/access/roles.py"
    assert set(KINDS) == set(EDITS)


def test_the_author_is_who_is_logged_in(shared):
    served, _ = shared
    client = log_in(served.workspace, "annotator")
    assert client.get("/api/v1/me").json == {
        "name": "annotator", "role": "annotator", "login": "local",
    }  # fmt: skip
    op = served.key_op(next(iter(served.tracks().values())))
    (result,) = client.post(f"{served.root}/edits", json={"ops": [op]}).json["results"]
    assert result["status"] == "appended"
    assert served.workspace.edits(served.log).history()[-1].edit.author == "annotator"


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("viewer", "set_keyframe", "denied"),
        ("annotator", "set_keyframe", "appended"),
        ("annotator", "finalise", "denied"),
        ("reviewer", "finalise", "appended"),
        ("annotator", "no such kind", "denied"),
    ],
)
def test_ops_are_judged_by_role(shared, name, kind, status):
    served, _ = shared
    client = log_in(served.workspace, name)
    after = {} if kind != "set_keyframe" else None
    op = served.key_op(next(iter(served.tracks().values())), kind=kind)
    op |= {} if after is None else {"after": after, "timestamp_ns": None}
    (result,) = client.post(f"{served.root}/edits", json={"ops": [op]}).json["results"]
    assert result["status"] == status, result


def test_an_undo_needs_the_role_of_what_it_takes_back(shared):
    served, _ = shared
    track = next(iter(served.tracks().values()))
    judged = served.key_op(track, kind="finalise", after={}, timestamp_ns=None)
    log_in(served.workspace, "reviewer").post(f"{served.root}/edits", json={"ops": [judged]})
    undo = served.key_op(
        track, kind="undo", track_id="", timestamp_ns=None, base_revision=None,
        after={"edit_id": judged["edit_id"]},
    )  # fmt: skip
    answers = [
        log_in(served.workspace, name).post(f"{served.root}/edits", json={"ops": [undo]})
        for name in ("annotator", "reviewer")
    ]
    assert [a.json["results"][0]["status"] for a in answers] == ["denied", "appended"]


def test_a_click_is_not_for_viewers(shared):
    served, _ = shared
    client = log_in(served.workspace, "viewer")
    body = {"track_id": "x", "sweep": 0, "point_m": [0, 0, 0]}
    answer = client.post(f"{served.root}/clicks", json=body)
    assert (answer.status_code, answer.json["error"].split(":")[1]) == (
        403, " expected an annotator, got a viewer",
    )  # fmt: skip


def test_a_post_without_the_token_of_a_page_is_refused(served):
    op = served.key_op(next(iter(served.tracks().values())))
    client = build_server(served.workspace).test_client()
    for headers in ({}, {"X-CSRFToken": "guess"}):
        answer = client.post(f"{served.root}/edits", json={"ops": [op]}, headers=headers)
        assert answer.status_code == 403
    with_token(client)
    other_site = {"Sec-Fetch-Site": "cross-site"}
    answer = client.post(f"{served.root}/edits", json={"ops": [op]}, headers=other_site)
    assert answer.status_code == 403
    assert served.workspace.edits(served.log).revision == 0
    assert client.post(f"{served.root}/edits", json={"ops": [op]}).status_code == 200


def test_other_names_for_this_machine_are_refused(served):
    answer = served.client.get("/api/v1/logs", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    far = served.client.get("/api/v1/logs", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert far.status_code == 403


def test_without_a_login_only_this_machine_is_served():
    for host in ("127.0.0.1", "localhost", "::1"):
        check_bind(Access(), host)
    for host in ("0.0.0.0", "192.168.1.4", "::", "somewhere"):
        with pytest.raises(SettingError, match=r"expected 127\.0\.0\.1"):
            check_bind(Access(), host)
    check_bind(LOCAL, "0.0.0.0")


def test_guessing_is_slowed_down(shared):
    served, _ = shared
    client = client_of(build_server(served.workspace, LOCAL))
    said = {"name": "admin", "password": "wrong"}
    codes = [client.post("/api/v1/login", json=said).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    right = {"name": "admin", "password": PASSWORD}
    assert client.post("/api/v1/login", json=right).status_code == 429
    nobody = {"name": "no such person", "password": "wrong"}
    assert client.post("/api/v1/login", json=nobody).status_code == 401


def test_logging_out_and_a_new_password_end_sessions(shared):
    served, people = shared
    one, two = (log_in(served.workspace, "reviewer") for _ in range(2))
    one.post("/api/v1/logout")
    assert [c.get("/api/v1/me").status_code for c in (one, two)] == [401, 200]
    people.put_user("reviewer", "another password", "reviewer")
    assert two.get("/api/v1/me").status_code == 401


def test_a_role_taken_away_is_gone_at_once(shared):
    served, people = shared
    client = log_in(served.workspace, "manager")
    people.remove_user("manager")
    assert client.get(f"{served.root}/scene").status_code == 401


def test_the_login_page_goes_on_to_own_pages_only(shared):
    served, _ = shared
    client = build_server(served.workspace, LOCAL).test_client()
    start = client.get("/here?log=x", headers={"Accept": "text/html"})
    assert start.status_code == 302
    assert start.location == "/api/v1/login?next=/here%3Flog%3Dx"
    for said, onward in [("/here", "/here"), ("//evil.example", "/"), ("https://evil", "/")]:
        page = client.get("/api/v1/login", query_string={"next": said}).text
        token = re.search('name="csrf" value="([^"]+)"', page)[1]
        form = {"name": "viewer", "password": PASSWORD, "csrf": token, "next": said}
        answer = client.post("/api/v1/login/form", data=form)
        assert (answer.status_code, answer.location) == (303, onward)
    assert client.post("/api/v1/login/form", data=form | {"csrf": "x"}).status_code == 403


def test_tokens_are_bounded_by_scope_and_owner(shared):
    served, people = shared
    server = build_server(served.workspace, LOCAL)
    op = served.key_op(next(iter(served.tracks().values())))

    def tried(token):
        headers = {"Authorization": f"Bearer {token}"}
        answer = server.test_client().post(
            f"{served.root}/edits", json={"ops": [op]}, headers=headers
        )
        return answer.json["results"][0]["status"] if answer.status_code == 200 else "out"

    read, edit = (people.put_token("admin", "admin", scope) for scope in ("read", "edit"))
    late = people.put_token("admin", "admin", "edit", days=-1)
    assert [tried(t) for t in (read, edit, late, edit[:-1], "plt_x_y")] == [
        "denied", "appended", "out", "out", "out",
    ]  # fmt: skip
    people.remove_token(edit.split("_")[1])
    assert tried(edit) == "out"
    text = people.path.read_text()
    assert read.split("_", 2)[2] not in text
    assert PASSWORD not in text
    assert people.path.stat().st_mode & 0o077 == 0


def test_only_the_proxy_is_believed(served):
    proxy = Proxy(trusted=("10.1.0.0/16",))
    access = Access(provider="proxy", proxy=proxy, roles={"ann": "reviewer"})
    client = build_server(served.workspace, access).test_client()

    def asked(address, name="ann"):
        headers = {"X-Forwarded-User": name}
        answer = client.get("/api/v1/me", headers=headers, environ_base={"REMOTE_ADDR": address})
        return answer.json.get("role", answer.status_code)

    assert asked("10.1.2.3") == "reviewer"
    assert [asked("10.2.2.3"), asked("127.0.0.1"), asked("10.1.2.3", "bob")] == [401] * 3


def test_what_is_too_large_is_told_as_json(served):
    answer = served.client.post(f"{served.root}/edits", data=b"x" * (5 * 2**20))
    assert (answer.status_code, answer.mimetype) == (413, "application/json")


def test_every_answer_has_the_headers(served):
    for path in ("/api/v1/healthz", "/api/v1/nothing", f"{served.root}/sweeps/0/points"):
        headers = served.client.get(path).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "text",
    ["provider = 'x'", "unknown = 1", "provider = 'oidc'", "provider = 'proxy'", "https = 3",
     "[roles]\nann = 'king'", "[proxy]\ntrusted = ['x']", "[proxy]\nunknown = 1", "= 1"],
)  # fmt: skip
def test_settings_that_cannot_be(tmp_path, text):
    (tmp_path / "access.toml").write_text(text)
    with pytest.raises(SettingError, match=r"access\.toml"):
        load_access(tmp_path)


def test_workers_share_the_secret(shared):
    served, _ = shared
    one = log_in(served.workspace, "viewer")
    other = build_server(open_workspace(served.workspace.path), LOCAL).test_client()
    for cookie in ("_csrf_token", one.application.config["SESSION_COOKIE_NAME"]):
        other.set_cookie(cookie, one.get_cookie(cookie).value)
    assert other.get("/api/v1/me").json["name"] == "viewer"
