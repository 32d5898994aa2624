"""What a conversion cost: tables and JSON."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgekit.conversion.quantization import MethodTrial, OperatorRecord, QuantizedModel
from edgekit.files import write_whole
from edgekit.measurement.comparison import Chain
from edgekit.report.comparison import SCHEMA_VERSION, chain_table, to_text
from edgekit.report.tables import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """An integer model, and all that is known of what it cost."""

    content: bytes  # the .tflite
    name: str
    origin: str  # what it was made from
    quantized: QuantizedModel
    calibration: str  # name of the samples that ranges were chosen by
    calibration_samples: int
    evaluation: str  # name of the samples that models were compared on
    chain: Chain  # the float model, then the integer one
    oracle: str  # what computed the integer model's answers
    macs: int
    float_bytes: int  # of the float .tflite
    arena_bytes: int | None  # with engine aot; None where that cannot compile the model
    arena_lower_bound_bytes: int | None
    refusal: str | None  # why engine aot cannot compile it
    notes: tuple[str, ...]  # of the data, in sentences
    log: Path | None  # what the converter said

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the .tflite, whole or not at all.

        Raises:
            UserError: the file cannot be written.
            EdgekitError: the disk is full or broken.
        """
        write_whole(Path(path), self.content)


def tables(conversion: Conversion) -> list[RenderableType]:
    """Facts, accuracy, methods that were tried, operators, and what to do about the worst."""
    quantized, chain = conversion.quantized, conversion.chain
    title = f"on {chain.steps[0].samples:,} samples of {conversion.evaluation}"
    parts: list[RenderableType] = [_facts(conversion), chain_table(chain, title=title)]
    if len(quantized.trials) > 1:
        parts.append(_trials(quantized))
    parts.append(_operators(quantized))
    if quantized.advice:
        parts.append(Text("what hurts most", style="bold"))
        names = {op.index: op.name for op in quantized.operators}
        parts += [
            Text(f"  #{advice.index} {names[advice.index]}: {advice.text}")
            for advice in quantized.advice
        ]
    return parts + [Text(f"note: {note}", style="yellow") for note in conversion.notes]


def _facts(conversion: Conversion) -> Table:
    quantized = conversion.quantized
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("model", f"{conversion.name}, from {conversion.origin}")
    samples = f"{conversion.calibration_samples:,} samples of {conversion.calibration}"
    table.add_row("calibrated", f"{quantized.chosen}, on {samples}")
    if quantized.protected:
        table.add_row("protected", _protected(quantized))
    sizes = f"{len(conversion.content):,} bytes, the float .tflite {conversion.float_bytes:,}"
    table.add_row("size", sizes)
    ratio = quantized.float_weights_bytes / max(1, quantized.weights_bytes)
    weights = f"{quantized.weights_bytes:,} bytes, {ratio:.2f} times fewer than in float"
    table.add_row("weights", weights)
    table.add_row("MACs", f"{conversion.macs:,}")
    table.add_row("arena", _arena(conversion))
    table.add_row("judged by", conversion.oracle)
    return table


def _protected(quantized: QuantizedModel) -> str:
    kept = [op for op in quantized.operators if op.index in quantized.protected]
    words = (f"#{op.index} {op.name} as {op.precision.value}" for op in kept)
    met = "" if quantized.budget_met else "; the budget is still exceeded"
    return ", ".join(words) + met


def _arena(conversion: Conversion) -> str:
    size, bound = conversion.arena_bytes, conversion.arena_lower_bound_bytes
    if size is None:
        return f"not known: engine aot cannot compile it ({conversion.refusal})"
    optimal = "optimal" if size == bound else f"lower bound {bound:,}"
    return f"{size:,} bytes with engine aot ({optimal})"


def _trials(quantized: QuantizedModel) -> Table:
    headings = ("ranges", "biases", ">SQNR", ">agrees", ">accuracy", "")
    table = plain(*headings, title="ways to calibrate, measured on samples held out")
    for trial in quantized.trials:
        chosen = "chosen" if trial is quantized.chosen else ""
        table.add_row(*_trial(trial), chosen)
    return table


def _trial(trial: MethodTrial) -> tuple[str, ...]:
    score = trial.score
    return (
        trial.method,
        "corrected" if trial.bias_correction else "plain",
        decibels(score.sqnr_db),
        _share(score.agreement),
        _share(score.accuracy),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f} %"


def decibels(value: float | None) -> str:
    """A ratio for people; what does not differ is exact."""
    if value is None:
        return "–"
    return "exact" if math.isinf(value) and value > 0 else f"{value:.1f} dB"


def _operators(quantized: QuantizedModel) -> Table:
    table = plain(
        "#", "operator", "as", ">alone", ">so far", ">range", ">clipped", title="operators"
    )
    for op in quantized.operators:
        table.add_row(
            str(op.index),
            op.name,
            op.precision.value,
            decibels(op.sensitivity_db),
            decibels(op.cumulative_db),
            _range(op),
            "–" if op.range is None else f"{100 * op.clipped:.3f} %",
        )
    return table


def _range(op: OperatorRecord) -> str:
    return "–" if op.range is None else f"{op.range[0]:.3g} to {op.range[1]:.3g}"


def to_json(conversion: Conversion) -> str:
    """The document of `edgekit convert --json`."""
    quantized = conversion.quantized
    document = {
        "schema": SCHEMA_VERSION,
        **{
            field.name: plain_value(getattr(conversion, field.name))
            for field in dataclasses.fields(conversion)
            if field.name not in ("content", "quantized")
        },
        "sha256": hashlib.sha256(conversion.content).hexdigest(),
        "size_bytes": len(conversion.content),
        "quantization": {
            field.name: plain_value(getattr(quantized, field.name))
            for field in dataclasses.fields(quantized)
            if field.name not in ("content", "name")
        },
        "budget_met": quantized.budget_met,
    }
    return to_text(document)


def plain_value(value: Any) -> Any:
    """What JSON can hold: enums by value, paths as text, infinities as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain_value(getattr(value, field.name)) for field in fields}
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
