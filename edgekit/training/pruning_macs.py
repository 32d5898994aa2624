"""Multiply-accumulates of a Keras model, whole or pruned."""

from __future__ import annotations

import numpy as np

from edgekit.errors import ModelError
from edgekit.ir import Array
from edgekit.training.network import Call, Network
from edgekit.training.pruning_channels import Channels
from edgekit.training.pruning_kinds import CONVOLUTIONS, DEPTHWISE, SEPARABLE


def macs_of(network: Network, channels: Channels | None = None, keep: Array | None = None) -> int:
    """Multiply-accumulates of one inference, in convolutions and dense layers.

    Counted are output positions times weights, padding included, as TensorFlow Lite counts.

    Args:
        network: its spatial sizes must be fixed.
        channels: with `keep`, which units stay (bool [channels.count]).
    """
    return sum(_macs_of_call(network, call, channels, keep) for call in network.calls)


def _macs_of_call(
    network: Network, call: Call, channels: Channels | None, keep: Array | None
) -> int:
    kinds = CONVOLUTIONS | DEPTHWISE | SEPARABLE
    if call.kind not in kinds:
        return 0
    counted = call.inputs[0] if call.kind == "Conv2DTranspose" else call.outputs[0]
    positions = network.shape(counted)[1:-1]
    if None in positions:
        raise ModelError(
            f"layer {call.name!r} has outputs of no fixed size, {network.shape(counted)}, so its "
            "multiply-accumulates cannot be counted",
            hint="give the model an input of fixed size",
        )
    noted = channels.layers.get(id(call.operation)) if channels else None
    weights = 0
    for index, weight in enumerate(call.operation.weights):
        if len(weight.shape) > 1:
            axes = noted.weights[index] if noted and keep is not None else {}
            sizes = [
                int(keep[axes[i].units].sum()) if keep is not None and i in axes else size
                for i, size in enumerate(weight.shape)
            ]
            weights += int(np.prod(sizes))
    return int(np.prod([n or 1 for n in positions], dtype=np.int64)) * weights
