"""What is drawn stands out from its background, dark and light."""

import pytest

LEAST = 3.0  # WCAG 2.2, 1.4.11: of what one has to see


@pytest.fixture(params=["dark", "light"])
def themed(request, blank):
    blank.evaluate(
        "(name) => document.documentElement.setAttribute('data-mantine-color-scheme', name)",
        request.param,
    )
    yield blank
    blank.evaluate("document.documentElement.removeAttribute('data-mantine-color-scheme')")


def contrast(one, two):
    """Return the contrast of two colours as WCAG defines it."""

    def luminance(colour):
        parts = [((colour >> k) & 255) / 255 for k in (16, 8, 0)]
        flat = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * flat[0] + 0.7152 * flat[1] + 0.0722 * flat[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


CLASSES = (
    "car", "truck", "bus", "trailer", "motorcycle", "bicycle", "cyclist", "pedestrian",
    "construction_vehicle", "other",
)  # fmt: skip


def test_the_selected_box_stands_out_from_all_others(themed):
    back, selected, classes = themed.evaluate(
        """(names) => { const {theme, colours} = perception_label;
        return [theme.background(), theme.selectedColour(),
                names.map((name) => theme.onBackground(colours.classColour(name)))]; }""",
        list(CLASSES),
    )
    assert contrast(selected, back) > 12
    assert min(contrast(each, back) for each in classes) > LEAST
    assert min(contrast(each, selected) for each in classes) > 1.8


def test_colours_of_sources_and_tracks_stand_out(themed):
    back, shades = themed.evaluate(
        """() => { const {theme, colours} = perception_label;
        const hues = Array.from({length: 60}, (_, k) => colours.trackColour(`p${k}`));
        const sources = ['human', 'solver', 'static', 'model:x', 'imported:y'];
        return [theme.background(), [...hues, ...sources.map(colours.sourceColour)]
          .map(theme.onBackground)]; }"""
    )
    assert min(contrast(each, back) for each in shades) > 2.5
