"""A pruning as tables: what went, and what it cost in accuracy."""

from __future__ import annotations

from rich.table import Table

from edgekit.report.tables import number, plain
from edgekit.training.pruning_results import PruningResult
from edgekit.training.spread import Spread


def layer_table(result: PruningResult) -> Table:
    """Channels of each layer, parameters and multiply-accumulates, before and after."""
    table = plain("layer", ">channels", ">kept", "why not fewer")
    for layer in result.layers:
        table.add_row(layer.layer, number(layer.before), number(layer.after), layer.fixed or "")
    table.add_section()
    whole, pruned = result.whole, result.pruned
    table.add_row("parameters", number(whole.parameters), number(pruned.parameters))
    table.add_row("MACs", number(whole.macs), number(pruned.macs))
    return table


def accuracy_table(result: PruningResult) -> Table:
    """Accuracy on the test samples, one seed a line; the seeds of the kept models marked."""
    rounded = result.quantization_aware is not None
    table = plain(
        "seed",
        ">fine-tuned",
        ">from scratch",
        ">points",
        *((">rounded", ">trained so") if rounded else ()),
        title=f"Accuracy on {result.test_samples:,} test samples; "
        f"whole {_percent(result.whole_test_accuracy)}, "
        f"pruned {_percent(result.pruned_test_accuracy)}",
    )
    for seed in result.seeds:
        cells = [
            str(seed.seed),
            _percent(seed.fine_tuned.test_accuracy) + _kept(seed.seed == result.kept_seed),
            _percent(seed.from_scratch.test_accuracy)
            + _kept(seed.seed == result.kept_from_scratch_seed),
            f"{100 * seed.difference:+.2f}",
        ]
        if seed.rounded is not None:
            cells.append(_percent(seed.rounded.untrained_test_accuracy))
            kept = seed.seed == result.kept_quantization_aware_seed
            cells.append(_percent(seed.rounded.trained.test_accuracy) + _kept(kept))
        table.add_row(*cells)
    table.add_section()
    means = [_mean(result.fine_tuned), _mean(result.from_scratch)]
    means.append(f"{100 * result.difference.mean:+.2f}")
    means += [_mean(s) for s in (result.untrained, result.quantization_aware) if s is not None]
    table.add_row("mean", *means)
    table.caption = _caption(result, rounded)
    table.caption_justify = "left"
    return table


def _caption(result: PruningResult, rounded: bool) -> str:
    said = []
    difference = result.difference
    if difference.low is not None and difference.high is not None:
        said.append(
            "mean ± standard deviation; fine-tuned minus from scratch, 95 % interval: "
            f"{100 * difference.low:+.2f} to {100 * difference.high:+.2f} points"
        )
    if rounded:
        said.append("rounded: the fine-tuned model in INT8 arithmetic; trained so: trained with it")
    return "\n".join(said)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _mean(values: Spread) -> str:
    if values.deviation is None:
        return _percent(values.mean)
    return f"{100 * values.mean:.2f} ± {100 * values.deviation:.2f} %"


def _kept(kept: bool) -> str:
    return " *" if kept else "  "
