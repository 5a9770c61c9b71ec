"""Tiny ONNX models: one fills the boxes it is asked for, one finds what is white, one the mean."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def _save(path, nodes, inputs, outputs, constants):
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
        [helper.make_tensor_value_info(n, t, s) for n, t, s in outputs],
        [numpy_helper.from_array(np.array(v), n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, str(path))


def _node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], **attributes)


def segmenter(path, height="H", width="W"):
    """Masks are above 0 at pixels whose centre is in the box; scores are 0.9."""
    f = np.float32
    nodes = [_node("Shape", "image", "shape")]
    for axis, at in (("x", "three"), ("y", "two")):
        nodes += [
            _node("Gather", f"shape {at}", f"n_{axis}", axis=0),
            _node("Range", f"zero n_{axis} one", f"i_{axis}"),
            _node("Cast", f"i_{axis}", f"f_{axis}", to=FLOAT),
            _node("Add", f"f_{axis} half", f"c_{axis}"),
        ]
    nodes += [
        _node("Reshape", "c_x row", "X"),
        _node("Reshape", "c_y column", "Y"),
        *(_node("Gather", f"boxes k{k}", f"b{k}", axis=1) for k in range(4)),
        *(_node("Reshape", f"b{k} each", f"e{k}") for k in range(4)),
        _node("Sub", "X e0", "left"),
        _node("Sub", "Y e1", "top"),
        _node("Sub", "e2 X", "right"),
        _node("Sub", "e3 Y", "bottom"),
        _node("Min", "left top right bottom", "masks"),
        _node("Mul", "b0 none", "nought"),
        _node("Add", "nought sure", "scores"),
    ]
    constants = {
        "two": np.int64(2), "three": np.int64(3), "zero": np.int64(0), "one": np.int64(1),
        "half": f(0.5), "row": np.array([1, 1, -1]), "column": np.array([1, -1, 1]),
        "each": np.array([-1, 1, 1]), "none": f(0), "sure": f(0.9),
        **{f"k{k}": np.int64(k) for k in range(4)},
    }  # fmt: skip
    inputs = [("image", FLOAT, [1, 3, height, width]), ("boxes", FLOAT, ["P", 4])]
    outputs = [("masks", FLOAT, ["P", height, width]), ("scores", FLOAT, ["P"])]
    _save(path, nodes, inputs, outputs, constants)


def white_detector(path, height="H", width="W", class_number=0):
    """One box around all that is white."""
    nodes = [
        _node("ReduceMin", "image", "grey", axes=[0, 1], keepdims=0),
        _node("Greater", "grey limit", "is_white"),
        _node("NonZero", "is_white", "places"),
        _node("ReduceMin", "places", "low", axes=[1], keepdims=0),
        _node("ReduceMax", "places", "high", axes=[1], keepdims=0),
        _node("Add", "high one", "edge"),
        _node("Concat", "low edge", "yxyx", axis=0),
        _node("Gather", "yxyx order", "xyxy", axis=0),
        _node("Cast", "xyxy", "flat", to=FLOAT),
        _node("Reshape", "flat shape", "boxes"),
        _node("Identity", "sure", "scores"),
        _node("Identity", "what", "classes"),
    ]
    constants = {
        "limit": np.float32(0.9), "one": np.int64(1), "order": np.array([1, 0, 3, 2]),
        "shape": np.array([1, 1, 4]), "sure": np.array([0.8], np.float32),
        "what": np.array([class_number]),
    }  # fmt: skip
    inputs = [("image", FLOAT, [1, 3, height, width])]
    outputs = [("boxes", FLOAT, [1, 1, 4]), ("scores", FLOAT, [1]), ("classes", INT, [1])]
    _save(path, nodes, inputs, outputs, constants)


def mean_detector(path):
    """One car of 4 x 2 x 1.5 m at the mean of all points."""
    nodes = [
        _node("Gather", "points three", "xyz", axis=1),
        _node("ReduceMean", "xyz", "center", axes=[0], keepdims=1),
        _node("Concat", "center size", "cuboids", axis=1),
        _node("Identity", "sure", "scores"),
        _node("Identity", "what", "classes"),
    ]
    constants = {
        "three": np.array([0, 1, 2]), "size": np.array([[4, 2, 1.5, 0.1]], np.float32),
        "sure": np.array([0.7], np.float32), "what": np.array([0]),
    }  # fmt: skip
    outputs = [("cuboids", FLOAT, [1, 7]), ("scores", FLOAT, [1]), ("classes", INT, [1])]
    _save(path, nodes, [("points", FLOAT, ["N", 4])], outputs, constants)


def manifest(folder, task, *, text="", file="model.onnx", name="tiny"):
    """Write a manifest and return its path."""
    path = folder / "model.toml"
    classes = "" if task == "segment" else 'classes = ["car", "pedestrian"]\n'
    path.write_text(
        f'name = "{name}"\ntask = "{task}"\n{classes}' + (text or f'[onnx]\nfile = "{file}"\n')
    )
    return path
