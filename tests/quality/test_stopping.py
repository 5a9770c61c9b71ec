"""Bounds from samples: exact, never too small, and as they are published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from perception_label.errors import SettingError
from perception_label.quality.stopping import (
    checks_needed,
    error_bound,
    gate,
    gates,
    interval,
    sample_order,
    stratum_bounds,
)


def test_the_rule_of_three_and_published_values():
    assert error_bound(299) == pytest.approx(0.01, abs=5e-5)
    assert error_bound(300) < 0.01 < error_bound(298)
    assert error_bound(100) * 100 == pytest.approx(3, abs=0.05)
    # Clopper and Pearson's own example: 10 of 10 gives 0.69 to 1 at 95 %.
    assert interval(10, 10) == pytest.approx((0.6915, 1.0), abs=1e-4)
    assert interval(20, 3) == pytest.approx((0.0321, 0.3789), abs=1e-4)
    assert interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("n_wrong", "n"), [(0, 299), (1, 473), (2, 628)])
def test_known_sample_sizes_for_one_percent(n_wrong, n):
    assert checks_needed(0.01, n_wrong=n_wrong) == n


@given(st.integers(1, 400), st.integers(0, 20))
def test_the_bound_is_the_largest_rate_that_a_sample_does_not_exclude(n, k):
    k = min(k, n)
    bound = error_bound(n, k)
    if k < n:
        assert binom.cdf(k, n, bound) == pytest.approx(0.05, abs=1e-6)
    else:
        assert bound == 1


@given(st.integers(1, 80), st.data())
def test_a_known_total_gives_the_exact_share(total, data):
    n = data.draw(st.integers(0, total))
    k = data.draw(st.integers(0, n))
    wrong = round(error_bound(n, k, n_total=total) * total)
    possible = [w for w in range(k, total - n + k + 1) if hypergeom.cdf(k, total, w, n) > 0.05]
    assert wrong == max(possible)


def test_when_all_are_checked_nothing_is_left_to_bound():
    assert error_bound(40, 3, n_total=40) == 3 / 40
    assert error_bound(0, 0, n_total=40) == 1
    assert error_bound(0) == 1


def test_looking_after_every_answer_keeps_its_promise():
    """Stop at the best looking moment of 2,000: the bound is broken in 5 % of runs at most."""
    rng, rate, broken, naive = np.random.default_rng(5), 0.05, 0, 0
    for _ in range(300):
        wrong = np.cumsum(rng.random(400) < rate)
        looks = range(9, 400, 10)
        broken += min(error_bound(n + 1, wrong[n], looked_often=True) for n in looks) < rate
        naive += min(error_bound(n + 1, wrong[n]) for n in looks) < rate
    assert broken <= 15
    assert naive > 30  # what one promises who looks often and uses the plain bound


def test_strata_are_told_apart():
    bounds = stratum_bounds(
        ["a"] * 50 + ["b"] * 10, [True] * 40 + [None] * 10 + [False] + [True] * 9
    )
    assert [(b.stratum, b.n_total, b.n_checked, b.n_wrong) for b in bounds] == [
        ("a", 50, 40, 0),
        ("b", 10, 10, 1),
    ]
    assert bounds[0].error_rate == pytest.approx(0.02)
    assert bounds[1].error_rate == 0.1
    assert str(bounds[0]) == "a: error rate < 2 % at 95% (0 wrong of 40 checked, 50 in all)"


def test_the_gate_closes_only_on_evidence():
    assert gate("x", 0, 0).is_shown
    assert gate("x", 19, 0).is_shown
    assert not gate("x", 20, 16).is_shown
    assert gate("x", 20, 17).is_shown
    assert not gate("x", 20, 17).is_proven
    assert gate("x", 200, 190).is_proven
    closed, opened = gates({"b": [True] * 30, "a": [False, True] * 15})
    assert (closed.source, closed.is_shown, opened.is_shown) == ("a", False, True)
    assert "not shown; 15 of 30" in str(closed)


def test_a_sample_is_random_and_does_not_move_when_others_come():
    ids = [f"p{k:05d}" for k in range(200)]
    order = sample_order(ids)
    assert sorted(order) == ids
    assert order != ids
    assert [i for i in sample_order([*ids, "new"]) if i != "new"] == order
    assert sample_order(reversed(ids)) == order
    assert sample_order(ids, seed=1) != order


@pytest.mark.parametrize("wrong", [(5, 6), (-1, 0), (5, -1)])
def test_numbers_that_do_not_fit_are_an_error(wrong):
    with pytest.raises(SettingError, match="expected"):
        error_bound(*wrong)
    with pytest.raises(SettingError, match="expected"):
        error_bound(10, 0, n_total=9)
    with pytest.raises(SettingError, match="either"):
        error_bound(10, 0, n_total=20, looked_often=True)
    with pytest.raises(SettingError, match="share"):
        checks_needed(0)
