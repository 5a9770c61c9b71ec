"""The API does what its document says, whatever is sent: schemathesis against OpenAPI."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from perception_label.errors import EditError
from perception_label.review import jobs
from perception_label.review.access.people import People
from perception_label.review.access.settings import Access
from perception_label.review.api import assist
from perception_label.review.server import build_server
from served import Served

EXCLUDED = {
    # The log decides too: there may be no object where one clicks.
    GenerationMode.POSITIVE: [positive_data_acceptance],
    # Where ids and waits are replaced by good ones, nothing may be left that is wrong.
    GenerationMode.NEGATIVE: [negative_data_rejection],
}
OF_ONE_ROUTE = 8  # requests of a kind: good ones, bad ones
WAIT, LONGEST_WAIT_S = ("/changes", "/queue"), 0.01


@pytest.fixture(scope="module")
def api(film_workspace, tmp_path_factory):
    """The operations of the document, and what a good request to one of them has."""
    served = Served(film_workspace, tmp_path_factory.mktemp("openapi") / "ws")
    people = People(served.workspace.path / "access")
    people.put_user("ann", "a long password", "admin")
    server = build_server(served.workspace, Access(provider="local"))
    headers = {"Authorization": f"Bearer {people.put_token('ann', 'admin', 'all')}"}
    (camera,) = served.log.cameras
    there = {"log_id": served.log.id, "camera": camera}
    with pytest.MonkeyPatch.context() as patch:
        # What takes long is tested elsewhere.
        patch.setattr(jobs, "KINDS", dict.fromkeys(jobs.KINDS, lambda *_: "done"))
        patch.setattr(assist, "track_from_click", nothing_there)
        patch.setattr(assist, "track_from_rectangle", nothing_there)
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", server, headers=headers)
        yield schema, headers, there


def nothing_there(*_, **__):
    raise EditError("expected an object there, got nothing")


def operations(schema):
    found = list(schema.get_all_operations())
    assert [str(each.err()) for each in found if not hasattr(each, "ok")] == []
    return [each.ok() for each in found]


def fault_of(operation, mode, headers, there):
    """Return what is wrong with a route, '' if nothing is found."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=OF_ONE_ROUTE, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case):
        for name in set(there) & set(case.path_parameters or {}):
            case.path_parameters[name] = there[name]
        said = dict(case.query or {})
        if operation.path.endswith(WAIT) and (
            mode is GenerationMode.POSITIVE or "wait_s" not in said
        ):
            case.query = said | {"wait_s": LONGEST_WAIT_S}
        case.call_and_validate(headers=headers, excluded_checks=EXCLUDED[mode])

    try:
        ask()
    except Unsatisfiable:
        pass  # nothing about it can be wrong
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all routes are tried
        return f"{operation.label}: {error}"
    return ""


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_route_keeps_to_the_document(api, mode):
    schema, headers, there = api
    faults = [fault_of(each, mode, headers, there) for each in operations(schema)]
    assert "\n".join(filter(None, faults)) == ""
