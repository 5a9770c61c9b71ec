import numpy as np
import pytest

from perception_label.simulate.bodies import CLASSES, Body
from perception_label.simulate.shapes import vehicles
from perception_label.simulate.shapes.mesh import Material

CARS = ("sedan", "hatch", "suv", "pickup", "van")
MEASURED = ("cyclist", "motorcyclist", "walker", "stander")


def body(style, seed=0):
    random = np.random.default_rng(seed)
    return Body(style, (4.6, 1.85, 1.6), seed) if style in CARS else Body.drawn(style, random)


@pytest.mark.parametrize("style", sorted(CLASSES))
def test_a_shape_fills_the_box_it_is_labelled_with(style):
    made = body(style)
    points = np.concatenate([m.vertices_m for m in made.meshes()])
    low, high = points.min(axis=0), points.max(axis=0)
    half = np.array(made.size_m) / 2
    # Only mirrors stick out sideways.
    side = 0.15 if style in CARS else 0.01
    assert np.abs(high[:2]).max() <= max(half[0], half[1] + side) + 1e-9
    assert (np.abs([low[0], high[0]]) <= half[0] + 0.01).all()
    assert (np.abs([low[1], high[1]]) <= half[1] + side).all()
    assert low[2] >= -1e-6
    assert high[2] == pytest.approx(made.size_m[2], abs=0.03)
    longest = max(abs(low[0]), abs(high[0]))
    assert longest == pytest.approx(half[0], abs=0.03)


@pytest.mark.parametrize("style", sorted(CLASSES))
def test_no_triangle_is_flat_and_all_have_a_material(style):
    for mesh in body(style).meshes():
        a, b, c = (mesh.vertices_m[mesh.triangles[:, k]] for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        assert (area > 1e-9).mean() > 0.9
        assert set(np.unique(mesh.materials).tolist()) <= set(Material)
        assert len(mesh.materials) == len(mesh.triangles)


def test_cars_are_no_boxes():
    mesh = vehicles.car("sedan", (4.6, 1.85, 1.45))
    at_front = mesh.vertices_m[mesh.vertices_m[:, 0] > 1.6]
    assert at_front[:, 2].max() < 0.75 * 1.45
    assert (mesh.materials == Material.GLASS).sum() >= 8
    assert (mesh.materials == Material.RUBBER).any()


def test_sizes_of_drawn_cars_are_those_of_real_ones():
    random = np.random.default_rng(0)
    sizes = np.array([vehicles.random_car(random)[1] for _ in range(400)])
    assert 4.4 < np.median(sizes[:, 0]) < 4.8
    assert ((sizes > [3.4, 1.55, 1.3]) & (sizes < [6.3, 2.2, 2.4])).all()


@pytest.mark.parametrize("style", MEASURED)
def test_people_have_sizes_of_people(style):
    sizes = np.array([body(style, seed).size_m for seed in range(6)])
    assert (sizes[:, 1] > 0.3).all()
    assert (sizes[:, 1] < 1.0).all()
    assert ((sizes[:, 2] > 1.4) & (sizes[:, 2] < 2.0)).all()
