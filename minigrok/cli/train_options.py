"""The options of `minigrok train`. None has a default here, so that --resume can tell what was given."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minigrok.cli.options import add_seed, add_workers, list_of, real, whole

STEM = "minigrok-train"
PLANAR = ("circles", "moons", "xor", "spirals", "blobs", "halfspace")
# Of options that stand in DIR/settings.json; others say where results go, and what is printed
NO_SETTINGS = ("command", "run", "out", "resume", "json", "quiet", "workers")


def add_data(command: argparse.ArgumentParser) -> None:
    """What is learned."""
    command.add_argument("task", nargs="?", metavar="TASK|FILE.npz",
                         help=f"{', '.join(PLANAR)}, modular; or a file with arrays X (n, features) and y (n,), whole "
                         "numbers from 0 on, and X_test and y_test if they are not to be split off at random")
    data = command.add_argument_group("data", "what a task has not got is refused")
    data.add_argument("--n", type=whole(2), metavar="N", help="inputs, training and test together (default: 400)")
    data.add_argument("--noise", type=real, metavar="X",
                      help="standard deviation (default: 0.1; xor 0.3, blobs 1, halfspace 0)")
    data.add_argument("--noise-dimensions", type=whole(0), metavar="D",
                      help="further inputs that hold nothing but noise (default: 0)")
    data.add_argument("--dimension", type=whole(1), metavar="D", help="of xor, blobs and halfspace (default: 2)")
    data.add_argument("--separation", type=real, metavar="X", help="of the centres of blobs (default: 4)")
    data.add_argument("--margin", type=real, metavar="X", help="of halfspace, 0 to 0.5 (default: 0)")
    data.add_argument("--test-fraction", type=real, metavar="X",
                      help="share of the inputs that is held out; not of modular (default: 0.5)")
    data.add_argument("--modulus", type=whole(2), metavar="P", help="of modular: a op b mod P (default: 47)")
    data.add_argument("--op", metavar="NAME", help="of modular: add, subtract, multiply or divide (default: add)")
    data.add_argument("--train-fraction", type=real, metavar="X",
                      help="of modular: share of the pairs for training (default: 0.55)")
    data.add_argument("--corrupt-fraction", type=real, metavar="X",
                      help="of modular: share of the training labels that is shuffled (default: 0)")
    data.add_argument("--task-seed", type=whole(0), metavar="N",
                      help="of the data, the same for all seeds (default: each seed has its own data)")


def add_net(command: argparse.ArgumentParser) -> None:
    """What learns it."""
    net = command.add_argument_group("net")
    net.add_argument("--hidden", type=list_of(whole(1)), metavar="N[,N]",
                     help="width of each hidden layer (default: 6; modular 100)")
    net.add_argument("--activation", metavar="NAME", help="relu, tanh, sigmoid, quadratic or identity (default: relu)")
    net.add_argument("--loss", metavar="NAME", help="cross_entropy or squared_error (default: cross_entropy)")
    net.add_argument("--init", metavar="NAME",
                     help="he_normal, glorot_uniform, lecun_normal, fan_in_uniform or normal (default: he_normal)")
    net.add_argument("--init-scale", type=real, metavar="X", help="standard deviation of normal (default: 0.1)")
    net.add_argument("--bias", action=argparse.BooleanOptionalAction,
                     help="layers with biases (default: yes; modular no)")
    net.add_argument("--dtype", metavar="NAME", help="float32 or float64 (default: float64; modular float32)")


def add_optimizer(command: argparse.ArgumentParser) -> None:
    """How it learns."""
    steps = command.add_argument_group("optimizer", "what an optimizer has not got is refused")
    steps.add_argument("--optimizer", metavar="NAME", help="sgd or adamw (default: sgd; modular adamw)")
    steps.add_argument("--lr", type=real, metavar="X", help="learning rate (default: sgd 0.1, adamw 0.01)")
    steps.add_argument("--momentum", type=real, metavar="X", help="of sgd (default: 0)")
    steps.add_argument("--nesterov", action="store_const", const=True, help="of sgd: look ahead along the momentum")
    steps.add_argument("--betas", type=list_of(real), metavar="B1,B2",
                       help="of adamw (default: 0.9,0.999; modular 0.9,0.98)")
    steps.add_argument("--eps", type=real, metavar="X", help="of adamw (default: 1e-8)")
    steps.add_argument("--weight-decay", type=real, metavar="X", help="(default: 0; adamw on modular 1)")
    steps.add_argument("--batch-size", type=batch, metavar="N|all", help="inputs a step (default: 32; modular all)")
    steps.add_argument("--clip-norm", type=real, metavar="X", help="shorten longer gradients to this length")
    steps.add_argument("--schedule", metavar="NAME", help="of the learning rate: constant, cosine or step "
                       "(default: constant)")
    steps.add_argument("--schedule-final", type=real, metavar="X", help="of cosine: last share of --lr (default: 0)")
    steps.add_argument("--schedule-every", type=whole(1), metavar="N", help="of step: epochs between two steps")
    steps.add_argument("--schedule-factor", type=real, metavar="X",
                       help="of step: what each step multiplies by (default: 0.1)")
    steps.add_argument("--warmup", type=whole(0), metavar="N",
                       help="epochs in which the learning rate rises, before the schedule begins (default: 0)")


def add_run(command: argparse.ArgumentParser) -> None:
    """How long, how often, and what is recorded."""
    length = command.add_argument_group("run")
    length.add_argument("--epochs", type=whole(0), metavar="N", help="(default: 300; modular 2000)")
    length.add_argument("--record-every", type=whole(1), metavar="N", help="epochs (default: 1; modular 10)")
    length.add_argument("--layer", type=int, metavar="N",
                        help="hidden layer whose state is recorded: 0, 1, ..., or from the last, -1 (default: -1)")
    length.add_argument("--inputs", metavar="NAME", help="over which its state is taken: train, test or all "
                        "(default: train)")
    length.add_argument("--conventions", "--convention", type=list_of(str), action="extend", metavar="NAME[,NAME]",
                        help="of the state: trace, rows, centered, centered_rows, or all (default: trace)")
    length.add_argument("--stop-above", type=column(real), action="append", metavar="COLUMN=X",
                        help="stop once a recorded column is above X, say test_accuracy=0.99")
    length.add_argument("--stop-below", type=column(real), action="append", metavar="COLUMN=X", help="or below")
    length.add_argument("--stop-held", type=whole(1), metavar="N", help="for so many records (default: 1)")
    length.add_argument("--patience", type=column(whole(1)), action="append", metavar="COLUMN=N",
                        help="stop once N records bring nothing better than was before them: a higher accuracy, "
                        "a lower value of any other column")
    add_seed(command, None, "of the data, the weights and the order of the batches")
    command.add_argument("--seeds", type=whole(1), metavar="N",
                         help="runs, with seeds from --seed on, each in a folder of its own (default: 1)")
    add_workers(command, "threads")


def add_output(command: argparse.ArgumentParser) -> None:
    """Where results go, and what is printed."""
    command.add_argument("--out", type=Path, metavar="DIR",
                         help=f"folder for the results, new or empty (default: {STEM}-1, -2, ...)")
    command.add_argument("--resume", type=Path, metavar="DIR",
                         help="go on with the run in DIR, to the bit; one run may get more --epochs, several more "
                         "--seeds, nothing else may differ")
    command.add_argument("--json", action="store_true", help="print a summary as JSON; entropies are in nats")
    command.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")


def column(parse: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """COLUMN=VALUE as [COLUMN, VALUE], for argparse; the library knows the columns."""
    def parsed(text: str) -> list[Any]:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form COLUMN=VALUE, say test_accuracy=0.99")
        return [name, parse(value)]
    return parsed


def batch(text: str) -> int | str:
    """A whole number or "all", for argparse."""
    return text if text == "all" else whole(1)(text)
