from hypothesis import given
from hypothesis import strategies as st

from perception_label.video.cache import ByteCache


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60))), st.integers(0, 100))
def test_what_is_kept_is_what_was_used_last_and_fits(puts, limit):
    cache = ByteCache(limit)
    kept = {}
    for key, size in puts:
        kept.pop(key, None)
        cache.put(key, f"{key} {size}", size)
        if size <= limit:
            kept[key] = size
        while sum(kept.values()) > limit:
            kept.pop(next(iter(kept)))
    assert cache.n_bytes == sum(kept.values()) <= limit
    for key in range(10):
        assert cache.get(key) == (f"{key} {kept[key]}" if key in kept else None)


def test_a_look_keeps_a_value_longer():
    cache = ByteCache(2)
    cache.put("a", 1, 1)
    cache.put("b", 2, 1)
    assert cache.get("a") == 1
    cache.put("c", 3, 1)
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)
