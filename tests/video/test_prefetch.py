import threading

import pytest

from perception_label.video.prefetch import ahead


def test_items_come_in_their_order():
    for n in (0, 1, 3, 50):
        assert list(ahead(range(20), n)) == list(range(20))
    assert list(ahead([], 4)) == []


def test_no_more_is_made_than_asked_for():
    made = []

    def items():
        for k in range(100):
            made.append(k)
            yield k

    walk = ahead(items(), 3)
    assert next(walk) == 0
    walk.close()
    assert len(made) <= 7


def test_an_error_comes_in_its_turn():
    def items():
        yield 1
        raise ValueError("the second")

    walk = ahead(items(), 4)
    assert next(walk) == 1
    with pytest.raises(ValueError, match="the second"):
        next(walk)


def test_no_thread_is_left_behind():
    for _ in range(5):
        walk = ahead(iter(range(1000)), 2)
        next(walk)
        walk.close()
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]
