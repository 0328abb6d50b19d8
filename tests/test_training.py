import numpy as np
import pytest

from minigrok import MLP, SGD, AdamW, History, density_matrix, purity, tasks, train, von_neumann_entropy, weight_entropy
from minigrok.checkpoint import CheckpointError
from minigrok.mlp import loss_and_gradient
from minigrok.training import TrainingDivergedError

TASK = tasks.moons(n=120, seed=0)


PLAIN_SGD = SGD(0.1)


def trained(epochs=6, seed=0, optimizer=PLAIN_SGD, **settings):
    net = MLP([2, 5, 2], seed=seed)
    return net, train(net, TASK, optimizer, epochs, **{"batch_size": 16, "seed": seed, **settings})


def test_full_batch_training_is_the_optimizer_on_the_gradient():
    net, plain, optimizer = MLP([2, 4, 2], seed=1), MLP([2, 4, 2], seed=1), SGD(0.1, momentum=0.9)
    train(net, TASK, optimizer, 5)
    state = optimizer.start(plain.theta)
    for _ in range(5):
        state = optimizer.step(plain.theta, loss_and_gradient(plain, TASK.X_train, TASK.y_train)[1], state)
    np.testing.assert_array_equal(net.theta, plain.theta)


def test_an_epoch_passes_every_input_once():
    steps = []

    class Counting(SGD):
        def step(self, theta, gradient, state):
            steps.append(gradient)
            return super().step(theta, gradient, state)

    trained(3, optimizer=Counting(0.1), batch_size=16)
    assert len(steps) == 3 * 4                           # 60 inputs: three batches of 16, one of 12


def test_what_is_recorded_is_what_the_net_is():
    net, history = trained(5, record_every=2, conventions=("trace", "rows", "centered"))
    np.testing.assert_array_equal(history.epoch, [0, 2, 4, 5])
    for convention in ("trace", "rows", "centered"):
        rho = density_matrix(net.hidden(TASK.X_train), convention)
        suffix = "" if convention == "trace" else f"_{convention}"
        assert history["entropy" + suffix][-1] == pytest.approx(von_neumann_entropy(rho), abs=1e-13)
        assert history["purity" + suffix][-1] == pytest.approx(purity(rho), abs=1e-13)
        assert history["effective_rank" + suffix][-1] == pytest.approx(np.exp(von_neumann_entropy(rho)))
        assert history["participation_ratio" + suffix][-1] == pytest.approx(1 / purity(rho))
    assert history.spectrum.shape == (4, 5)
    weights = np.concatenate([layer.W.ravel() for layer in net.layers])
    assert history.weight_entropy[-1] == weight_entropy(weights)
    assert history.weight_norm[-1] == pytest.approx(np.sqrt((weights**2).sum()))
    assert history.test_accuracy[-1] == np.mean(net.predict(TASK.X_test) == TASK.y_test)
    assert history.train_loss[-1] == pytest.approx(net.loss_and_gradient(TASK.X_train, TASK.y_train)[0])
    assert history.test_loss[-1] == pytest.approx(net.loss_and_gradient(TASK.X_test, TASK.y_test)[0])


def test_the_state_is_taken_over_the_named_inputs_and_layer():
    X = {"train": TASK.X_train, "test": TASK.X_test, "all": np.concatenate([TASK.X_train, TASK.X_test])}
    for inputs, layer in (("train", 0), ("test", 1), ("all", -1)):
        net = MLP([2, 4, 3, 2], "tanh", seed=0)
        history = train(net, TASK, SGD(0.1), 1, inputs=inputs, layer=layer)
        assert history.entropy[-1] == pytest.approx(von_neumann_entropy(density_matrix(net.hidden(X[inputs], layer))))


def test_training_lowers_the_loss_and_learns_the_task():
    _, history = trained(60)
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert history.test_accuracy[-1] > 0.8


def test_seeds_reproduce_to_the_bit_and_others_differ():
    (first, h1), (second, h2), (other, _) = trained(seed=3), trained(seed=3), trained(seed=4)
    np.testing.assert_array_equal(first.theta, second.theta)
    for name in h1.columns:
        np.testing.assert_array_equal(h1[name], h2[name])
    assert (first.theta != other.theta).any()


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdamW(0.01)], ids=["SGD", "AdamW"])
def test_a_run_in_two_sittings_is_the_run_in_one_to_the_bit(tmp_path, optimizer):
    path = tmp_path / "run.npz"
    whole, history = trained(7, optimizer=optimizer, record_every=3)
    trained(6, optimizer=optimizer, record_every=3, checkpoint=path)
    net, resumed = trained(7, optimizer=optimizer, record_every=3, checkpoint=path)
    np.testing.assert_array_equal(net.theta, whole.theta)
    assert resumed.columns.keys() == history.columns.keys()
    for name in history.columns:
        np.testing.assert_array_equal(resumed[name], history[name])
    finished_net, finished = trained(7, optimizer=optimizer, record_every=3, checkpoint=path)
    np.testing.assert_array_equal(finished_net.theta, whole.theta)
    np.testing.assert_array_equal(finished.epoch, [0, 3, 6, 7])


def test_a_checkpoint_of_another_run_is_refused_by_naming_what_differs(tmp_path):
    trained(checkpoint=tmp_path / "run.npz")
    with pytest.raises(CheckpointError, match=r"optimizer.lr is 0.1 there, 0.2 here"):
        trained(optimizer=SGD(0.2), checkpoint=tmp_path / "run.npz")


def test_float32_stays_float32():
    net = MLP([2, 4, 2], dtype=np.float32)
    train(net, TASK, AdamW(0.01), 3)
    assert net.theta.dtype == np.float32


@pytest.mark.parametrize(("rate", "every", "message"), [
    (1e6, 1, r"epoch 3: the outputs overflow.* the largest parameter is layer \d's W\["),
    (1e6, 50, r"epoch \d+: layer \d's [Wb]\["),
])
def test_divergence_names_epoch_and_parameter_and_keeps_the_history(rate, every, message):
    net = MLP([2, 4, 2], "quadratic", "squared_error")
    with np.errstate(all="ignore"), pytest.raises(TrainingDivergedError, match=message) as caught:
        train(net, TASK, SGD(rate), 50, record_every=every)
    assert isinstance(caught.value, FloatingPointError)
    assert caught.value.history.epoch[0] == 0
    assert np.isfinite(caught.value.history.train_loss).any()


def test_a_dead_layer_has_nan_in_its_columns_and_training_goes_on():
    net = MLP([2, 4, 2])
    net.layers[0].W[:] = 0
    net.layers[0].b[:] = -1
    history = train(net, TASK, SGD(0.1), 2)
    assert np.isnan(history.entropy).all()
    assert np.isfinite(history.train_loss).all()


def test_callbacks_see_each_moment_and_may_stop():
    seen = []
    _, history = trained(9, record_every=2, callbacks=(lambda m: seen.append(m.epoch), lambda m: m.epoch >= 4))
    assert seen == [0, 2, 4]
    np.testing.assert_array_equal(history.epoch, seen)


def test_own_columns_are_recorded():
    record = {"largest": lambda net, task: abs(net.theta).max(), "b": lambda net, task: net.layers[1].b}
    _, history = trained(2, record=record)
    assert history.largest.shape == (3,)
    assert history.b.shape == (3, 2)


def test_a_history_is_saved_and_read_back(tmp_path):
    _, history = trained(3)
    history.save(tmp_path / "h.npz")
    again = History.load(tmp_path / "h.npz")
    for name in history.columns:
        np.testing.assert_array_equal(history[name], again[name])
    history.save(tmp_path / "h2.npz")
    assert (tmp_path / "h.npz").read_bytes() == (tmp_path / "h2.npz").read_bytes()
    history.to_csv(tmp_path / "h.csv")
    table = np.genfromtxt(tmp_path / "h.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(table["entropy"], history.entropy)
    np.testing.assert_array_equal(table["spectrum_2"], history.spectrum[:, 2])
    np.savez(tmp_path / "x.npz", a=1)
    with pytest.raises(ValueError, match="column 'epoch'"):
        History.load(tmp_path / "x.npz")


def test_a_missing_column_is_named():
    _, history = trained(1)
    with pytest.raises(AttributeError, match="no column 'entropi'"):
        _ = history.entropi
    with pytest.raises(ValueError, match="did you mean 'entropy'"):
        _ = history["entropi"]


@pytest.mark.parametrize(("settings", "message"), [
    ({"epochs": -1}, "epochs is -1"),
    ({"batch_size": 0}, "batch_size is 0"),
    ({"record_every": 0}, "record_every is 0"),
    ({"inputs": "trian"}, "did you mean 'train'"),
    ({"conventions": ("centred",)}, "did you mean 'centered'"),
    ({"layer": 3}, "layer"),
])
def test_bad_settings_are_refused_before_training(settings, message):
    with pytest.raises(ValueError, match=message):
        trained(**settings)


def test_a_net_that_does_not_fit_the_task_is_refused():
    with pytest.raises(ValueError, match="X"):
        train(MLP([3, 4, 2]), TASK, SGD(0.1), 1)
