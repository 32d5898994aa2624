"""Which operators stay more precise: those that are named, or as few as a budget needs."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence, Set

from edgekit.conversion.quantization.judge import Judge, is_clearly_better
from edgekit.conversion.quantization.observe import Observation
from edgekit.conversion.quantization.options import Budget, Precision
from edgekit.conversion.quantization.records import Score
from edgekit.conversion.quantization.rewrite import Decision, quantized
from edgekit.conversion.quantization.rules import RULES, is_real
from edgekit.conversion.quantization.sensitivity import Site, site_noise, sites
from edgekit.errors import UserError
from edgekit.ir import Graph, Operator
from edgekit.progress import Progress, silent

_MOST_REMOVALS = 24  # operators that are tried to be done without, in the end
_MOST_CONFIRMED = 4  # answers that are tried with real int16 kernels, which are slow
_SHOWN = 8  # near names in an error


def layer_of(operator: Operator, layers: Mapping[str, str]) -> str:
    """The source's name for what made an operator; without one, its output tensor's name."""
    return layers.get(operator.output.name) or operator.output.name


def named(
    graph: Graph, names: Sequence[str], layers: Mapping[str, str], precision: Precision
) -> frozenset[Operator]:
    """The operators that `names` mean.

    Raises:
        UserError: a name means none, or one that TFLite Micro lacks in `precision`.
    """
    real = [op for op in graph.operators if is_real(op)]
    found: set[Operator] = set()
    for name in names:
        meant = [op for op in real if name in _names(op, layers) or name.upper() == op.kind.upper()]
        if not meant:
            raise _unknown(name, real, layers)
        for operator in meant:
            rule = RULES.get(operator.kind)
            if rule is not None and not rule.has(precision):
                other = Precision.FLOAT if precision is Precision.INT16X8 else Precision.INT16X8
                raise UserError(
                    f"operator #{operator.index} {operator.kind.upper()} cannot be protected as "
                    f"{precision.value}: TensorFlow Lite Micro has no such kernel",
                    hint=f"protect it as {other.value}, or the operators around it",
                )
        found.update(meant)
    return frozenset(found)


def _names(operator: Operator, layers: Mapping[str, str]) -> Set[str]:
    """All that an operator answers to, but TFLite's name, which others have too."""
    outputs = {t.name for t in operator.outputs}
    parts = {part for name in outputs for part in name.split(";")}
    made = {layers[name] for name in outputs | parts if name in layers}
    return outputs | parts | made | {f"#{operator.index}"}


def _unknown(name: str, operators: Sequence[Operator], layers: Mapping[str, str]) -> UserError:
    known = sorted({n for op in operators for n in (*_names(op, layers), op.kind.upper())})
    near = difflib.get_close_matches(name, known, _SHOWN, 0.4)
    if not near:
        near = [f"#{op.index} {layer_of(op, layers)}" for op in operators[:_SHOWN]]
    return UserError(
        f"there is no operator or layer {name!r} to protect", hint=f"near names: {', '.join(near)}"
    )


def precisions_of(
    graph: Graph, base: Precision, protected: Set[Operator], protect_as: Precision
) -> dict[Operator, Precision]:
    """What each real operator computes with.

    Where TFLite Micro lacks a 16x8 kernel, a protected operator is float, another int8.
    """
    decided = {}
    for operator in graph.operators:
        if not is_real(operator):
            continue
        rule = RULES[operator.kind]
        wanted = protect_as if operator in protected else base
        if not rule.has(wanted):
            wanted = Precision.FLOAT if operator in protected else Precision.INT8
        decided[operator] = wanted
    return decided


class Protection:
    """Searches the fewest operators whose protection brings a model within its budget."""

    def __init__(
        self,
        graph: Graph,
        observation: Observation,
        decision: Decision,
        judge: Judge,
        *,
        base: Precision,
        protect_as: Precision,
        budget: Budget,
        progress: Progress = silent,
    ) -> None:
        self._graph, self._observation, self._judge = graph, observation, judge
        self._decision, self._base, self._protect_as = decision, base, protect_as
        self._budget, self._progress = budget, progress
        self._scores: dict[frozenset[Operator], Score] = {}

    def search(self, fast: Judge) -> frozenset[Operator]:
        """The operators to protect; none if none are needed.

        Protecting one operator between int8 ones gains little: what it reads and writes is
        rounded to int8 all the same. So values are protected, with all that touch them, in the
        order of the noise that their rounding makes (which adds up, nearly) for each operator that
        it takes. Each step is measured. If the whole road does not meet the budget, the shortest
        part of it that comes as near as any is the answer.

        Args:
            fast: a judge of few samples, for the noise of single values.
        """
        if self._meets(frozenset()):
            return frozenset()
        road = self._road(fast)
        length = _first(len(road), lambda n: self._meets(road[n - 1])) if road else None
        if length is None:
            return self._nearest()
        return self._confirmed([self._thinned(road[length - 1]), *road[length - 1 :]])

    def _confirmed(self, candidates: list[frozenset[Operator]]) -> frozenset[Operator]:
        """The first that meets the budget with real int16 kernels too; else the first of all."""
        for protected in candidates[:_MOST_CONFIRMED]:
            if self._measured(protected, simulated=False).meets(self._budget):
                return protected
        return candidates[0]

    def _score(self, protected: frozenset[Operator]) -> Score:
        if protected not in self._scores:
            self._scores[protected] = self._measured(protected, simulated=True)
        return self._scores[protected]

    def _measured(self, protected: frozenset[Operator], *, simulated: bool) -> Score:
        self._progress("protecting operators", len(protected), len(self._decision.precisions))
        decision = dataclasses.replace(self.decided(protected), simulated=simulated)
        return self._judge.score(quantized(self._graph, self._observation, decision))

    def decided(self, protected: Set[Operator]) -> Decision:
        """The decision with these operators protected."""
        precisions = precisions_of(self._graph, self._base, protected, self._protect_as)
        return dataclasses.replace(self._decision, precisions=precisions)

    def _meets(self, protected: frozenset[Operator]) -> bool:
        return self._score(protected).meets(self._budget)

    def _road(self, fast: Judge) -> list[frozenset[Operator]]:
        """Growing sets of operators: at each step, the value that hurts most for its price."""
        noise = self._noise(fast)
        road: list[frozenset[Operator]] = []
        reached: frozenset[Operator] = frozenset()
        while noise:
            site = max(noise, key=lambda s: noise[s] / max(1, len(set(s.operators) - reached)))
            if noise.pop(site) <= 0 and road:
                break
            if not reached.issuperset(site.operators):
                reached |= frozenset(site.operators)
                road.append(reached)
        return road

    def _noise(self, fast: Judge) -> dict[Site, float]:
        found = sites(self._graph, self._decision.precisions)
        if self._decision.interface == "int8":
            # the model's own outputs are rounded in any case
            found = tuple(s for s in found if not s.tensors.intersection(self._graph.outputs))
        return site_noise(
            self._graph, self._observation, self._decision, fast, found, progress=self._progress
        )

    def _thinned(self, protected: frozenset[Operator]) -> frozenset[Operator]:
        """Without each operator that the budget does not need."""
        for operator in sorted(protected, key=lambda op: op.index)[:_MOST_REMOVALS]:
            fewer = protected - {operator}
            if self._meets(fewer):
                protected = fewer
        return protected

    def _nearest(self) -> frozenset[Operator]:
        """Of all that was measured, the smallest that nothing is clearly better than."""
        best: frozenset[Operator] = frozenset()
        for protected in sorted(self._scores, key=len):
            if is_clearly_better(self._scores[protected], self._scores[best]):
                best = protected
        return best


def _first(length: int, holds: Callable[[int], bool]) -> int | None:
    """The least n in 1..length that holds, if more always hold where fewer do; None: none does.

    Found by doubling and then halving, so that short answers are found fast.
    """
    low, high = 0, 1
    while not holds(min(high, length)):
        if high >= length:
            return None
        low, high = high, high * 2
    high = min(high, length)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
