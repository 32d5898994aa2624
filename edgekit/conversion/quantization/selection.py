"""Which calibration method and which treatment of weights: whatever measures best."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from edgekit.conversion.quantization.judge import Judge, is_better
from edgekit.conversion.quantization.observe import Observation
from edgekit.conversion.quantization.options import METHODS, Precision
from edgekit.conversion.quantization.records import MethodTrial
from edgekit.conversion.quantization.rewrite import Decision, quantized
from edgekit.ir import Graph
from edgekit.progress import Progress, silent

#: Trials that `select` makes at most.
MOST_TRIALS = len(METHODS) + 2

_REFINEMENTS: tuple[Callable[[Decision], Decision], ...] = (
    lambda decision: dataclasses.replace(decision, bias_correction=True),
    lambda decision: dataclasses.replace(decision, clipped_weights=True),
)

_WORTH_DB = 0.3  # a refinement of the weights that gains less is left out


def select(
    graph: Graph,
    observation: Observation,
    decision: Decision,
    judge: Judge,
    method: str | None,
    *,
    progress: Progress = silent,
) -> tuple[Decision, tuple[MethodTrial, ...], MethodTrial]:
    """Try every method, then what else may help, on samples that `observation` has not seen.

    Args:
        graph: float.
        observation: of the samples that ranges are chosen by.
        decision: what is decided already.
        judge: of other samples.
        method: one of METHODS; None: the best of them.
        progress: told of each trial.

    Returns:
        The decision with the best settings, all trials in order, the best of them.
    """
    trials: list[MethodTrial] = []

    def attempt(candidate: Decision) -> MethodTrial:
        progress("trying calibration methods", len(trials), MOST_TRIALS)
        simulated = dataclasses.replace(candidate, simulated=True)
        score = judge.score(quantized(graph, observation, simulated))
        trial = MethodTrial(
            method=candidate.method,
            clipped_weights=candidate.clipped_weights,
            bias_correction=candidate.bias_correction,
            score=score,
        )
        trials.append(trial)
        return trial

    methods = METHODS if method is None else (method,)
    if Precision.INT8 not in decision.precisions.values():
        methods = methods[:1]  # int16 always takes the whole range
    best, found = decision, None
    for name in methods:
        candidate = dataclasses.replace(decision, method=name)
        trial = attempt(candidate)
        if found is None or is_better(trial.score, found.score):
            best, found = candidate, trial
    assert found is not None
    for refine in _REFINEMENTS:
        candidate = refine(best)
        trial = attempt(candidate)
        pays = trial.score.sqnr_db > found.score.sqnr_db + _WORTH_DB
        if pays and not is_better(found.score, trial.score):
            best, found = candidate, trial
    return best, tuple(trials), found
