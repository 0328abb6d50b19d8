from collections import Counter
from dataclasses import fields, replace

import pytest

from minigrok.study.grokking import GrokkingSetting, build
from minigrok.study.grokking_settings import (
    BASES,
    DRAWN,
    LEVELS,
    REDUCED,
    controls,
    families,
    multiverse,
    past_the_end,
    plan,
    work,
)

EVERYTHING = [job.setting for job in plan("full", range(20))]


def test_every_level_of_every_axis_is_drawn_equally_often():
    drawn = multiverse()
    assert len(drawn) == DRAWN == len({setting.name for setting in drawn}) == len(set(drawn))
    for axis in drawn[0].axes:
        counts = Counter(setting.axes[axis] for setting in drawn)
        assert len(set(counts.values())) == 1, axis
    assert [len({setting.axes[axis] for setting in drawn}) for axis in drawn[0].axes] == [
        len(levels) for axis, levels in zip(drawn[0].axes, (LEVELS[name] for name in (
            "op", "modulus", "loss", "activation", "optimizer", "decay", "train_fraction", "depth")), strict=True)]


def test_the_draw_is_always_the_same_and_a_reduced_one_is_its_beginning():
    assert multiverse() == multiverse()
    assert multiverse(REDUCED) == multiverse()[:REDUCED]


def test_names_and_settings_go_together():
    assert len({setting.name for setting in EVERYTHING}) == len(set(EVERYTHING))
    assert all(setting.record_every <= 25 for setting in EVERYTHING)


@pytest.mark.parametrize("setting", sorted(set(EVERYTHING), key=lambda setting: setting.name), ids=lambda s: s.name)
def test_every_setting_can_be_built_and_has_all_axes(setting):
    net, task = build(setting, 0)
    assert len(net.sizes) == setting.depth + 2
    assert task.n_classes == setting.modulus
    assert list(setting.axes) == [
        "operation", "modulus", "loss", "activation", "optimizer", "weight decay", "fraction", "depth"]


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_controls_and_families_differ_from_their_base_in_one_thing(base):
    neither = {"name", "role", "base", "epochs", "record_every"}
    for setting in (*controls(base), *families(base), past_the_end(base)):
        changed = {field.name for field in fields(GrokkingSetting)
                   if getattr(setting, field.name) != getattr(base, field.name)} - neither
        at_once = setting.role == "learnt at once" and base.depth > 1
        assert len(changed) == (setting.role != "past the end") + at_once, setting.name
        assert setting.base == base.name


def test_sizes_have_the_counts_that_they_say():
    full = Counter((job.setting.role, job.specification) for job in plan("full", range(20)))
    for (role, name), count in full.items():
        assert count == {"base": 20, "multiverse": 5, "past the end": 5}.get(role, 5 if "97" in name else 10), name
    default = Counter(job.setting.role for job in plan("default", range(5)))
    assert default["base"] == 15
    assert default["multiverse"] == 3 * REDUCED
    quick = {job.specification for job in plan("quick", range(3))}
    assert quick == {BASES[0].name, BASES[1].name, f"{BASES[0].name}, shuffled labels"}
    with pytest.raises(ValueError, match="size"):
        plan("huge", range(3))


def test_long_jobs_come_first():
    jobs = plan("full", range(2))
    assert [work(job.setting) for job in jobs] == sorted((work(job.setting) for job in jobs), reverse=True)
    assert work(replace(BASES[0], frozen_first=True)) > work(BASES[0])
