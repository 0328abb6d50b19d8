"""The options of `minigrok train`. None has a default here, so that --resume can tell what was given.

What is taken where nothing was given is said in the help, and decided by `minigrok.runs.train_setup`, which is not
imported here: a help needs no NumPy. A test holds the one to the other.
"""

import argparse
from collections.abc import Callable
from typing import Any

from minigrok.cli.options import (
    CONVENTIONS_HELP,
    add_activation,
    add_bias,
    add_json,
    add_out,
    add_quiet,
    add_resume,
    add_seed,
    add_workers,
    list_of,
    real,
    whole,
)

STEM = "minigrok-train"
TWO_CLASSES = ("circles", "moons", "xor", "spirals", "blobs", "halfspace")      # the tasks of minigrok.tasks.planar
# Of options that stand in DIR/settings.json; others say where results go, and what is printed
NO_SETTINGS = ("command", "run", "out", "resume", "json", "quiet", "workers")


def add_data(command: argparse.ArgumentParser) -> None:
    """What is learned."""
    command.add_argument("task", nargs="?", metavar="TASK|FILE.npz",
                         help=f"what to learn: {', '.join(TWO_CLASSES)} or modular; or a file with arrays "
                         "X (n, features) and y (n,), whole numbers from 0 on, and X_test and y_test if they are not "
                         "to be split off at random")
    data = command.add_argument_group("data", "what a task has not got is refused")
    data.add_argument("--n", type=whole(2), metavar="N",
                      help="number of inputs, training and test together (default: 400)")
    data.add_argument("--noise", type=real, metavar="X",
                      help="standard deviation of the noise (default: 0.1; xor 0.3, blobs 1, halfspace 0)")
    data.add_argument("--noise-dimensions", type=whole(0), metavar="D",
                      help="number of further features that hold nothing but noise (default: 0)")
    data.add_argument("--dimension", type=whole(1), metavar="D",
                      help="number of features of xor, blobs and halfspace (default: 2)")
    data.add_argument("--separation", type=real, metavar="X", help="distance between the centres of blobs (default: 4)")
    data.add_argument("--margin", type=real, metavar="X", help="margin of halfspace, 0 to 0.5 (default: 0)")
    data.add_argument("--test-fraction", type=real, metavar="X",
                      help="share of the inputs that is held out, of all tasks but modular (default: 0.5)")
    data.add_argument("--modulus", type=whole(2), metavar="P", help="P of modular, a op b mod P (default: 47)")
    data.add_argument("--op", metavar="NAME", help="op of modular: add, subtract, multiply or divide (default: add)")
    data.add_argument("--train-fraction", type=real, metavar="X",
                      help="share of the pairs of modular for training (default: 0.55)")
    data.add_argument("--corrupt-fraction", type=real, metavar="X",
                      help="share of the training labels of modular that is shuffled (default: 0)")
    data.add_argument("--task-seed", type=whole(0), metavar="N",
                      help="seed of the data, the same for all runs (default: each run has its own data)")


def add_net(command: argparse.ArgumentParser) -> None:
    """What learns it."""
    net = command.add_argument_group("net")
    net.add_argument("--hidden", type=list_of(whole(1)), metavar="N[,N]",
                     help="width of each hidden layer (default: 6; modular 100)")
    add_activation(net)
    net.add_argument("--loss", metavar="NAME", help="loss: cross_entropy or squared_error (default: cross_entropy)")
    net.add_argument("--init", metavar="NAME",
                     help="distribution of the first weights: he_normal, glorot_uniform, lecun_normal, fan_in_uniform "
                     "or normal (default: he_normal)")
    net.add_argument("--init-scale", type=real, metavar="X", help="standard deviation of --init normal (default: 0.1)")
    add_bias(net, "yes; modular no")
    net.add_argument("--dtype", metavar="NAME",
                     help="type of all numbers: float32 or float64 (default: float64; modular float32)")


def add_optimizer(command: argparse.ArgumentParser) -> None:
    """How it learns."""
    steps = command.add_argument_group("optimizer", "what an optimizer has not got is refused")
    steps.add_argument("--optimizer", metavar="NAME", help="optimizer: sgd or adamw (default: sgd; modular adamw)")
    steps.add_argument("--lr", type=real, metavar="X", help="learning rate (default: sgd 0.1, adamw 0.01)")
    steps.add_argument("--momentum", type=real, metavar="X", help="momentum of sgd (default: 0)")
    steps.add_argument("--nesterov", action="store_const", const=True, help="let sgd look ahead along the momentum")
    steps.add_argument("--betas", type=list_of(real), metavar="B1,B2",
                       help="betas of adamw (default: 0.9,0.999; modular 0.9,0.98)")
    steps.add_argument("--eps", type=real, metavar="X", help="eps of adamw (default: 1e-8)")
    steps.add_argument("--weight-decay", type=real, metavar="X", help="weight decay (default: 0; adamw on modular 1)")
    steps.add_argument("--batch-size", type=batch, metavar="N|all",
                       help="number of inputs a step (default: 32; modular all)")
    steps.add_argument("--clip-norm", type=real, metavar="X",
                       help="length to which longer gradients are shortened (default: none are)")
    steps.add_argument("--schedule", metavar="NAME", help="schedule of the learning rate: constant, cosine or step "
                       "(default: constant)")
    steps.add_argument("--schedule-final", type=real, metavar="X",
                       help="share of --lr at which cosine ends (default: 0)")
    steps.add_argument("--schedule-every", type=whole(1), metavar="N",
                       help="epochs between two steps of --schedule step")
    steps.add_argument("--schedule-factor", type=real, metavar="X",
                       help="what each step of --schedule step multiplies by (default: 0.1)")
    steps.add_argument("--warmup", type=whole(0), metavar="N",
                       help="epochs in which the learning rate rises, before its schedule begins (default: 0)")


def add_run(command: argparse.ArgumentParser) -> None:
    """How long, how often, and what is recorded."""
    length = command.add_argument_group("run")
    length.add_argument("--epochs", type=whole(0), metavar="N",
                        help="number of epochs, passes through all training inputs (default: 300; modular 2000)")
    length.add_argument("--record-every", type=whole(1), metavar="N",
                        help="epochs from one record to the next (default: 1; modular 10)")
    length.add_argument("--layer", type=int, metavar="N",
                        help="hidden layer whose state is recorded: 0, 1, ..., or -1, -2, ... from the last "
                        "(default: -1)")
    length.add_argument("--inputs", metavar="NAME", help="inputs over which its state is taken: train, test or all "
                        "(default: train)")
    length.add_argument("--conventions", "--convention", type=list_of(str), action="extend", metavar="NAME[,NAME]",
                        help=CONVENTIONS_HELP)
    length.add_argument("--stop-above", type=column(real), action="append", metavar="COLUMN=X",
                        help="stop once a recorded column is above X, say test_accuracy=0.99; may be given again")
    length.add_argument("--stop-below", type=column(real), action="append", metavar="COLUMN=X",
                        help="stop once a recorded column is below X, say test_loss=0.01; may be given again")
    length.add_argument("--stop-held", type=whole(1), metavar="N",
                        help="records in a row that must be above or below (default: 1)")
    length.add_argument("--patience", type=column(whole(1)), action="append", metavar="COLUMN=N",
                        help="stop once N records bring nothing better than was before them: a higher accuracy, "
                        "a lower value of any other column; may be given again")
    add_seed(command, "the data, the weights and the order of the batches", None)
    command.add_argument("--seeds", type=whole(1), metavar="N",
                         help="number of runs, with seeds from --seed on, each in a folder of its own (default: 1)")
    add_workers(command)


def add_output(command: argparse.ArgumentParser) -> None:
    """Where results go, and what is printed."""
    add_out(command, STEM)
    add_resume(command, "only --epochs of one run, or --seeds of several, may differ, and be larger")
    add_json(command)
    add_quiet(command)


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
