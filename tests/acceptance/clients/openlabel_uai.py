"""OpenLABEL against the official ASAM schema, and through uai-openlabel's model and back."""

import importlib.resources
import json

from checks import client


@client("uai-openlabel")
def check(checks):
    import jsonschema
    from uai_openlabel import OpenLabel

    path = checks.folder / "openlabel" / "hill-1.openlabel.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    shipped = importlib.resources.files("uai_openlabel") / "official_schema"
    schema = json.loads((shipped / "openlabel_json_schema.json").read_text(encoding="utf-8"))
    errors = [e.message for e in jsonschema.Draft7Validator(schema).iter_errors(document)]
    checks.that("the official schema reports no error", not errors, errors[:2] or "none")
    back = OpenLabel.from_dict(document).to_dict(exclude_none=True)
    same = json.dumps(back, sort_keys=True) == json.dumps(document, sort_keys=True)
    checks.that("its model gives the same document back", same, len(document["openlabel"]))
    wanted = {row["track_id"] for row in checks.truth["rows"]}
    found = {said["name"] for said in back["openlabel"]["objects"].values()}
    checks.that("tracks", found == wanted, sorted(found))
