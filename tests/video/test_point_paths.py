import numpy as np
from scipy.ndimage import gaussian_filter

from perception_label.video.images import open_images
from perception_label.video.point_paths import Gap, filled, follow_gaps

H, W, N = 80, 120, 9


def pictures(seed=0, hidden=()):
    """A ground that moves right by 2 and down by 1 pixel an image, faster in the second half."""
    rng = np.random.default_rng(seed)
    whole = np.clip(128 + 60 * gaussian_filter(rng.normal(0, 5, (H + 80, W + 80)), 2), 0, 255)
    images = []
    for t in range(N):
        x, y = way(t)
        image = whole[60 - y : 60 - y + H, 60 - x : 60 - x + W].astype(np.uint8)
        if t in hidden:
            image[:, :60] = 128
        images.append(image)
    return open_images(images)


def way(t):
    return 2 * t + max(0, t - 4), t


def gap(points):
    start = np.asarray(points, float)
    return Gap(0, N - 1, start, start + way(N - 1))


def test_points_go_where_their_texture_goes():
    (path,) = follow_gaps(pictures(), [gap([[30, 30], [50, 40], [40.5, 20.25]])])
    truth = np.array([gap([[30, 30], [50, 40], [40.5, 20.25]]).begin_px + way(t) for t in range(N)])
    assert np.abs(path - truth).max() < 0.2
    assert np.allclose(path[[0, -1]], truth[[0, -1]], rtol=0, atol=1e-9)


def test_several_shapes_at_other_times_are_followed_in_the_same_pass():
    one, two = gap([[30, 30]]), Gap(2, 5, np.array([[50.0, 40.0]]), np.array([[57.0, 43.0]]))
    both = follow_gaps(pictures(), [one, two])
    assert [path.shape for path in both] == [(9, 1, 2), (4, 1, 2)]
    assert np.array_equal(both[0], follow_gaps(pictures(), [one])[0])
    assert np.array_equal(both[1], follow_gaps(pictures(), [two])[0])
    assert follow_gaps(pictures(), []) == []


def test_a_point_that_misses_its_other_keyframe_says_nothing():
    lost = Gap(0, N - 1, np.array([[30.0, 30.0]]), np.array([[80.0, 30.0]]))
    assert np.isnan(follow_gaps(pictures(), [lost])[0]).all()


def test_a_point_that_is_hidden_on_the_way_says_nothing_but_others_do():
    (path,) = follow_gaps(pictures(hidden=(4,)), [gap([[20, 30], [85, 40]])])
    assert np.isnan(path[:, 0]).all()
    assert np.isfinite(path[:, 1]).all()


def test_lost_points_go_with_their_neighbours():
    guess = np.zeros((3, 3, 2)) + np.array([[0, 0], [10, 0], [100, 0]])
    followed = guess.copy()
    followed[1, :2] += [0, 4]
    followed[:, 1] = np.nan
    out = filled(followed, guess)
    assert np.array_equal(out[:, [0, 2]], followed[:, [0, 2]])
    assert 3.5 < out[1, 1, 1] < 4
    assert np.array_equal(filled(np.full_like(guess, np.nan), guess), guess)
