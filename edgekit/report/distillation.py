"""A distillation as tables: both arms of each seed, and what they have in common."""

from __future__ import annotations

from rich.table import Table

from edgekit.report.tables import number, plain
from edgekit.training.results import DistillationResult, ModelFacts
from edgekit.training.spread import Spread


def heading(result: DistillationResult) -> str:
    """What the accuracies are of, and the teacher's."""
    return (
        f"Accuracy on {result.test_samples:,} test samples; "
        f"the teacher's is {_percent(result.teacher_test_accuracy)}"
    )


def accuracy_table(result: DistillationResult) -> Table:
    """Accuracy on the test samples, one seed a line; the seeds of the kept students marked."""
    table = plain("seed", ">alone", ">distilled", ">points")
    for seed in result.seeds:
        table.add_row(
            str(seed.seed),
            _percent(seed.alone.test_accuracy) + _kept(seed.seed == result.kept_alone_seed),
            _percent(seed.distilled.test_accuracy) + _kept(seed.seed == result.kept_seed),
            f"{100 * seed.difference:+.2f}",
        )
    table.add_section()
    table.add_row(
        "mean", _mean(result.alone), _mean(result.distilled), f"{100 * result.difference.mean:+.2f}"
    )
    return table


def verdict(result: DistillationResult) -> str:
    """What the seeds say of the teacher's help, in one sentence."""
    difference = result.difference
    if difference.low is None or difference.high is None:
        return "One seed cannot tell a difference from luck."
    interval = f"{100 * difference.low:+.2f} to {100 * difference.high:+.2f} points"
    if difference.low > 0:
        said = "Distilled students are better"
    elif difference.high < 0:
        said = "Distilled students are worse"
    else:
        said = "These seeds show no sure difference"
    return f"{said}: 95 % interval of the mean difference {interval}."


def cost_table(result: DistillationResult) -> Table:
    """What teacher and student cost, and how long they took to train."""
    table = plain("", ">parameters", ">MACs", ">seconds")
    count = len(result.seeds)
    alone = sum(seed.alone.seconds for seed in result.seeds)
    distilled = sum(seed.distilled.seconds for seed in result.seeds)
    table.add_row("teacher", *_costs(result.teacher), f"{result.teacher_seconds:.0f}")
    table.add_row(f"alone (x{count})", *_costs(result.student), f"{alone:.0f}")
    table.add_row(f"distilled (x{count})", *_costs(result.student), f"{distilled:.0f}")
    return table


def _costs(model: ModelFacts) -> tuple[str, str]:
    return number(model.parameters), number(model.macs)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _mean(values: Spread) -> str:
    if values.deviation is None:
        return _percent(values.mean)
    return f"{100 * values.mean:.2f} ± {100 * values.deviation:.2f} %"


def _kept(kept: bool) -> str:
    return " *" if kept else "  "
