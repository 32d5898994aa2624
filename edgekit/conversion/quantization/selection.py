"""Which calibration method, and whether biases are corrected: whatever measures best."""

from __future__ import annotations

import dataclasses

from edgekit.conversion.quantization.judge import Judge, is_better
from edgekit.conversion.quantization.observe import Observation
from edgekit.conversion.quantization.options import METHODS, Precision
from edgekit.conversion.quantization.records import MethodTrial
from edgekit.conversion.quantization.rewrite import Decision, quantized
from edgekit.ir import Graph
from edgekit.progress import Progress, silent

#: Trials that `select` makes at most.
MOST_TRIALS = 2 * len(METHODS)

#: What a trial must gain over one before it: those are the simpler ones, which clip less and so do
#: better on rare samples than held-out ones can show.
_WORTH_DB = 0.5


def select(
    graph: Graph,
    observation: Observation,
    decision: Decision,
    judge: Judge,
    method: str | None,
    *,
    progress: Progress = silent,
) -> tuple[Decision, tuple[MethodTrial, ...], MethodTrial]:
    """Try every method (or only `method`), with and without bias correction.

    The judge should have samples that `observation` has not seen.

    Returns:
        The decision with the best settings, all trials in order, the best of them.
    """
    methods = METHODS if method is None else (method,)
    if Precision.INT8 not in decision.precisions.values():
        methods = methods[:1]  # int16 always takes the whole range
    ways = [(name, corrected) for name in methods for corrected in (False, True)]
    trials: list[MethodTrial] = []
    chosen: MethodTrial | None = None
    for name, corrected in ways:
        progress("trying calibration methods", len(trials), len(ways))
        candidate = dataclasses.replace(
            decision, method=name, bias_correction=corrected, simulated=True
        )
        score = judge.score(quantized(graph, observation, candidate))
        trial = MethodTrial(method=name, bias_correction=corrected, score=score)
        trials.append(trial)
        if chosen is None or is_better(trial.score, chosen.score, _WORTH_DB):
            chosen = trial
    assert chosen is not None
    best = dataclasses.replace(
        decision, method=chosen.method, bias_correction=chosen.bias_correction
    )
    return best, tuple(trials), chosen
