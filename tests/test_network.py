"""The landscape of networks: its moves, its priors, its coordinates, each against the network itself."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minigrok import MLP, density_matrix, purity, tasks, von_neumann_entropy
from minigrok import walk as walk_module
from minigrok.fast.layer import CODES, activate, combination, cross_entropy, layer, overlap
from minigrok.fast.priors import PRIORS, draw, move_weight
from minigrok.jit import JIT_ENABLED
from minigrok.mlp import ACTIVATIONS
from minigrok.mlp import cross_entropy as plain_cross_entropy
from minigrok.systems import NetworkLandscape, network
from minigrok.wanglandau import WangLandau

MOONS = tasks.moons(n=60)
SETTINGS = [                   # prior, activation, coordinate, bias
    ("box", "relu", "entropy", True), ("gauss", "tanh", "entropy", False), ("sphere", "relu", "purity", True),
    ("sphere", "sigmoid", "entropy", False), ("box", "tanh", "purity", False), ("box", "relu", "loss", True),
    ("gauss", "tanh", "loss", False), ("sphere", "sigmoid", "loss", True)]


def landscape_of(prior, activation, coordinate, bias, task=MOONS, scale=1.5):
    return NetworkLandscape(task, activation=activation, prior=prior, coordinate=coordinate, bias=bias, scale=scale)


def network_of(state, task=MOONS, activation="relu"):
    """The same network as an MLP, which computes everything in its own way."""
    biased = state.weights.shape[1] > task.X_train.shape[1]
    net = MLP([task.X_train.shape[1], len(state.weights), task.n_classes], activation=activation, bias=biased)
    layers = [state.weights] + ([state.readout] if hasattr(state, "readout") else [])
    for at, weights in zip(net.layers, layers, strict=False):
        at.W[:] = weights[:, : at.W.shape[0]].T
        if biased:
            at.b[:] = weights[:, -1]
    return net


@pytest.mark.parametrize("name", CODES)
def test_activations_of_the_landscape_are_those_of_the_mlp(name):
    z = np.linspace(-3, 3, 101)
    for kernel in (activate, activate.py_func):
        row = z.copy()
        kernel(row, CODES[name])
        np.testing.assert_allclose(row, ACTIVATIONS[name].function(z), rtol=1e-14)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_an_overlap_is_a_dot_product(seed, n):
    a, b = np.random.default_rng(seed).normal(size=(2, n))
    for kernel in (overlap, overlap.py_func):
        assert kernel(a, b) == pytest.approx(a @ b, abs=1e-13)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 9))
def test_a_layer_is_a_product_and_an_activation(seed, units, n):
    rng = np.random.default_rng(seed)
    W, X, out = rng.normal(size=(units, 3)), rng.normal(size=(3, n)), np.full((units + 1, n), 7.0)
    for kernel in (layer, layer.py_func):
        kernel(W, X, CODES["tanh"], out)
        np.testing.assert_allclose(out[:units], np.tanh(W @ X), atol=1e-14)
        assert (out[units] == 7).all()
    combination.py_func(W[0], X, out[0])
    np.testing.assert_allclose(out[0], W[0] @ X, atol=1e-14)


@given(st.integers(0, 2**32 - 1), st.integers(2, 7), st.integers(1, 40), st.sampled_from([0.1, 3.0, 100.0]))
def test_the_kernel_of_the_loss_is_the_plain_cross_entropy(seed, classes, n, size):
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(scale=size, size=(classes, n)), rng.integers(0, classes, n)
    expected = plain_cross_entropy(Z.T, y)[0]
    for kernel in (cross_entropy, cross_entropy.py_func):
        assert kernel(Z, y, np.empty((2, n))) == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_the_kernel_of_the_loss_takes_its_logarithms_before_the_product_overflows():
    n = 5000                                             # 10^5000 alone
    Z, y = np.zeros((10, n)), np.zeros(n, np.int64)
    assert cross_entropy(Z, y, np.empty((2, n))) == pytest.approx(math.log(10), rel=1e-12)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_walk_by_increments_equals_full_recomputation_to_the_bit(settings):
    """The compiled loop walks; after each stretch everything is computed from the weights alone."""
    landscape = landscape_of(*settings)
    rng = np.random.default_rng(0)
    state = landscape.start(rng)
    loop, _ = walk_module.loops_for(landscape, state)
    energy, edges = np.array([landscape.energy(state)]), np.array([0.0, 1e9])
    walk = walk_module.Walk(np.zeros(1), np.zeros(1, np.int64), np.ones(1, bool), energy, np.zeros(1, np.int64),
                            np.zeros(5, np.int64))
    names = {"activations", "gram", "outputs"} & set(state._fields)
    for _ in range(20):
        assert loop(state, walk, edges, rng.random((50, 3)), 0.0, walk_module.BUILD_UP) == -1
        kept = {name: getattr(state, name).copy() for name in names}
        assert landscape.energy(state) == walk.energy[0]
        for name, value in kept.items():
            np.testing.assert_array_equal(getattr(state, name), value)
    assert walk.steps[1] > 100                           # moves accepted


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_coordinate_is_that_of_the_network(settings):
    _, activation, coordinate, _ = settings
    landscape, rng = landscape_of(*settings), np.random.default_rng(1)
    for _ in range(5):
        state = landscape.start(rng)
        net = network_of(state, activation=activation)
        if coordinate == "loss":
            expected = plain_cross_entropy(net.forward(MOONS.X_train), MOONS.y_train)[0]
        else:
            rho = density_matrix(net.hidden(MOONS.X_train))
            expected = von_neumann_entropy(rho) if coordinate == "entropy" else purity(rho)
        assert landscape.energy(state) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_direct_samples_are_energies_of_networks_drawn_from_the_prior(settings):
    landscape = landscape_of(*settings)
    drawn = landscape.direct_sample(1500, seed=3)        # more than a block
    rng = np.random.default_rng(4)
    one_by_one = [landscape.energy(landscape.start(rng)) for _ in range(1500)]
    assert np.isfinite(drawn).all()
    assert stats.ks_2samp(drawn, one_by_one).pvalue > 1e-4
    edges = landscape.edges(20)
    assert edges[0] <= np.nanmin(drawn)
    if settings[2] != "loss":
        assert np.nanmax(drawn) <= edges[-1]
    else:
        assert (drawn > edges[-1]).mean() < 0.01


@pytest.mark.parametrize("prior", PRIORS)
def test_each_prior_draws_what_it_says(prior):
    weights = draw(np.random.default_rng(0), prior, 2.0, (20_000, 3))
    if prior == "sphere":
        np.testing.assert_allclose(np.linalg.norm(weights, axis=1), 2.0)
        flat = weights[:, 0] / 4 + 0.5                   # a coordinate of a point on a sphere in 3-D is uniform
    else:
        flat = (stats.uniform(-2, 4) if prior == "box" else stats.norm(0, 2)).cdf(weights[:, 0])
    assert stats.kstest(flat, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("kernel", [move_weight, move_weight.py_func])
@pytest.mark.parametrize("prior", PRIORS)
def test_a_walk_that_takes_every_move_by_its_ratio_keeps_the_prior(prior, kernel):
    """Metropolis with move_weight alone: after it the weights are distributed as before."""
    rng = np.random.default_rng(5)
    walkers, moves = (3000, 10) if kernel is move_weight else (400, 5)
    weights, candidate = draw(rng, prior, 1.5, (walkers, 3)), np.zeros(3)
    for row in weights:
        for _ in range(moves):
            ratio = kernel(row, int(rng.integers(3)), rng.uniform(-1, 1), PRIORS[prior], 1.5, candidate)
            if math.log(1 - rng.random()) < ratio:
                row[:] = candidate
    for k in range(3):
        again = draw(rng, prior, 1.5, (walkers, 3))
        assert stats.ks_2samp(weights[:, k], again[:, k]).pvalue > 1e-4


def test_a_move_on_the_sphere_turns_two_weights_and_keeps_the_length():
    rng, candidate = np.random.default_rng(0), np.zeros(4)
    row = draw(rng, "sphere", 2.0, (4,))
    assert move_weight(row, 3, 0.25, PRIORS["sphere"], 2.0, candidate) == 0
    assert np.linalg.norm(candidate) == pytest.approx(2, rel=1e-14)
    np.testing.assert_allclose(candidate[1:3], row[1:3])
    np.testing.assert_allclose(candidate[[3, 0]], np.array([[1, -1], [1, 1]]) / math.sqrt(2) @ row[[3, 0]])


def test_the_atom_at_zero_is_a_single_live_unit():
    """P(S = 0) = 6 (1 - q) q^5 and P(dead layer) = q^6, with q the chance that a unit is dead on all inputs."""
    X = np.array([[1.0, 0.2], [0.8, -0.3]])
    landscape = NetworkLandscape(X, bias=False)
    entropies = landscape.direct_sample(20_000, seed=0)
    weights = np.random.default_rng(1).uniform(-1, 1, (200_000, 2))
    q = ((weights @ X.T) <= 0).all(axis=1).mean()
    dead, atom = np.isnan(entropies).mean(), (entropies == 0).mean()
    for share, expected in ((dead, q**6), (atom, 6 * (1 - q) * q**5)):
        assert abs(share - expected) < 5 * np.sqrt(expected / len(entropies)) + 1e-3


def test_the_atom_is_there_whatever_unit_lives_and_a_purity_of_one_is_in_the_last_bin():
    X = np.array([[1.0, 0.2], [0.8, -0.3]])
    for coordinate, at in (("entropy", 0), ("purity", -1)):
        landscape = NetworkLandscape(X, bias=False, coordinate=coordinate)
        values, edges = landscape.direct_sample(5000), landscape.edges(10)
        counts, _ = np.histogram(values[~np.isnan(values)], edges)
        pure = values == 0 if coordinate == "entropy" else abs(values - 1) < 1e-14     # P comes out within roundings
        assert counts[at] == pure.sum() > 20


def test_accuracy_counts_ties_by_their_share():
    Z = np.array([[[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]])
    assert network.tied_accuracy(Z, np.array([0, 1, 1]))[0] == pytest.approx((0.5 + 1 + 0) / 3)


def test_random_readouts_have_mean_accuracy_one_half_and_the_best_readout_is_better():
    landscape, rng = NetworkLandscape(tasks.moons(n=100)), np.random.default_rng(0)
    looks = [landscape.observe(landscape.start(rng), rng) for _ in range(300)]
    mean = {name: np.mean([look[name] for look in looks]) for name in looks[0]}
    assert mean["mean_accuracy"] == pytest.approx(0.5, abs=0.02)
    assert 0.5 < mean["folded_accuracy"] < mean["readout_accuracy"] <= 1


@pytest.mark.parametrize("coordinate", ["entropy", "loss"])
def test_what_is_observed_is_what_the_network_does(coordinate):
    task = tasks.moons(n=100)
    landscape, rng = NetworkLandscape(task, coordinate=coordinate), np.random.default_rng(2)
    state = landscape.start(rng)
    net, seen = network_of(state, task), landscape.observe(state, rng)
    rho = density_matrix(net.hidden(task.X_train))
    assert seen["entropy"] == pytest.approx(von_neumann_entropy(rho))
    assert seen["purity"] == pytest.approx(purity(rho))
    if coordinate == "loss":
        assert seen["loss"] == pytest.approx(landscape.energy(state))
        assert seen["accuracy"] == (net.predict(task.X_train) == task.y_train).mean()
        assert seen["test_accuracy"] == (net.predict(task.X_test) == task.y_test).mean()


def test_a_dead_layer_has_a_loss_but_no_entropy():
    landscape = NetworkLandscape(tasks.moons(n=40), coordinate="loss")
    state = landscape.start(np.random.default_rng(0))
    state.weights[:] = [0.0, 0.0, -1.0]
    state.readout[:] = 0.0
    assert landscape.energy(state) == pytest.approx(math.log(2))
    seen = landscape.observe(state, np.random.default_rng(0))
    assert math.isnan(seen["entropy"])
    assert seen["accuracy"] == 0.5                       # all tie


def test_the_configuration_tells_data_and_settings_apart():
    def key(*arguments, **settings):
        return str(NetworkLandscape(*arguments, **settings).configuration)

    one = key(MOONS)
    assert one == key(tasks.moons(n=60))
    assert len({one, key(tasks.moons(n=60, seed=1)), key(MOONS, coordinate="loss"), key(MOONS, prior="sphere"),
                key(MOONS, bias=False), key(MOONS, activation="tanh"), key(MOONS, scale=2), key(MOONS.X_train)}) == 8


@pytest.mark.parametrize(("call", "message"), [
    (lambda: NetworkLandscape(np.ones(3)), "inputs are a matrix"),
    (lambda: NetworkLandscape(np.ones((3, 2)), prior="boxx"), "did you mean 'box'"),
    (lambda: NetworkLandscape(np.ones((3, 2)), scale=0), "scale is 0"),
    (lambda: NetworkLandscape(np.ones((3, 2)), activation="rellu"), "did you mean 'relu'"),
    (lambda: NetworkLandscape(np.ones((3, 2)), coordinate="los"), "did you mean 'loss'"),
    (lambda: NetworkLandscape(np.ones((3, 2)), coordinate="loss"), "the loss needs labels"),
    (lambda: NetworkLandscape(np.ones((3, 1)), bias=False, prior="sphere"), "no sphere to move on"),
])
def test_bad_settings_are_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(PRIORS)), st.sampled_from([0.5, 1.0, 3.0]), st.integers(2, 4))
def test_a_move_and_its_ratio_are_those_of_the_prior(seed, prior, scale, n):
    rng, candidate = np.random.default_rng(seed), np.zeros(n)
    row, k, amount = draw(rng, prior, scale, (n,)), int(rng.integers(n)), rng.uniform(-1, 1)
    for kernel in (move_weight, move_weight.py_func):
        ratio = kernel(row, k, amount, PRIORS[prior], scale, candidate)
        if prior == "sphere":
            assert ratio == 0
            assert np.linalg.norm(candidate) == pytest.approx(scale, rel=1e-14)
            kernel(1.001 * row, k, amount, PRIORS[prior], scale, candidate)            # a length that has drifted
            assert np.linalg.norm(candidate) == pytest.approx(scale, rel=1e-14)
            continue
        np.testing.assert_array_equal(np.delete(candidate, k), np.delete(row, k))
        assert candidate[k] == pytest.approx(row[k] + scale * amount)
        if prior == "box":
            assert ratio == (0 if abs(candidate[k]) <= scale else -math.inf)
        else:
            density = stats.norm(0, scale).logpdf
            assert ratio == pytest.approx(density(candidate[k]) - density(row[k]), abs=1e-12)


@pytest.mark.parametrize("coordinate", ["entropy", "loss"])
def test_every_weight_of_every_unit_is_moved_by_its_own_uniform_number(coordinate):
    landscape = NetworkLandscape(MOONS, hidden=3, prior="gauss", scale=2.0, coordinate=coordinate)
    state = landscape.start(np.random.default_rng(0))
    layers = [state.weights] + ([state.readout] if coordinate == "loss" else [])
    places = [(W, unit, k) for W in layers for unit in range(len(W)) for k in range(W.shape[1])]
    for index, (W, unit, k) in enumerate(places):
        uniforms = np.array([(index + 0.5) / len(places), 0.9])
        energy, log_ratio = landscape.propose(state, uniforms)
        new = W[unit].copy()
        new[k] += 2.0 * state.step_size[0] * 0.8
        density = stats.norm(0, 2.0).logpdf
        assert log_ratio == pytest.approx(density(new[k]) - density(W[unit, k]))
        kept = W[unit].copy()
        landscape.accept(state, energy)
        np.testing.assert_allclose(W[unit], new)
        assert landscape.energy(state) == energy
        W[unit] = kept
        landscape.energy(state)                          # back to where it was


def test_a_move_that_kills_the_layer_meets_a_wall():
    landscape = NetworkLandscape(np.array([[1.0], [2.0]]), hidden=1, bias=False)
    state = landscape.start(np.random.default_rng(0))
    state.weights[:], state.step_size[:] = 0.2, 0.5
    assert landscape.energy(state) == 0                  # one mode
    energy, log_ratio = landscape.propose(state, np.array([0.0, 0.1]))                 # to -0.2
    assert math.isnan(energy)
    assert log_ratio == -math.inf


@pytest.mark.skipif(not JIT_ENABLED, reason="a million steps")
@pytest.mark.filterwarnings("ignore:poor convergence")
def test_the_joint_law_of_entropy_and_loss_is_the_same_from_either_walk_and_by_drawing():
    """Shares of four cells, S below or above 0.6, loss below or above 0.8, with walks over S and over the loss."""
    S_edges, loss_edges = np.array([0.1, 0.6, 1.0]), np.array([0.45, 0.8, 1.6])
    by_S = WangLandau(NetworkLandscape(MOONS), S_edges, walkers=8, seed=0, joint={"loss": loss_edges}).run(300_000)
    over_loss = NetworkLandscape(MOONS, coordinate="loss")
    by_loss = WangLandau(over_loss, loss_edges, walkers=8, seed=0, joint={"entropy": S_edges}).run(300_000)
    rng, drawn = np.random.default_rng(1), []
    for _ in range(8000):
        state = over_loss.start(rng)
        gram = state.activations[:6] @ state.activations[:6].T
        p = np.linalg.eigvalsh(gram / np.trace(gram))
        p = p[p > 1e-15]
        drawn.append((-(p * np.log(p)).sum(), cross_entropy(state.outputs, state.labels, np.empty((2, 30)))))
    counts = np.histogram2d(*np.transpose(drawn), bins=(S_edges, loss_edges))[0]
    given_S, given_loss = by_S.joint["loss"], by_loss.joint["entropy"].T
    for looks, axis in ((given_S, 1), (given_loss, 0)):
        np.testing.assert_allclose(
            looks / looks.sum(axis=axis, keepdims=True), counts / counts.sum(axis=axis, keepdims=True), atol=0.04)
