"""Label Studio: its SDK accepts the labelling interface, the tasks and every annotation."""

import json

from checks import client


@client("label-studio-sdk")
def check(checks):
    from label_studio_sdk.label_interface import LabelInterface

    root = checks.folder / "label-studio"
    config = (root / "label_config.xml").read_text(encoding="utf-8")
    interface = LabelInterface(config)
    interface.validate()
    checks.that("the labelling interface is valid", True)
    tasks = json.loads((root / "tasks.json").read_text(encoding="utf-8"))
    checks.that("a task for each camera", len(tasks) == 2, len(tasks))
    for task in tasks:
        name = task["data"]["camera"]
        # Its check of whole tasks forgets to hand the annotation on.
        data = {"data": task["data"]}
        checks.that(f"{name}: the task's data fit it", interface.validate_task(data))
        told = [interface.validate_prediction(a, return_errors=True) for a in task["annotations"]]
        checks.that(f"{name}: the annotations fit it", told and not any(told), told)
        video = root / task["data"]["video"].partition("?d=")[2]
        checks.that(f"{name}: its video is there", video.is_file(), video.name)
    # What is wrong must fail, or the checks are none.
    wrong = json.loads(json.dumps(tasks[0]["annotations"][0]))
    wrong["result"][0]["type"] = "videoellipse"
    checks.that("it refuses another kind of result", not interface.validate_annotation(wrong))
    wrong = json.loads(json.dumps(tasks[0]["annotations"][0]))
    del wrong["result"][0]["value"]["sequence"]
    checks.that("it refuses a result without sequence", not interface.validate_annotation(wrong))
