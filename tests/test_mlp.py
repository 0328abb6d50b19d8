"""Laws of the network: the gradient is the derivative of the loss, and the loss is what its formula says."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from minigrok import mlp
from minigrok.mlp import ACTIVATIONS, INITIALISATIONS, LOSSES, MLP

STEP = 1e-5                    # of the central differences, far below the distance from the kink
HIDDEN = ([], [4], [4, 3], [3, 4, 3])                        # by the number of hidden layers
seeds = st.integers(0, 2**32 - 1)
KINK = 1e-3                    # how far from ReLU's kink every z must be
SMALLEST_GRADIENT = 1e-3       # the loss is rounded to about 1e-16, so its differences to 1e-11: 1e-7 is in sight


@st.composite
def networks(draw, losses=tuple(LOSSES), hidden=HIDDEN, activations=tuple(ACTIVATIONS)):
    """A small net with biases that are not zero, 1 to 7 inputs for it, and their labels."""
    features, classes, n = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 7))
    seed, bias = draw(seeds), draw(st.booleans())
    net = MLP([features, *draw(st.sampled_from(hidden)), classes], draw(st.sampled_from(activations)),
              draw(st.sampled_from(losses)), init="fan_in_uniform", bias=bias, seed=seed)
    rng = np.random.default_rng(seed + 1)
    return net, rng.normal(size=(n, features)), rng.integers(0, classes, n)


def central_differences(net, X, y):
    """dL/dtheta, one parameter at a time: (8 (L(h) - L(-h)) - (L(2h) - L(-2h))) / 12h, whose error is of order h^4."""
    gradient = np.empty_like(net.theta)
    for i, value in enumerate(net.theta.tolist()):
        losses = {}
        for steps in (-2, -1, 1, 2):
            net.theta[i] = value + steps * STEP
            losses[steps], _ = net.loss_and_gradient(X, y)
        net.theta[i] = value
        gradient[i] = (8 * (losses[1] - losses[-1]) - (losses[2] - losses[-2])) / (12 * STEP)
    return gradient


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", range(len(HIDDEN)))
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(seed=seeds)
@settings(max_examples=4)
def test_the_gradient_is_the_derivative_of_the_loss(activation, loss, depth, bias, seed):
    rng = np.random.default_rng(seed)
    net = MLP([2, *HIDDEN[depth], 3], activation, loss, bias=bias, seed=rng)
    for _, b in net.layers if bias else ():
        b[:] = rng.normal(0, 0.5, len(b))
    X, y = rng.normal(size=(5, 2)), rng.integers(0, 3, 5)
    assume(activation != "relu" or all((abs(Z) > KINK).all() for Z in mlp.forward(net, X)[0]))
    _, gradient = net.loss_and_gradient(X, y)
    assume(abs(gradient).max() > SMALLEST_GRADIENT)
    error = abs(gradient - central_differences(net, X, y))
    assert error.max() <= 1e-7 * abs(gradient).max()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(z=st.floats(-20, 20).filter(lambda z: abs(z) > KINK))
def test_the_derivative_of_an_activation_is_its_slope(activation, z):
    phi, derivative = ACTIVATIONS[activation]
    Z = np.array([[z]])
    slope = (phi(Z + STEP) - phi(Z - STEP)) / (2 * STEP)
    assert derivative(Z, phi(Z)) == pytest.approx(slope, rel=1e-7, abs=1e-9)


def test_activations_are_what_their_names_say():
    z = np.linspace(-3, 3, 13)                               # 0 is one of them
    formulas = {"relu": np.where(z > 0, z, 0), "tanh": (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1),
                "sigmoid": 1 / (1 + np.exp(-z)), "quadratic": z * z, "identity": z}
    for name, expected in formulas.items():
        assert ACTIVATIONS[name].function(z) == pytest.approx(expected, rel=1e-14, abs=1e-15), name
    assert formulas.keys() == ACTIVATIONS.keys()


def test_the_derivative_of_relu_at_zero_is_zero():
    zero = np.zeros((1, 1))
    assert ACTIVATIONS["relu"].derivative(zero, zero) == 0
    net = MLP([1, 1, 2], seed=0)
    net.theta = [0.0, 0.0, 1.0, -1.0, 0.0, 0.0]              # Z of the hidden unit is exactly 0
    _, gradient = net.loss_and_gradient([[1.0]], [0])
    assert gradient[:2].tolist() == [0, 0]
    assert gradient[4:].tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_activation_swallows_nan(activation):
    assert np.isnan(ACTIVATIONS[activation].function(np.array([np.nan]))).all()


def test_a_net_computes_layer_by_layer_what_the_formula_says():
    net = MLP([2, 3, 4, 2], "tanh", init="fan_in_uniform", seed=5)
    (W1, b1), (W2, b2), (W3, b3) = net.layers
    X = np.random.default_rng(0).normal(size=(6, 2))
    for x, first, last, z in zip(X, net.hidden(X, 0), net.hidden(X), net.forward(X), strict=True):
        a1 = np.tanh(x @ W1 + b1)
        a2 = np.tanh(a1 @ W2 + b2)
        assert first == pytest.approx(a1, rel=1e-13)
        assert last == pytest.approx(a2, rel=1e-13)
        assert z == pytest.approx(a2 @ W3 + b3, rel=1e-12)
    assert np.array_equal(net.hidden(X, 1), net.hidden(X, -1))
    assert np.array_equal(net.hidden(X, -2), net.hidden(X, 0))
    assert net.predict(X).tolist() == [int(np.argmax(z)) for z in net.forward(X)]


@given(networks(activations=["identity"]))
def test_layers_without_an_activation_are_one_matrix(case):
    net, X, _ = case
    rows = np.vstack([X, np.zeros(X.shape[1])])              # the last one sees nothing but the biases
    product = np.linalg.multi_dot([layer.W for layer in net.layers]) if len(net.layers) > 1 else net.layers[0].W
    Z = net.forward(rows)
    assert Z - Z[-1] == pytest.approx(rows @ product, abs=1e-12)


@given(networks(losses=["cross_entropy"]))
def test_cross_entropy_is_the_mean_of_minus_log_softmax(case):
    net, X, y = case
    log_p = log_softmax(net.forward(X), axis=1)
    expected = -np.mean([log_p[i, label] for i, label in enumerate(y)])
    assert net.loss_and_gradient(X, y)[0] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(networks(losses=["squared_error"]))
def test_squared_error_is_the_mean_over_inputs_and_classes(case):
    net, X, y = case
    expected = np.mean((net.forward(X) - np.eye(net.sizes[-1])[y]) ** 2)
    assert net.loss_and_gradient(X, y)[0] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(networks())
def test_the_loss_of_logits_is_the_loss(case):
    net, X, y = case
    assert net.loss_of_logits(net.forward(X), y) == net.loss_and_gradient(X, y)[0]


@given(networks(losses=["cross_entropy"]))
def test_the_gradient_of_cross_entropy_by_the_logits_sums_to_zero_in_each_row(case):
    net, X, y = case
    _, dZ = mlp.cross_entropy(net.forward(X), y)
    assert dZ.sum(axis=1) == pytest.approx(np.zeros(len(y)), abs=1e-15)


@given(networks(losses=["cross_entropy"]), st.floats(-1e3, 1e3))
def test_cross_entropy_sees_only_differences_of_logits(case, shift):
    net, X, y = case
    Z = net.forward(X)
    (loss, dZ), (shifted_loss, shifted_dZ) = mlp.cross_entropy(Z, y), mlp.cross_entropy(Z + shift, y)
    assert shifted_loss == pytest.approx(loss, rel=1e-9, abs=1e-11)      # Z + shift is rounded to 1e-13
    assert shifted_dZ == pytest.approx(dZ, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("huge", [1e3, 1e30])
def test_cross_entropy_of_huge_logits_is_the_distance_to_the_largest(huge, dtype):
    Z = np.array([[huge, -huge, 0], [0, huge, huge]], dtype)
    loss, dZ = mlp.cross_entropy(Z, np.array([1, 2]))
    assert loss == pytest.approx((2 * huge + np.log(2)) / 2, rel=1e-6)
    assert dZ.tolist() == [[0.5, -0.5, 0], [0, 0.25, -0.25]]


def test_a_perfect_answer_costs_nothing():
    loss, dZ = mlp.cross_entropy(np.array([[0.0, 1000.0]]), np.array([1]))
    assert loss == 0
    assert not dZ.any()
    loss, dZ = mlp.squared_error(np.array([[0.0, 1.0]]), np.array([1]))
    assert loss == 0
    assert not dZ.any()


@given(networks(), st.randoms(use_true_random=False))
def test_the_order_of_inputs_does_not_matter(case, random):
    net, X, y = case
    order = random.sample(range(len(y)), len(y))
    loss, gradient = net.loss_and_gradient(X, y)
    other_loss, other_gradient = net.loss_and_gradient(X[order], y[order])
    assert other_loss == pytest.approx(loss, rel=1e-12, abs=1e-15)
    assert other_gradient == pytest.approx(gradient, rel=1e-10, abs=1e-13)
    assert np.array_equal(net.predict(X)[order], net.predict(X[order]))


@given(networks(), st.integers(2, 4))
def test_a_batch_repeated_has_the_same_mean_gradient(case, times):
    net, X, y = case
    loss, gradient = net.loss_and_gradient(X, y)
    repeated_loss, repeated_gradient = net.loss_and_gradient(np.tile(X, (times, 1)), np.tile(y, times))
    assert repeated_loss == pytest.approx(loss, rel=1e-12, abs=1e-15)
    assert repeated_gradient == pytest.approx(gradient, rel=1e-10, abs=1e-13)


@given(networks())
def test_the_gradient_of_a_batch_is_the_mean_of_its_rows(case):
    net, X, y = case
    rows = [net.loss_and_gradient(X[i : i + 1], y[i : i + 1]) for i in range(len(y))]
    loss, gradient = net.loss_and_gradient(X, y)
    assert loss == pytest.approx(np.mean([row for row, _ in rows]), rel=1e-12, abs=1e-15)
    assert gradient == pytest.approx(np.mean([row for _, row in rows], axis=0), rel=1e-10, abs=1e-13)


@given(networks(hidden=[[4], [3, 4]]), st.randoms(use_true_random=False))
def test_hidden_units_have_no_order(case, random):
    net, X, y = case
    before = net.loss_and_gradient(X, y)[0]
    order = random.sample(range(net.sizes[-2]), net.sizes[-2])
    (W, b), (V, _) = net.layers[-2:]
    W[:], V[:] = W[:, order], V[order]
    if b is not None:
        b[:] = b[order]
    assert net.loss_and_gradient(X, y)[0] == pytest.approx(before, rel=1e-12, abs=1e-15)


@given(networks())
def test_the_same_call_gives_the_same_answer_and_changes_nothing(case):
    net, X, y = case
    theta, inputs, labels = net.theta.copy(), X.copy(), y.copy()
    (loss, gradient), (again, other) = net.loss_and_gradient(X, y), net.loss_and_gradient(X, y)
    assert loss == again
    assert np.array_equal(gradient, other)
    assert not np.shares_memory(gradient, other)
    assert np.array_equal(net.theta, theta)
    assert np.array_equal(X, inputs)
    assert np.array_equal(y, labels)


def test_theta_holds_the_layers_in_order():
    net = MLP([2, 3, 2], seed=0)
    net.theta[:] = np.arange(17)
    (W1, b1), (W2, b2) = net.layers
    assert W1.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert b1.tolist() == [6, 7, 8]
    assert W2.tolist() == [[9, 10], [11, 12], [13, 14]]
    assert b2.tolist() == [15, 16]
    W2[0, 0] = -1
    assert net.theta[9] == -1
    bare = MLP([2, 3, 2], bias=False)
    assert len(bare.theta) == 12
    assert all(layer.b is None for layer in bare.layers)


def test_assigning_theta_copies_the_values_in():
    net = MLP([2, 3, 2], seed=0)
    theta, values = net.theta, np.arange(17.0)
    net.theta = values
    values[0] = 99
    assert net.theta is theta
    assert net.layers[0].W[0, 0] == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copied_net_has_layers_of_its_own(copied):
    net = MLP([2, 3, 2], seed=0)
    twin = copied(net)
    twin.theta[:] = 0
    assert not twin.layers[0].W.any()
    assert not twin.forward([[1.0, 2.0]]).any()
    assert net.layers[0].W.all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_stays_float32_and_near_float64(activation, loss):
    single, double = (MLP([2, 5, 4, 3], activation, loss, dtype=dtype, seed=3) for dtype in (np.float32, "float64"))
    assert np.array_equal(single.theta, double.theta.astype(np.float32))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 3, 20)
    (loss32, gradient32), (loss64, gradient64) = single.loss_and_gradient(X, y), double.loss_and_gradient(X, y)
    Zs, As = mlp.forward(single, X.astype(np.float32))
    derivative = ACTIVATIONS[activation].derivative(Zs[0], As[1])
    dZ = LOSSES[loss](Zs[-1], y)[1]
    for array in (*Zs, *As, derivative, dZ, gradient32, single.hidden(X), single.forward(X)):
        assert array.dtype == np.float32
    assert double.hidden(X.astype(np.float32)).dtype == gradient64.dtype == np.float64
    assert loss32 == pytest.approx(loss64, rel=1e-5)
    assert gradient32 == pytest.approx(gradient64, rel=1e-4, abs=1e-5 * abs(gradient64).max())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("init", INITIALISATIONS)
def test_first_weights_have_the_stated_distribution(init, bias):
    n, m = 300, 100
    net = MLP([n, m, 50], init=init, bias=bias, seed=0, init_scale=0.3)
    W, b = net.layers[0]
    variance = {"he_normal": 2 / n, "glorot_uniform": 2 / (n + m), "lecun_normal": 1 / n,
                "fan_in_uniform": 1 / (3 * n), "normal": 0.09}[init]
    assert W.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / W.size))       # five standard deviations
    assert abs(W.mean()) < 5 * np.sqrt(variance / W.size)
    largest = abs(W).max() / np.sqrt(variance)
    assert (0.999 * np.sqrt(3) < largest <= np.sqrt(3)) if init.endswith("uniform") else 3.5 < largest < 6
    if bias and init == "fan_in_uniform":
        assert 0.9 / np.sqrt(n) < abs(b).max() <= 1 / np.sqrt(n)
        assert abs(net.layers[1].b).max() > 1 / np.sqrt(n)                      # its own fan-in is 100
    elif bias:
        assert not b.any()


def test_a_seed_fixes_the_net_to_the_bit():
    seeds = (7, np.int64(7), np.random.default_rng(7))
    same = [MLP([3, 4, 2], init="fan_in_uniform", seed=seed).theta for seed in seeds]
    assert np.array_equal(same[0], same[1])
    assert np.array_equal(same[0], same[2])
    assert not np.array_equal(same[0], MLP([3, 4, 2], init="fan_in_uniform", seed=8).theta)
    rng = np.random.default_rng(7)
    assert not np.array_equal(MLP([3, 4, 2], seed=rng).theta, MLP([3, 4, 2], seed=rng).theta)


@pytest.mark.parametrize("seed", [4, np.random.default_rng(4)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_net_comes_back(tmp_path, dtype, seed):
    net = MLP((2, 3, 2), "tanh", "squared_error", "normal", False, dtype, seed, init_scale=0.5)
    net.theta[:] += 1
    net.save(tmp_path / "net")
    back = MLP.load(tmp_path / "net")
    assert np.array_equal(back.theta, net.theta)
    assert back.theta.dtype == net.theta.dtype
    assert back.configuration == net.configuration
    assert net.configuration == {
        "sizes": [2, 3, 2], "activation": "tanh", "loss": "squared_error", "init": "normal", "init_scale": 0.5,
        "bias": False, "dtype": dtype, "seed": 4 if seed == 4 else None}


def test_whole_number_inputs_and_lists_are_welcome():
    net = MLP([2, 3, 2], seed=0)
    expected = net.loss_and_gradient(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 1]))
    for X, y in itertools.product(([[1, 0], [0, 2]], np.array([[1, 0], [0, 2]], np.uint8)), ([0, 1], np.uint8([0, 1]))):
        loss, gradient = net.loss_and_gradient(X, y)
        assert loss == expected[0]
        assert np.array_equal(gradient, expected[1])


BAD_NETS = [
    ({"sizes": 5}, "input and an output"), ({"sizes": [5]}, "input and an output"), ({"sizes": []}, "at least"),
    ({"sizes": [2, 0, 2]}, r"sizes\[1\] is 0"), ({"sizes": [2, 6.0, 2]}, r"sizes\[1\] is 6.0"),
    ({"sizes": "26"}, r"sizes\[0\] is '2'"), ({"activation": "rellu"}, "did you mean 'relu'"),
    ({"loss": "cross entropy"}, "did you mean 'cross_entropy'"), ({"init": "he"}, "choose one of"),
    ({"init": "normal", "init_scale": -1}, "init_scale is -1"), ({"init_scale": np.nan}, "init_scale is nan"),
    ({"dtype": np.float16}, "'float16' is not known"), ({"dtype": int}, "'int64' is not known"),
    ({"dtype": "flot32"}, "did you mean 'float32'"), ({"seed": -1}, "seed is -1"), ({"seed": None}, "seed is None"),
]


@pytest.mark.parametrize(("settings", "message"), BAD_NETS)
def test_a_bad_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        MLP(**{"sizes": [2, 3, 2]} | settings)


BAD_CALLS = [
    ([[1.0]], [0], r"X has shape \(1, 1\)"), ([1.0, 2.0], [0], r"X has shape \(2,\)"),
    (np.zeros((0, 2)), [], "no entry"), ([[1.0, np.nan]], [0], r"X\[0, 1\] is nan"),
    ([[1.0, np.inf]], [0], r"X\[0, 1\] is inf"), ([["a", "b"]], [0], "must hold numbers"), ([[1j, 0]], [0], "complex"),
    ([[1.0, 2.0]], [0, 1], r"y has shape \(2,\)"), ([[1.0, 2.0]], 0, r"y has shape \(\)"),
    ([[1.0, 2.0]], [[0]], "y has shape"), ([[1.0, 2.0]], [0.0], "whole numbers"),
    ([[1.0, 2.0]], [2], r"y\[0\] is 2, but this net's classes are 0 to 1"),
    ([[1.0, 2.0]] * 2, [0, -1], r"y\[1\] is -1"),
]


@pytest.mark.parametrize(("X", "y", "message"), BAD_CALLS)
def test_bad_data_is_named(X, y, message):
    with pytest.raises(ValueError, match=message):
        MLP([2, 3, 2]).loss_and_gradient(X, y)


@pytest.mark.parametrize(
    ("sizes", "layer"), [([2, 2], -1), ([2, 2], 0), ([2, 3, 2], 1), ([2, 3, 2], -2), ([2, 3, 2], 0.5)])
def test_a_hidden_layer_that_is_not_there_is_named(sizes, layer):
    with pytest.raises(ValueError, match=rf"layer is {layer}, but the hidden layers of sizes"):
        MLP(sizes).hidden([[1.0, 2.0]], layer)


@pytest.mark.parametrize("values", [np.zeros(16), np.zeros((1, 17)), 0.0, [np.nan] * 17, "theta"])
def test_theta_of_another_shape_or_not_finite_is_refused(values):
    net = MLP([2, 3, 2])
    before = net.theta.copy()
    with pytest.raises(ValueError, match="theta"):
        net.theta = values
    assert np.array_equal(net.theta, before)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("parameter", [1e200, np.nan])
def test_what_overflows_is_an_error_never_nan(parameter, loss):
    net = MLP([2, 3, 3, 2], "quadratic", loss, seed=0)
    net.theta[:] = parameter
    for call in (net.forward, net.hidden, net.predict, lambda X: net.loss_and_gradient(X, [0])):
        with pytest.raises(FloatingPointError, match=r"overflow float64 or are NaN: take a smaller learning rate"):
            call([[1.0, 2.0]])
    with pytest.raises(FloatingPointError, match="the loss overflow"):
        MLP([2, 2], "relu", "squared_error").loss_of_logits(np.array([[1e200, 0.0]]), np.array([0]))
    with pytest.raises(ValueError, match=r"X\[0, 0\] is inf"):
        MLP([2, 2], dtype=np.float32).forward([[1e300, 0.0]])


@pytest.mark.parametrize(("weight", "x", "what"), [(1e200, 1.0, "the loss"), (0.0, 1.7e308, "the gradient")])
def test_the_loss_and_its_gradient_may_overflow_alone(weight, x, what):
    net = MLP([1, 1], loss="squared_error", bias=False)
    net.theta[:] = weight
    with pytest.raises(FloatingPointError, match=f"{what} overflow"):
        net.loss_and_gradient([[x]], [0])


@pytest.mark.parametrize(("call", "message"), [
    (lambda net: net.loss_of_logits(np.zeros((4, 2)), [0] * 4), r"Z has shape \(4, 2\), .* reals \(n, 3\)"),
    (lambda net: net.loss_of_logits(np.zeros((4, 4)), [0] * 4), r"Z has shape \(4, 4\), .* reals \(n, 3\)"),
    (lambda net: net.loss_of_logits(np.zeros(3), [0] * 3), r"Z has shape \(3,\)"),
    (lambda net: net.loss_of_logits(np.zeros((2, 3, 3)), [0] * 2), r"Z has shape \(2, 3, 3\)"),
    (lambda net: net.loss_of_logits(np.zeros((4, 3)) * 1j, [0] * 4), "Z has shape"),
    (lambda net: net.forward(np.zeros((4, 1))), r"this net takes reals \(n, 2\)"),
    (lambda net: net.forward(np.zeros((4, 3))), r"this net takes reals \(n, 2\)"),
    (lambda net: net.forward(np.zeros(2)), r"X has shape \(2,\)"),
    (lambda net: net.forward(np.zeros((4, 2, 2))), r"X has shape \(4, 2, 2\) and dtype float64"),
    (lambda net: setattr(net, "theta", net.theta * 1j), r"theta has shape \(33,\), complex128, but .* has 33 reals"),
    (lambda net: net.loss_and_gradient(np.zeros((4, 2)), [0, 7, 1, -1]), r"y\[1\] is 7, .* classes are 0 to 2"),
    (lambda net: net.hidden(np.zeros((4, 2)), 1), "hidden layers of sizes .* are: -1, 0$"),
    (lambda net: MLP([2, 3]).hidden(np.zeros((4, 2))), "are: none, so give sizes a third number"),
    (lambda net: setattr(net, "theta", net.theta[:-1]), "theta has shape"),
    (lambda net: setattr(net, "theta", np.append(net.theta, 0.0)), "theta has shape"),
])
def test_arrays_of_another_width_are_refused_with_the_one_that_fits(call, message):
    with pytest.raises(ValueError, match=message):
        call(MLP([2, 5, 3]))


def test_truth_values_are_numbers_to_a_net():
    net, bits = MLP([2, 5, 3]), np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(net.forward(bits), net.forward(bits.astype(float)))
    net.theta = np.zeros(net.theta.shape, bool)
    assert not net.theta.any()
    assert net.theta.dtype == np.float64


def test_the_defaults_of_a_net_are_seed_0_and_scale_one_tenth():
    np.testing.assert_array_equal(MLP([2, 5, 3]).theta, MLP([2, 5, 3], seed=0, init_scale=1.0).theta)
    assert (MLP([2, 5, 3]).theta != MLP([2, 5, 3], seed=1).theta).any()
    normal = MLP([2, 5, 3], init="normal")               # the scale is that of "normal" alone
    np.testing.assert_array_equal(normal.theta, MLP([2, 5, 3], init="normal", init_scale=0.1).theta)
