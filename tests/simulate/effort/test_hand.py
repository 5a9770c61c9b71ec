import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.simulate.effort.hand import Hand, Noise

MEANT = Cuboids(np.zeros((4000, 3)), np.full((4000, 3), 2.0), np.zeros(4000))


def test_a_hand_misses_by_five_centimetres_and_one_degree():
    made = Hand(Noise(), seed=1).set(MEANT)
    assert np.allclose(made.center_m.std(axis=0), 0.05, rtol=0.05)
    assert np.allclose((made.size_m - 2).std(axis=0), 0.05, rtol=0.05)
    assert np.isclose(np.rad2deg(made.yaw_rad.std()), 1, rtol=0.05)


def test_a_perfect_hand_sets_what_was_meant():
    made = Hand(Noise(0.0, 0.0)).set(MEANT)
    assert np.array_equal(made.packed(), MEANT.packed())


def test_no_edge_vanishes():
    made = Hand(Noise(10.0, 0.0)).set(MEANT)
    assert made.size_m.min() >= 0.05
