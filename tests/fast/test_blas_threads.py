from threading import Barrier, Thread

import numpy as np
import pytest

from minigrok.fast import blas_threads
from minigrok.fast.blas_threads import one_blas_thread

LIBRARIES = blas_threads._libraries()


def counts():
    return [get() for get, _ in LIBRARIES]


@pytest.fixture(autouse=True)
def two_threads():
    before = counts()
    for _, put in LIBRARIES:
        put(2)
    yield
    for (_, put), threads in zip(LIBRARIES, before, strict=True):
        put(threads)


def test_both_wheels_are_found_where_they_brought_openblas():
    names = {name for package in (np, blas_threads.scipy) for name in blas_threads._shared_libraries(package)}
    assert len(LIBRARIES) == len(names)


def test_blas_has_one_thread_inside_and_its_own_number_afterwards():
    outside = counts()
    with one_blas_thread():
        assert counts() == [1] * len(LIBRARIES)
        with one_blas_thread():
            assert counts() == [1] * len(LIBRARIES)
        assert counts() == [1] * len(LIBRARIES)
    assert counts() == outside
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert counts() == outside


def test_the_last_of_several_threads_puts_the_number_back():
    outside, seen, both = counts(), [], Barrier(2)

    def inside():
        with one_blas_thread():
            both.wait()
            seen.append(counts())
        both.wait()

    threads = [Thread(target=inside) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[1] * len(LIBRARIES)] * 2
    assert counts() == outside


def test_without_openblas_nothing_happens(monkeypatch):
    monkeypatch.setattr(blas_threads, "_libraries", list)
    with one_blas_thread():
        assert np.ones((2, 2)).sum() == 4
