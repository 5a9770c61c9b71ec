import pytest

from perception_label.config import Proposals, Scoring, Settings, Tracking, load_settings
from perception_label.errors import SettingError


@pytest.fixture
def load(tmp_path):
    def read(text):
        (tmp_path / "settings.toml").write_text(text)
        return load_settings(tmp_path / "settings.toml")

    return read


def test_what_is_left_out_keeps_its_default(load):
    assert load("") == Settings()
    given = load("[tracking]\ngate_m = 3\n[scoring]\nmin_points = 5\nbands_m = [0, 30.5, inf]\n")
    assert given.tracking == Tracking(gate_m=3.0)
    assert given.scoring == Scoring(min_points=5, bands_m=(0.0, 30.5, float("inf")))
    assert given.proposals == Proposals()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "expected a TOML file"),
        ("[proposal]\n", r"expected keys .*'proposals'.*, got \['proposal'\]"),
        ("[proposals]\nmin_scor = 1\n", r"\[proposals\]: expected keys .*got \['min_scor'\]"),
        ("proposals = 3\n", r"\[proposals\]: expected a table, got 3"),
        ("[proposals]\nmin_score = 'high'\n", "min_score: expected a value like 0.5, got 'high'"),
        ("[proposals]\nmin_score = true\n", "expected a value like 0.5, got True"),
        ("[proposals]\nmin_score = nan\n", "expected a value like 0.5, got nan"),
        ("[proposals]\nsearch_hz = 0\n", "search_hz: expected more than 0, got 0"),
        ("[scoring]\nmin_points = 2.5\n", "min_points: expected a value like 20, got 2.5"),
        ("[scoring]\nbands_m = []\n", "bands_m: expected a value like"),
        ("[scoring]\nbands_m = ['near']\n", "bands_m: expected a value like 0.0, got 'near'"),
    ],
)
def test_mistakes_are_one_line_that_names_the_key(text, message, load):
    with pytest.raises(SettingError, match=message) as caught:
        load(text)
    assert "settings.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
