"""What a model says in the middle: the outputs of layers that a recipe names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from edgekit.errors import RecipeError
from edgekit.training.framework import keras, tensorflow
from edgekit.training.losses import Outputs, Tensor

_NEAR = 3  # names that an error offers


class Observed:
    """A model, called for its logits and for the outputs of some of its layers.

    A model that ends in a softmax is taken for its logarithm, which serves as logits.
    """

    def __init__(self, model: Any, layers: Sequence[str], *, role: str) -> None:
        """Look at `layers` of `model`; `role` is "teacher" or "student", for messages.

        Raises:
            RecipeError: the model has no such layer, or no single output of it.
        """
        found = [_output_of(model, layer, role) for layer in layers]
        self.shapes = tuple(tuple(tensor.shape[1:]) for tensor in found)
        self.network = keras().Model(model.inputs, [*model.outputs, *found])
        self._softmax = _ends_in_softmax(model)

    def __call__(self, inputs: Tensor, *, training: bool) -> Outputs:
        """The outputs for a batch [N, ...]."""
        logits, *features = keras().tree.flatten(self.network(inputs, training=training))
        if self._softmax:
            logits = tensorflow().math.log(tensorflow().maximum(logits, 1e-7))
        return Outputs(logits, tuple(features))


def _output_of(model: Any, name: str, role: str) -> Any:
    names = [layer.name for layer in model.layers]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=_NEAR, cutoff=0.4)
        raise RecipeError(
            f"the {role} {model.name!r} has no layer {name!r}",
            hint=f"near ones: {', '.join(near)}" if near else f"it has {', '.join(names)}",
        )
    try:
        output = model.get_layer(name).output
    except (AttributeError, ValueError) as error:
        raise RecipeError(
            f"the layer {name!r} of the {role} {model.name!r} is used more than once, or never",
            hint="pair a layer that is used once",
        ) from error
    if isinstance(output, (list, tuple, dict)) or len(output.shape) < 2:
        raise RecipeError(f"the layer {name!r} of the {role} {model.name!r} has several outputs")
    if None in output.shape[1:]:
        raise RecipeError(
            f"the layer {name!r} of the {role} {model.name!r} has outputs of no fixed size",
            hint="give the model an input of fixed size",
        )
    return output


def _ends_in_softmax(model: Any) -> bool:
    last = model.outputs[0]._keras_history.operation
    if isinstance(last, keras().layers.Softmax):
        return True
    return getattr(last, "activation", None) is keras().activations.softmax
