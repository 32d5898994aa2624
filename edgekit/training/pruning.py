"""Channels taken out of a trained model, so that it really becomes smaller.

Channels are ranked within each group of channels that hang together, and the least of them are
removed: from the filters that make them, from batch norm and depthwise filters that they pass, and
from the weights that read them (Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from edgekit.errors import ModelError, UserError
from edgekit.ir import Array
from edgekit.progress import Progress, silent
from edgekit.training.folding import fold_batch_norm
from edgekit.training.network import Arguments, Call, Copies, Network, copy_of, network_of, rebuild
from edgekit.training.pruning_channels import Channels, Role, trace
from edgekit.training.pruning_choice import (
    Curve,
    least_harmful,
    sensitivity_curves,
    uniform,
    widths_of,
)
from edgekit.training.pruning_macs import macs_of

#: The loss of a model on the samples that sensitivity is measured by; lower is better.
Loss = Callable[[Any], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningOptions:
    """How much of a model stays, and by what its channels are ranked.

    Give either `keep_macs` or `ratios`.
    """

    keep_macs: float | None = None  # share of the multiply-accumulates that may stay, 0..1
    ratios: Mapping[str, float] = field(default_factory=dict)  # layer -> share of its channels
    round_to: int = 1  # keep a multiple of so many channels, as kernels with SIMD like it
    ranking: Literal["l1", "sensitivity"] = "l1"

    def __post_init__(self) -> None:
        if (self.keep_macs is None) == (not self.ratios):
            raise UserError(
                "how much to keep is not clear", hint="give either keep_macs or ratios per layer"
            )
        if self.keep_macs is not None and not 0 < self.keep_macs < 1:
            raise UserError(
                f"keep_macs is {self.keep_macs:g}", hint="give a share between 0 and 1, such as 0.5"
            )
        for layer, share in self.ratios.items():
            if not 0 < share <= 1:
                raise UserError(
                    f"the ratio of layer {layer!r} is {share:g}",
                    hint="give the share of its channels to keep, above 0 and at most 1",
                )
        if self.round_to < 1:
            raise UserError(f"round_to is {self.round_to}", hint="give 1 or more")
        if self.ranking not in ("l1", "sensitivity"):
            raise UserError(
                f"there is no ranking {self.ranking!r}", hint="give 'l1' or 'sensitivity'"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWidth:
    """The channels that a layer makes, before and after."""

    layer: str
    before: int
    after: int
    fixed: str | None  # why some of them could not be removed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrunedModel:
    """A smaller model and what was taken from the whole one."""

    model: Any  # keras.Model, not compiled, with the weights that stay
    masked: Any  # keras.Model of the old shape that computes the same: see `masked_model`
    layers: tuple[LayerWidth, ...]
    parameters_before: int
    parameters_after: int
    macs_before: int
    macs_after: int
    curves: tuple[Curve, ...]  # with ranking "sensitivity": what was measured


def prune(
    model: Any,
    options: PruningOptions,
    *,
    loss: Loss | None = None,
    progress: Progress = silent,
) -> PrunedModel:
    """A smaller model without the channels that matter least.

    Channels of one group are ranked by the L1 norm of the filters that make them, batch norm
    folded in. With ranking "l1" all groups keep the same share of their channels; with
    "sensitivity" it is first measured how the loss of each group grows as its least channels are
    masked, and then channels are removed where a multiply-accumulate saved costs the least loss
    (Li et al., §3.2 and §3.3).

    Args:
        model: a functional or sequential keras.Model of fixed input size; it is not changed.
        loss: the loss of a model on samples of validation, needed for ranking "sensitivity".

    Raises:
        ModelError: the model has no graph of layers or no channels that can be removed.
        UserError: the target cannot be reached, a layer of `ratios` is not there.
    """
    if options.ranking == "sensitivity" and loss is None:
        raise UserError("ranking by sensitivity needs samples to measure the loss on")
    whole = copy_of(model)  # whose layers have names of their own
    network = network_of(whole)
    channels = trace(network)
    if not channels.groups:
        reasons = "; ".join(f"{layer}: {why}" for layer, why in channels.fixed.items())
        raise ModelError(f"no channel of {network.name!r} can be removed: {reasons}")
    order = _ranked(whole, channels)
    curves: tuple[Curve, ...] = ()
    if options.ratios:
        widths = widths_of(channels, options.ratios, options.round_to)
    elif loss is None or options.ranking == "l1":
        assert options.keep_macs is not None  # one of both was given
        widths = uniform(network, channels, options.keep_macs, options.round_to)
    else:
        assert options.keep_macs is not None
        curves = _measured(network, channels, order, options.round_to, loss, progress)
        widths = least_harmful(network, channels, curves, options.keep_macs, options.round_to)
    return _result(network, channels, kept(channels, order, widths), curves)


def kept(channels: Channels, order: tuple[Array, ...], widths: tuple[int, ...]) -> Array:
    """Which units stay, bool [channels.count]: of each group, the first `widths` in `order`."""
    keep = np.ones(channels.count, bool)
    for ranked, width in zip(order, widths, strict=True):
        keep[ranked[width:]] = False
    return keep


def _ranked(model: Any, channels: Channels) -> tuple[Array, ...]:
    """The units of each group, the one that matters most first."""
    norms = unit_norms(model, channels)
    return tuple(
        group.units[np.argsort(-norms[group.units], kind="stable")] for group in channels.groups
    )


def unit_norms(model: Any, channels: Channels) -> Array:
    """The L1 norm of each unit's filters, float64 [channels.count].

    Batch norm is folded in, for without it the scale of a filter before batch norm says nothing.
    Where several layers make a unit, their norms are averaged, each relative to its layer's mean.
    """
    folded = {call.name: call.operation for call in network_of(fold_batch_norm(model)).calls}
    norms, makers = np.zeros(channels.count), np.zeros(channels.count)
    for layer, units in channels.made.items():
        if layer in channels.fixed and not set(units) & _removable(channels):
            continue
        kernels = [w for w in folded[layer].get_weights() if w.ndim > 1]
        kernel = kernels[-1]
        out = -2 if type(folded[layer]).__name__ == "Conv2DTranspose" else -1
        norm = np.abs(np.moveaxis(kernel, out, 0)).reshape(len(units), -1).sum(axis=1)
        np.add.at(norms, units, norm / (norm.mean() or 1.0))
        np.add.at(makers, units, 1)
    return norms / np.maximum(makers, 1)


def _removable(channels: Channels) -> set[int]:
    return {int(unit) for group in channels.groups for unit in group.units}


def _measured(
    network: Network,
    channels: Channels,
    order: tuple[Array, ...],
    round_to: int,
    loss: Loss,
    progress: Progress,
) -> tuple[Curve, ...]:
    """How the loss grows as the least units of one group after another are masked."""
    masked = _Masked(network, channels)

    def loss_without(group: int, width: int) -> float:
        widths = [len(ranked) for ranked in order]
        widths[group] = width
        masked.mask(kept(channels, order, tuple(widths)))
        return loss(masked.model)

    return sensitivity_curves(channels, loss_without, round_to, progress)


def masked_model(network: Network, channels: Channels, keep: Array) -> Any:
    """The whole model with zeros where removed units are read.

    It computes what the pruned model computes, up to the rounding of sums: nothing but the zeroed
    weights mixes the channels that go with those that stay.
    """
    masked = _Masked(network, channels)
    masked.mask(keep)
    return masked.model


class _Masked:
    """A copy of a model in which units are masked and unmasked in place."""

    def __init__(self, network: Network, channels: Channels) -> None:
        self.model = rebuild(network, Copies().visit)
        layers = {layer.name: layer for layer in self.model.layers}
        self._readers = [
            (layers[call.name], call.operation.get_weights(), channels.layers[id(call.operation)])
            for call in network.calls
            if id(call.operation) in channels.layers and call.operation.weights
        ]

    def mask(self, keep: Array) -> None:
        """Set the weights that read units: as they were where `keep`, else to zero."""
        for layer, weights, noted in self._readers:
            changed = [w.copy() for w in weights]
            for weight, axes in zip(changed, noted.weights, strict=False):
                for index, axis in axes.items():
                    if axis.role is Role.READ:
                        np.moveaxis(weight, index, 0)[~keep[axis.units]] = 0.0
            layer.set_weights(changed)


def _result(
    network: Network, channels: Channels, keep: Array, curves: tuple[Curve, ...]
) -> PrunedModel:
    model = _smaller(network, channels, keep)
    masked = masked_model(network, channels, keep)
    return PrunedModel(
        model=model,
        masked=masked,
        layers=tuple(
            LayerWidth(
                layer=layer,
                before=len(units),
                after=int(keep[units].sum()),
                fixed=channels.fixed.get(layer),
            )
            for layer, units in channels.made.items()
        ),
        parameters_before=masked.count_params(),
        parameters_after=model.count_params(),
        macs_before=macs_of(network),
        macs_after=macs_of(network_of(model)),
        curves=curves,
    )


def _smaller(network: Network, channels: Channels, keep: Array) -> Any:
    """The model built anew of layers without the units that do not stay."""
    copies = Copies()

    def visit(call: Call, given: Arguments) -> Any:
        noted = channels.layers.get(id(call.operation))
        if noted is None:
            return copies.visit(call, given)
        weights = call.operation.get_weights()
        for place, axes in enumerate(noted.weights[: len(weights)]):
            for index, axis in axes.items():
                chosen = np.flatnonzero(keep[axis.units])
                weights[place] = np.take(weights[place], chosen, axis=index)
        config: dict[str, Any] = {}
        for key, units in noted.sizes.items():
            count = int(keep[units].sum())
            if key == "target_shape":
                config[key] = (*call.operation.target_shape[:-1], count)
            else:
                config[key] = count
        return copies.apply(call, given, config=config, weights=weights)

    return rebuild(network, visit)
