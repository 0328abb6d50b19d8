"""The marker's side of e16_milestones."""

import numpy as np

from minigrok.course.laws import agrees, law

LESSON, MINUTES = 4, 10
HINTS = (
    "Find memorised first: at which records is the train accuracy 0.99 or more, and is there any? For the other, go "
    "through the records from the end.",
    "The net has generalised right after the last record below 0.95. What if there is no such record, and what if it "
    "is the very last one?",
    "From the end: generalised = None; for epoch, accuracy in the reversed records: break if the accuracy is below "
    "0.95, else generalised = epoch.",
)


def milestones(epochs, train_accuracy, test_accuracy):
    learnt = epochs[train_accuracy >= 0.99]
    below = np.flatnonzero(test_accuracy < 0.95)
    held = epochs[below[-1] + 1 :] if len(below) else epochs         # all that follows the last record below
    return int(learnt[0]) if len(learnt) else None, int(held[0]) if len(held) else None


def check(milestones, rng):
    for epochs, train, test, sentence in _by_hand():
        agrees(milestones, _reference, epochs, train, test, sentence=sentence)
    for records in (4, 6, 6, 8, 8, 12):
        epochs = 20 * np.arange(records) + int(rng.integers(2)) * 5
        train = rng.choice([0.9, 0.95, 0.98, 0.99, 1.0], records)
        test = rng.choice([0.9, 0.94, 0.95, 0.99], records)
        test[records - int(rng.integers(records)) :] = 0.96          # often held at the end
        law(milestones, "once the test accuracy is 0.95, it does not matter how far above it lies",
            (epochs, train, test), (epochs, train, np.where(test >= 0.95, 1.0, test)))
        agrees(milestones, _reference, epochs, train, test,
               sentence="first with train accuracy >= 0.99; first with test accuracy >= 0.95 from there to the end")
        fallen = test.copy()
        fallen[-1] = 0.5
        agrees(milestones, _reference, epochs, train, fallen,
               sentence="a last record below 0.95 undoes all: that run has not generalised")


_reference = milestones


def _by_hand():
    epochs = np.array([0, 20, 40, 60])
    low, half, learnt = np.zeros(4), np.array([0.1, 0.5, 0.9, 0.98]), np.array([0.1, 0.99, 1.0, 1.0])
    yield epochs, learnt, np.array([0.0, 0.2, 0.95, 1.0]), "memorised at 0.99 or more, generalised at 0.95 or more"
    yield epochs, learnt, low, "a run that never generalises has None there"
    yield epochs, half, low, "a run that never memorises has None there too"
    yield (epochs, learnt, np.array([0.0, 0.2, 0.9, 0.97]),
           "the last record has no later ones: it is enough if its own accuracy is 0.95")
    yield epochs, learnt, np.array([0.0, 0.96, 0.9, 0.97]), "it must stay: what falls back below 0.95 has not held"
    yield epochs, learnt, np.array([0.0, 0.96, 0.97, 0.9]), "if the last record is below 0.95, nothing has held"
    yield epochs, np.array([0.1, 0.99, 0.9, 1.0]), low, "memorised is the first time, whether it stays or not"
    yield epochs, np.array([0.1, 0.5, 0.9, 1.0]), np.array([0.1, 0.95, 0.96, 0.97]), "neither waits for the other"
    yield (np.array([10, 20, 30, 40, 50]), np.ones(5), np.array([0.95, 0.95, 0.9, 0.95, 0.95]),
           "two records above 0.95 are not yet the end of the run")


def _first(epochs, mark, never=None):
    return epochs[np.argmax(mark)] if np.any(mark) else never


def _held(test_accuracy):
    """At which records the test accuracy is 0.95, and stays there."""
    return np.logical_and.accumulate((test_accuracy >= 0.95)[::-1])[::-1]


def _from_the_end(epochs, train_accuracy, test_accuracy):
    memorised = generalised = None
    for epoch, accuracy in list(zip(epochs, train_accuracy, strict=True))[::-1]:
        if accuracy >= 0.99:
            memorised = epoch
    for epoch, accuracy in list(zip(epochs, test_accuracy, strict=True))[::-1]:
        if accuracy < 0.95:
            break
        generalised = epoch
    return memorised, generalised


def _from_the_beginning(epochs, train_accuracy, test_accuracy):
    memorised = next((epoch for epoch, x in zip(epochs, train_accuracy, strict=True) if x >= 0.99), None)
    generalised = next((epochs[i] for i in range(len(epochs)) if min(test_accuracy[i:]) >= 0.95), None)
    return [memorised, generalised]


def _records_for_epochs(epochs, train_accuracy, test_accuracy):
    records = np.arange(len(epochs))
    return _first(records, train_accuracy >= 0.99), _first(records, _held(test_accuracy))


def _next_one_only(epochs, train_accuracy, test_accuracy):
    high = test_accuracy >= 0.95
    return _first(epochs, train_accuracy >= 0.99), _first(epochs, high & np.append(high[1:], True))


def _last_rise(epochs, train_accuracy, test_accuracy):
    high = test_accuracy >= 0.95
    rises = epochs[high & ~np.append(False, high[:-1])]
    return _first(epochs, train_accuracy >= 0.99), rises[-1] if len(rises) else None


def _last_unseen(epochs, train_accuracy, test_accuracy):
    return _reference(epochs[:-1], train_accuracy[:-1], test_accuracy[:-1])


def _last_undecided(epochs, train_accuracy, test_accuracy):
    """Looks for records that follow up to [i:-1], which leaves out the last."""
    held = [bool((test_accuracy[i:-1] >= 0.95).all()) for i in range(len(epochs))]
    return _first(epochs, train_accuracy >= 0.99), _first(epochs, held)


def _last_nowhere(epochs, train_accuracy, test_accuracy):
    held = [bool((test_accuracy[i:-1] >= 0.95).all()) for i in range(len(epochs) - 1)]
    return _first(epochs, train_accuracy >= 0.99), _first(epochs[:-1], held)


def _last_no_start(epochs, train_accuracy, test_accuracy):
    return _first(epochs, train_accuracy >= 0.99), _first(epochs[:-1], _held(test_accuracy)[:-1])


def _waits(epochs, train_accuracy, test_accuracy):
    memorised, generalised = _reference(epochs, train_accuracy, test_accuracy)
    if memorised is None or generalised is None:
        return memorised, None
    return memorised, max(memorised, generalised)


RIGHT = (
    _from_the_end,
    _from_the_beginning,
    lambda epochs, train, test: (_first(epochs, train >= 0.99), _first(epochs, _held(test))),
    lambda epochs, train, test: (
        min((e for e, x in zip(epochs, train, strict=True) if x >= 0.99), default=None),
        min((e for e in epochs if (test[epochs >= e] >= 0.95).all()), default=None)),
)
WRONG = {
    "takes the first touch of 95 %, whether the net stays there or not":
        lambda epochs, train, test: (_first(epochs, train >= 0.99), _first(epochs, test >= 0.95)),
    "returns the number of the record in place of its epoch": _records_for_epochs,
    "gives the first epoch where nothing ever happened: np.argmax of nothing but False is 0":
        lambda epochs, train, test: (epochs[np.argmax(train >= 0.99)], epochs[np.argmax(_held(test))]),
    "gives the number of the record, and 0 where nothing ever happened: np.argmax of nothing but False is 0":
        lambda epochs, train, test: (np.argmax(train >= 0.99), np.argmax(_held(test))),
    "takes np.argmax of the first touch: it does not ask whether the net stays, and gives the first epoch for never":
        lambda epochs, train, test: (epochs[np.argmax(train >= 0.99)], epochs[np.argmax(test >= 0.95)]),
    "takes np.argmax of the first touch, a record and no epoch: and it gives 0 for never":
        lambda epochs, train, test: (np.argmax(train >= 0.99), np.argmax(test >= 0.95)),
    "gives 0 for never: at epoch 0 is not never":
        lambda epochs, train, test: (_first(epochs, train >= 0.99, 0), _first(epochs, _held(test), 0)),
    "gives infinity for never, where None is asked for":
        lambda epochs, train, test: (_first(epochs, train >= 0.99, np.inf), _first(epochs, _held(test), np.inf)),
    "gives NaN for never, where None is asked for":
        lambda epochs, train, test: (_first(epochs, train >= 0.99, np.nan), _first(epochs, _held(test), np.nan)),
    "leaves out the last record": _last_unseen,
    "never looks at the last record's test accuracy: a slice [i:-1] ends before it": _last_undecided,
    "leaves out the last record's test accuracy: range(n - 1) and a slice [i:-1] both end before it": _last_nowhere,
    "does not try the last record as the one from which on the net has generalised": _last_no_start,
    "takes the first of an empty list where something never happened":
        lambda epochs, train, test: (epochs[train >= 0.99][0], epochs[_held(test)][0]),
    "gives -1 for never, which the next mean over runs takes for an epoch":
        lambda epochs, train, test: (_first(epochs, train >= 0.99, -1), _first(epochs, _held(test), -1)),
    "gives the last epoch for never: a censored time is not a measured one":
        lambda epochs, train, test: (
            _first(epochs, train >= 0.99, epochs[-1]), _first(epochs, _held(test), epochs[-1])),
    "asks for more than 0.99 and 0.95, where exactly so much is enough":
        lambda epochs, train, test: (
            _first(epochs, train > 0.99), _first(epochs, np.logical_and.accumulate((test > 0.95)[::-1])[::-1])),
    "asks only the next record whether the net is still there, and not all that follow": _next_one_only,
    "takes the last rise above 95 %, even where the net falls below it again": _last_rise,
    "wants the train accuracy held as well": lambda epochs, train, test: (
        _first(epochs, np.logical_and.accumulate((train >= 0.99)[::-1])[::-1]), _first(epochs, _held(test))),
    "returns the two in the wrong order": lambda *run: _reference(*run)[::-1],
    "lets generalised wait for memorised": _waits,
    "takes 0.95 for the train accuracy too":
        lambda epochs, train, test: (_first(epochs, train >= 0.95), _first(epochs, _held(test))),
}
