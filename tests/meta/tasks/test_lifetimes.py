"""Agents over lifetimes: published sizes and beginnings, what evaluations say, determinism."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from cluster.errors import UserError
from meta.experiments import EXPERIMENTS
from meta.learners.lifetimes import live
from networks.recurrent import PlasticRNNCell

SMALL: dict[str, dict[str, Any]] = {
    "wang2016-bandits": {"pulls": 8, "evaluation": 30, "batch": 4},
    "duan2016-bandits": {"neurons": 8, "evaluation": 30, "batch": 4},
    "wang2016-two-step": {"choices": 6, "evaluation": 30, "batch": 4},
    "miconi2018-maze": {"neurons": 8, "steps": 15, "side": 5, "evaluation": 30, "batch": 4},
    "miconi2019-maze": {"neurons": 8, "steps": 15, "side": 5, "evaluation": 30, "batch": 4},
    "miconi2019-cue-reward": {"neurons": 8, "steps": 30, "evaluation": 30, "batch": 4},
    "duan2016-gymnasium": {"longest": 6, "evaluation": 6, "batch": 2},
}


def small(name: str, treatment: str | None = None, **values: Any) -> Any:
    """A small task of an experiment."""
    experiment = EXPERIMENTS[name]
    settings = experiment.treated(experiment.settings, treatment or experiment.default[0])
    return replace(settings, **(SMALL[name] | values)).checked().task(1, None)


@pytest.mark.parametrize(
    ("name", "treatment", "parameters"),
    [
        ("miconi2018-maze", "rnn", 12_305),
        ("miconi2018-maze", "plastic", 22_306),
        ("miconi2018-maze", "rnn-200", 44_605),
        ("miconi2018-maze", "plastic-200", 84_606),
        ("miconi2018-maze", "homogeneous-200", 44_607),
        ("miconi2019-cue-reward", "rnn", 46_203),
        ("miconi2019-cue-reward", "plastic", 86_204),
        ("miconi2019-cue-reward", "simple", 86_405),
        ("miconi2019-cue-reward", "retroactive", 86_406),
        ("miconi2019-maze", "rnn", 12_305),
        ("miconi2019-maze", "rnn-139", 22_523),
        ("miconi2019-maze", "plastic", 22_731),
        ("miconi2019-maze", "simple", 22_406),
        ("miconi2019-maze", "retroactive", 22_407),
        ("miconi2019-maze", "simple-fan", 22_606),
    ],
)
def test_agents_have_as_many_parameters_as_published(name: str, treatment: str, parameters: int) -> None:
    experiment = EXPERIMENTS[name]
    task = experiment.treated(experiment.settings, treatment).task(1, None)
    assert sum(parameter.numel() for parameter in task.model.parameters()) == parameters


@pytest.mark.parametrize(("name", "rate"), [("miconi2019-maze", 0.01), ("miconi2019-cue-reward", 0.1)])
def test_plastic_connections_begin_as_published(name: str, rate: float) -> None:
    experiment = EXPERIMENTS[name]
    task = experiment.treated(experiment.settings, "plastic").task(1, None)
    cell = task.agent.core.cell
    assert isinstance(cell, PlasticRNNCell) and cell.recurrent.rule_name == "clipped"
    for matrix in (cell.recurrent.weight.detach(), cell.recurrent.alpha.detach()):
        assert 0 <= float(matrix.min()) < 1e-4 and 0.0099 < float(matrix.max()) <= 0.01
    assert float(cell.recurrent.rate) == pytest.approx(rate) and cell.recurrent.bound == 1


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("miconi2019-maze", 4, 11), ("miconi2019-cue-reward", -1, 1), ("miconi2018-maze", -4, 9)],
)
def test_untrained_agents_earn_what_random_ones_do(name: str, low: float, high: float) -> None:
    experiment = EXPERIMENTS[name]
    task = replace(experiment.settings, core="rnn", neurons=50, evaluation=400).task(1, None)
    assert low < task.evaluate()["reward"] < high


@pytest.mark.parametrize("name", SMALL)
def test_the_same_seed_gives_the_same_loss_and_evaluation(name: str) -> None:
    one, other = small(name), small(name)
    for iteration in (3, 1):
        assert torch.equal(one.loss(iteration)[0], other.loss(iteration)[0])
    assert one.evaluate() == small(name).evaluate()
    assert not torch.equal(one.loss(3)[0], one.loss(4)[0])


@pytest.mark.parametrize(("core", "modulation"), [("plastic", "retroactive"), ("rnn", "none"), ("gru", "none")])
@pytest.mark.parametrize("name", ["miconi2019-maze", "miconi2019-cue-reward", "wang2016-two-step"])
def test_any_agent_can_be_trained_on_any_task(name: str, core: str, modulation: str) -> None:
    task = small(name, core=core, modulation=modulation)
    loss, measures = task.loss(1)
    loss.backward()
    assert all(parameter.grad is not None for parameter in task.model.parameters())
    assert {"reward", "entropy", "value_error"} <= set(measures)


def test_an_idle_rate_is_counted_and_left_alone() -> None:
    task = small("miconi2019-cue-reward", "simple")
    task.loss(1)[0].backward()
    assert task.agent.idle_rate.grad is None


def test_entropy_changes_linearly() -> None:
    settings = replace(EXPERIMENTS["wang2016-bandits"].settings, iterations=11, entropy=1.0, last_entropy=0.0)
    assert [settings.entropy_at(k) for k in (1, 6, 11)] == pytest.approx([1.0, 0.5, 0.0])
    assert replace(settings, last_entropy=-1.0).entropy_at(7) == 1.0


def test_bandit_results_are_those_of_the_lifetimes() -> None:
    result = small("wang2016-bandits").evaluate()
    assert result["regret_curve"][-1] == pytest.approx(result["regret"]) and len(result["regret_curve"]) == 8
    assert (np.diff(result["regret_curve"]) >= 0).all()
    assert result["regret"] == pytest.approx(8 / 6, abs=0.6)  # two uniform arms are 1/3 apart on average
    assert set(result["regret_by_kind"]) == {"independent", "uniform", "easy", "medium", "hard"}
    assert "regret_by_kind" not in small("wang2016-bandits", "informative", pulls=5).evaluate()


def test_two_step_results_count_every_choice_but_the_first() -> None:
    result = small("wang2016-two-step").evaluate()
    assert np.sum(result["choices"]) == 30 * 5
    assert (np.array(result["stays"]) <= np.array(result["choices"])).all()
    assert 0 <= result["interaction_p"] <= 1


def test_maze_results_and_paths() -> None:
    task = small("miconi2019-maze", steps=60)
    result = task.evaluate()
    assert result["reward"] == pytest.approx(10 * result["visits"], rel=1e-5)
    assert result["visits_curve"][-1] == pytest.approx(result["visits"], rel=1e-4)
    for number in range(4):
        path = task.recorded(number)
        moves = np.abs(path["ends"] - path["places"]).sum(1)
        assert path["places"].shape == (60, 2) and (moves <= 1).all()
        arrived = path["rewards"] == 10
        assert (path["ends"][arrived] == path["goal"]).all() and (path["places"][0] == [2, 2]).all()
        assert (path["places"][1:][~arrived[:-1]] == path["ends"][:-1][~arrived[:-1]]).all()


def test_cue_reward_results_and_modulators() -> None:
    task = small("miconi2019-cue-reward", "retroactive")
    result = task.evaluate()
    assert 0.3 < result["right"] < 0.7 and 4 <= len(result["right_by_trial"]) <= 6
    recorded = task.recorded()
    assert recorded["modulator"].shape == (30,) and (np.abs(recorded["modulator"]) <= 1).all()
    assert set(recorded["cues"]) <= {-1, 0, 1, 2, 3} and recorded["asked"].sum() >= 3
    assert (recorded["rewards"][~recorded["asked"]] == 0).all()


def test_second_actions_can_be_kept_from_the_agent() -> None:
    task = small("wang2016-two-step", "drifting-first")
    lived = live(task.agent, task.environment, 5, np.random.default_rng(1))
    told = lived.inputs[1:, :, 4:6].sum(2)
    assert bool((told[::2] == 1).all()) and not told[1::2].any()


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("miconi2019-maze", {"side": 8}, "--side: 8: allowed are odd numbers"),
        ("miconi2019-cue-reward", {"fixed": True, "bits": 3}, "--bits: 3: allowed is 4 or more"),
        ("wang2016-bandits", {"kind": "easy", "arms": 3}, "--arms: 3: allowed with kind 'easy' are 2"),
        ("wang2016-bandits", {"kind": "informative"}, "--arms: 2: allowed with --kind informative are 11"),
        ("duan2016-gymnasium", {"environment": "Pendulum-v1"}, "--environment: Pendulum-v1: its actions are Box"),
    ],
)
def test_settings_that_no_environment_takes_are_refused(name: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        replace(EXPERIMENTS[name].settings, **values).prepare(None)
    assert str(caught.value).startswith(says)


def test_modulation_needs_plastic_neurons() -> None:
    with pytest.raises(UserError, match="--modulation simple: allowed with --core rnn is none"):
        replace(EXPERIMENTS["miconi2019-maze"].settings, core="rnn", modulation="simple").checked()
