import pytest

from perception_label.cli import main
from perception_label.errors import PluginError
from perception_label.pipeline.plugins.contract import task_of
from perception_label.pipeline.plugins.manifest import load_plugin, read_manifest

GOOD = 'name = "a"\ntask = "segment"\n[http]\nurl = "https://x.org/y"\ntimeout_s = 5\n'
BAD = {
    "": "one of \\[onnx\\] and \\[http\\], got neither",
    GOOD + '[onnx]\nfile = "x"\n': "one of",
    GOOD.replace("segment", "draw"): "a task of segment, detect_2d, detect_3d",
    GOOD.replace('"a"', '"a b"'): "a name of letters",
    GOOD.replace('name = "a"\n', ""): "expected name, got none",
    GOOD.replace("https", "ftp"): "a url of http or https",
    GOOD.replace("timeout_s = 5", "timeout_s = -1"): "timeout_s from 0 to 3600",
    GOOD.replace("timeout_s = 5", 'timeout_s = "5"'): "expected timeout_s as",
    GOOD.replace("timeout_s", "timeout"): "expected keys .*got timeout",
    GOOD.replace("segment", "detect_2d"): "expected classes of a detector",
    'x = 1\nname = "a"\ntask = "segment"\n[onnx]\nfile = "f"\n': "expected keys .*got x",
    'name = "a"\ntask = "segment"\n[onnx]\nfile = "f"\nstd = [0.0, 1.0, 1.0]\n': "std above 0",
    'name = "a"\ntask = "segment"\n[onnx]\n': "expected file, got none",
    'onnx = "x"\n': "a table \\[onnx\\]",
    "name = ": "TOML",
}


@pytest.mark.parametrize("text", BAD)
def test_a_manifest_that_cannot_be_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(PluginError, match=BAD[text]) as error:
        read_manifest(path)
    assert "\n" not in str(error.value)


def test_a_manifest_is_read(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(GOOD)
    found = read_manifest(path)
    assert found.http.timeout_s == 5
    assert found.folder == tmp_path
    assert task_of(load_plugin(path)) == "segment"


def test_without_a_model_the_feature_says_so(tmp_path, capsys):
    with pytest.raises(PluginError, match="expected a plug-in, got none"):
        load_plugin(None)
    assert main(["infer", str(tmp_path)]) == 1
    assert "this package ships no segmenter or detector" in capsys.readouterr().err
    assert main(["infer", str(tmp_path), "--model", str(tmp_path / "none.toml")]) == 1
    assert "none.toml" in capsys.readouterr().err


def test_what_has_no_method_is_no_plugin():
    with pytest.raises(PluginError, match="expected a name and a method"):
        task_of(object())
