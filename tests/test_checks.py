import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minigrok import checks, density_matrix, measure, sampling_error
from minigrok.checks import increasing_edges, numeric_array, one_of, real_array, real_number, whole_number


def cyclic():
    """A list of itself."""
    values = []
    values.append(values)
    return values


def nested(value, depth):
    """A list of a list of ... it."""
    return nested([value], depth - 1) if depth else value


@pytest.mark.parametrize(("call", "message"), [
    (lambda: one_of("loss", "cross_entrpy", ["cross_entropy", "squared_error"]), "did you mean 'cross_entropy'"),
    (lambda: one_of("loss", "x", ["cross_entropy"]), "choose one of: cross_entropy"),
    (lambda: whole_number("n", 1.5, 1), "n is 1.5, but must be a whole number, 1 or more"),
    (lambda: whole_number("n", True, 0), "n is True"),
    (lambda: whole_number("n", 0, 1), "n is 0"),
    (lambda: whole_number("n", np.True_, 0), "whole number"),
    (lambda: whole_number("n", "3", 0), "n is '3'"),
    (lambda: whole_number("n", np.nan, 0), "n is nan"),
    (lambda: one_of("op", None, ["add"]), "op None is not known; choose one of: add"),
    (lambda: real_number("lr", np.nan, 0), r"lr is nan, but must be a number in \[0, inf\)"),
    (lambda: real_number("lr", "fast", 0), "lr is 'fast'"),
    (lambda: real_number("lr", 0, 0, low_open=True), r"\(0, inf\)"),
    (lambda: real_number("share", 2, 0, 1), r"\[0, 1\]"),
    (lambda: real_number("share", -1e-300, 0, 1), "share is -1e-300"),
    (lambda: real_number("x", np.inf), r"x is inf, but must be a number in \(-inf, inf\)"),
    (lambda: real_number("x", None), "x is None"),
    (lambda: real_number("x", "1.5"), "x is '1.5'"),
    (lambda: real_number("x", True), "x is True"),
    (lambda: real_number("x", 1j), "x is 1j"),
    (lambda: real_number("x", 10**400), "x is 1000"),
    (lambda: real_number("x", np.ma.masked), "x is masked"),
    (lambda: real_number("x", np.array("2")), "must be a number"),
    (lambda: real_number("x", np.array([2.0])), "must be a number"),
    (lambda: real_number("x", np.complex128(1)), "must be a number"),
    (lambda: real_number("x", np.dtype(float)), "must be a number"),
    (lambda: real_number("x", np.inf, 0), r"in \[0, inf\)"),
    (lambda: real_number("x", -np.inf, 0, np.inf), r"in \[0, inf\]"),
    (lambda: whole_number("n", np.timedelta64(3, "s"), 1), "must be a whole number, 1 or more"),
    (lambda: whole_number("n", 2**63, 1), r"1 or more and below 2\^63"),
    (lambda: one_of("op", np.array(["add", "divide"]), ["add"]), "choose one of: add"),
    (lambda: one_of("op", "x" * 5000, ["add"]), r"op 'x+\.\.\.x+' is not known"),
    (lambda: one_of("op", cyclic(), ["add"]), r"op \[\[.*\.\.\..*\]\] is not known"),
    (lambda: numeric_array("A", cyclic()), "no rectangular array"),
    (lambda: real_array("A", [1j]), "A has dtype complex128, but must be real"),
    (lambda: numeric_array("A", [None]), "must hold numbers"),
    (lambda: numeric_array("A", np.array([1, 2], dtype=object)), "must hold numbers"),
    (lambda: numeric_array("A", []), "no entry"),
    (lambda: numeric_array("A", [1.0, -np.inf]), r"A\[1\] is -inf"),
    (lambda: numeric_array("A", np.nan), "A is nan"),
    (lambda: numeric_array("A", [[1, 2], [3, np.nan]]), r"A\[1, 1\] is nan"),
    (lambda: numeric_array("A", [1.0, complex(0, np.inf)]), r"A\[1\] is infj"),
    (lambda: numeric_array("A", np.longdouble("1e4000")), "A is inf"),
    (lambda: numeric_array("A", np.zeros((2, 0))), r"shape \(2, 0\)"),
    (lambda: numeric_array("A", [[1], [1, 2]]), "no rectangular array.*same length"),
    (lambda: numeric_array("A", ["1"]), "dtype <U1, but must hold numbers"),
    (lambda: numeric_array("A", np.array(["2026-01-01"], "datetime64[D]")), "must hold numbers"),
    (lambda: numeric_array("A", np.zeros(2, [("x", float)])), "must hold numbers"),
    (lambda: numeric_array("A", {1.0}), "must hold numbers"),
    (lambda: numeric_array("A", np.ma.array([1.0, 2.0], mask=[False, True])), "masked entries.*fill them"),
    (lambda: numeric_array("A", [np.ma.array([1, 2], mask=[False, True]), [3, 4]]), "masked entries"),
    (lambda: numeric_array("A", [1.0, np.ma.masked]), "masked entries"),
    (lambda: numeric_array("A", nested(np.ma.masked, 3)), "masked entries"),
    (lambda: numeric_array("A", nested(np.ma.masked, 64)), "masked entries"),        # as many axes as NumPy has
    (lambda: numeric_array("A", nested(np.ma.masked, 65)), "no rectangular array"),
    (lambda: whole_number("n", 0, 1), "number, 1 or more$"),
    (lambda: increasing_edges("edges", [1.0]), r"edges has shape \(1,\), but .* bins: 2 numbers or more"),
    (lambda: increasing_edges("edges", [0.0, 1.0], 2), "3 numbers or more"),
    (lambda: increasing_edges("edges", [[0.0, 1.0]]), "2 numbers or more"),
    (lambda: increasing_edges("edges", [0.0, 1.0j]), "must be real"),
    (lambda: increasing_edges("x", [0.0, 1.0, 1.0, 0.5]), r"x\[2\] is 1, not above x\[1\] = 1: x must increase"),
    (lambda: increasing_edges("edges", [0.0, np.inf]), r"edges\[1\] is inf"),
    (lambda: real_number("x", None, -np.inf, 0), r"in \[-inf, 0\]"),
])
def test_a_refusal_names_value_and_rule(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_right_comes_back():
    assert one_of("op", "add", {"add": 1}) == "add"
    assert whole_number("n", np.int64(3), 1) == 3
    assert real_number("x", 1.5, 0, 2) == 1.5
    assert real_number("x", 0, 0, 1) == 0.0
    assert real_number("x", np.array(0.5)) == 0.5
    assert real_number("x", np.inf, 0, np.inf) == np.inf
    assert whole_number("seed", 2**100, 0, np.inf) == 2**100
    assert whole_number("n", 2**63 - 1, 0) == 2**63 - 1
    assert real_number("x", 1, 0, 1, low_open=True) == 1.0
    assert real_number("x", 1, low=0, high=1) == 1.0
    assert real_array("x", [0.5]).tolist() == [0.5]
    assert increasing_edges("edges", [0, 1, 3], 2).tolist() == [0.0, 1.0, 3.0]
    assert increasing_edges("edges", np.float32([0, 1])).dtype == np.float64
    assert type(real_number("x", np.float32(1))) is float
    assert type(whole_number("n", np.uint8(1), 1)) is int


@pytest.mark.parametrize(("values", "dtype"), [
    ([True, False], np.float64), (np.uint8([1, 0]), np.float64), (np.float32([1, 0]), np.float32),
    (np.longdouble([1, 0]), np.float64), (np.clongdouble([1, 0]), np.complex128), (np.complex64([1, 0]), np.complex64),
    (np.ma.array([1.0, 0.0]), np.float64), (np.array([1.0, 0.0], ">f8"), np.float64), ((1, 0), np.float64),
])
def test_what_kind_of_array_comes_back(values, dtype):
    array = numeric_array("A", values)
    assert type(array) is np.ndarray
    assert array.dtype == np.dtype(dtype) or array.dtype == np.dtype(dtype).newbyteorder()
    np.testing.assert_array_equal(array, [1.0, 0.0])


def test_an_array_that_is_right_is_not_copied():
    values = np.asfortranarray(np.eye(3))[::2]
    values.setflags(write=False)
    assert numeric_array("A", values) is values


@given(arrays(float, array_shapes(max_dims=3, max_side=4), elements=st.floats(-1, 1)), st.data())
def test_the_first_entry_that_is_not_finite_is_named(values, data):
    places = list(np.ndindex(values.shape))
    bad = sorted(data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)))
    for place in bad:
        values[place] = np.nan
    with pytest.raises(ValueError) as error:
        numeric_array("A", values)
    assert str(error.value).startswith(f"A{list(bad[0])} is nan, but every entry must be finite")


class OnlyDLPack:
    """What an array of a framework that does not know NumPy looks like from here."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **keywords):
        return self.values.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class OnGPU:
    """What a tensor on a graphics card looks like from here: device 2 in DLPack's numbering."""

    device = "cuda:0"

    def __dlpack_device__(self):
        return 2, 0


class Stubborn:
    def __array__(self, *words, **keywords):
        raise TypeError("no such luck")


VALUES = np.arange(6.0).reshape(2, 3)


def test_what_speaks_dlpack_is_taken_and_what_lies_elsewhere_refused():
    np.testing.assert_array_equal(numeric_array("A", OnlyDLPack(VALUES)), VALUES)
    for function in (lambda A: numeric_array("A", A), density_matrix, measure, sampling_error):
        with pytest.raises(ValueError, match=r"lies on cuda:0.*call \.cpu\(\)"):
            function(OnGPU())
        with pytest.raises(ValueError, match="no such luck"):
            function(Stubborn())


class Brain16:
    """A tensor of PyTorch's bfloat16 as it looks from here: no NumPy array before it is detached and made float32."""

    def __init__(self, values, dtype="torch.bfloat16", detached=False):
        self.values, self.dtype, self.detached = values, dtype, detached

    def __dlpack_device__(self):
        return 1, 0

    def detach(self):
        return Brain16(self.values, self.dtype, True)

    def float(self):
        return Brain16(self.values, "torch.float32", self.detached)

    def __array__(self, dtype=None, copy=None):
        if not self.detached:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values if self.dtype == "torch.float64" else self.values.astype(np.float32)


class Nowhere(OnlyDLPack):
    """What DLPack has no number for: its device, or its type."""

    def __dlpack_device__(self):
        raise BufferError("no such device")


class Unshared(OnlyDLPack):
    def __dlpack__(self, **keywords):
        raise BufferError("no such type")


def test_bfloat16_is_taken_as_float32():
    array = numeric_array("A", Brain16(VALUES))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, VALUES)
    np.testing.assert_allclose(density_matrix(Brain16(VALUES)), density_matrix(VALUES), atol=1e-6)


def test_what_dlpack_cannot_hand_over_is_refused():
    for function in (lambda A: numeric_array("A", A), density_matrix):
        with pytest.raises(ValueError, match="A lies on another device, but must lie in main memory"):
            function(Nowhere(VALUES))
        with pytest.raises(ValueError, match=r"A cannot be had as a NumPy array \(no such type"):
            function(Unshared(VALUES))


class Pinned(OnlyDLPack):
    """What a tensor in main memory that a graphics card reads looks like from here: device 3 in DLPack's numbering."""

    def __dlpack_device__(self):
        return 3, 0


@pytest.mark.parametrize("kind", [OnlyDLPack, Pinned])
def test_dlpack_is_read_where_it_lies(kind):
    assert np.shares_memory(numeric_array("A", kind(VALUES)), VALUES)


def test_only_bfloat16_is_made_float32():
    assert numeric_array("A", Brain16(np.float64([1 / 3]), "torch.float64")).tolist() == [1 / 3]
    ml_dtypes = pytest.importorskip("ml_dtypes")         # JAX's, as it looks to NumPy
    array = numeric_array("A", VALUES.astype(ml_dtypes.bfloat16))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, VALUES)


def test_an_error_shows_the_two_ends_of_a_long_text():
    assert checks.short("x" * 5000) == f"'{'x' * 37}...{'x' * 38}'"


def test_tensors_of_pytorch_are_taken_with_and_without_a_history():
    torch = pytest.importorskip("torch")
    for tensor in (torch.tensor(VALUES), torch.tensor(VALUES, requires_grad=True), torch.tensor(VALUES).float(),
                   torch.tensor(VALUES).bfloat16(), torch.tensor(VALUES).to(torch.int8)):
        np.testing.assert_array_equal(numeric_array("A", tensor), VALUES)
        assert measure(tensor).entropy == pytest.approx(measure(VALUES).entropy)
        np.testing.assert_allclose(density_matrix(tensor), density_matrix(VALUES))
    with pytest.raises(ValueError, match=r"cannot be had as a NumPy array|lies on"):
        measure(torch.eye(3).to_sparse())
    with pytest.raises(ValueError, match="lies on meta"):
        measure(torch.eye(3, device="meta"))


def test_arrays_of_jax_are_taken():
    jax = pytest.importorskip("jax.numpy")
    for array in (jax.asarray(VALUES), jax.asarray(VALUES, jax.bfloat16)):
        np.testing.assert_array_equal(numeric_array("A", array), VALUES)


def test_a_place_in_a_large_array_is_named_though_it_is_looked_at_in_blocks(monkeypatch):
    monkeypatch.setattr(checks, "FINITE_BLOCK", 10)
    values = np.zeros((50, 3))
    values[41, 2] = np.inf
    with pytest.raises(ValueError, match=r"A\[41, 2\] is inf"):
        numeric_array("A", values)
    with pytest.raises(ValueError, match=r"A\[141, 2\] is inf"):
        checks.require_finite("A", values, 100)


@pytest.mark.parametrize(("shape", "rows"), [((25, 3), 3), ((7, 10), 1), ((4, 50), 1), ((6, 2, 2), 2), ((31,), 10)])
def test_a_large_array_is_looked_at_in_blocks_of_whole_rows(monkeypatch, shape, rows):
    sizes, looked = [], np.isfinite
    monkeypatch.setattr(checks, "FINITE_BLOCK", 10)
    monkeypatch.setattr(np, "isfinite", lambda block: sizes.append(len(block)) or looked(block))
    checks.require_finite("x", np.ones(shape))
    assert sizes == [rows] * (shape[0] // rows) + [shape[0] % rows] * (shape[0] % rows > 0)


def test_rows_without_entries_are_finite():
    checks.require_finite("x", np.ones((3, 0)))


def test_a_number_alone_is_looked_at_once(monkeypatch):
    seen, looked = [], np.isfinite
    monkeypatch.setattr(np, "isfinite", lambda block: seen.append(block) or looked(block))
    checks.require_finite("x", np.array(3.0))
    assert seen == [3.0]
