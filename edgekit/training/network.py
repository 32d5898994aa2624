"""A Keras model as a list of calls of its layers: to be analysed, and built anew with changes.

Keras shows the graph of a functional model only layer by layer. Here it is flat: models within the
model are dissolved into their layers, and each tensor has a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edgekit.errors import ModelError
from edgekit.training.framework import keras

#: Which tensor: numbered in the order in which they are made.
Value = int
#: What a layer is given: positional arguments and keywords.
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reference:
    """Stands in a call's arguments where a tensor was."""

    value: Value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """One use of a layer (or of an operation such as `x + y`)."""

    operation: Any  # a keras.Layer or keras.Operation
    arguments: Arguments  # with a Reference in place of each tensor
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    @property
    def kind(self) -> str:
        """The layer's class, such as "Conv2D"."""
        return type(self.operation).__name__

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.operation.name)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """A model's calls, each after those that make its inputs."""

    name: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    calls: tuple[Call, ...]
    tensors: Mapping[Value, Any]  # the KerasTensor of each value: its shape, dtype and name

    def shape(self, value: Value) -> tuple[int | None, ...]:
        """The shape of a tensor, the batch first."""
        return tuple(self.tensors[value].shape)

    def maker(self, value: Value) -> Call | None:
        """The call that makes a tensor; None for an input of the model."""
        return next((call for call in self.calls if value in call.outputs), None)

    def users(self, value: Value) -> tuple[Call, ...]:
        """The calls that take a tensor."""
        return tuple(call for call in self.calls if value in call.inputs)

    def uses(self, operation: Any) -> int:
        """How often a layer is called."""
        return sum(call.operation is operation for call in self.calls)


#: Makes the outputs of a call anew, from the new tensors that it is given.
Visit = Callable[[Call, Arguments], Any]
#: Changes an input of the model: its value, the new tensor.
Enter = Callable[[Value, Any], Any]


def network_of(model: Any) -> Network:
    """The calls of a functional or sequential Keras model.

    Raises:
        ModelError: the model has no graph of layers, as one made by subclassing has none.
    """
    if not isinstance(model, keras().Model):
        raise ModelError(f"a Keras model was expected, not a {type(model).__name__}")
    reading = _Reading()
    functional = _functional(model)
    inputs = tuple(reading.add(tensor) for tensor in functional.inputs)
    outputs = reading.read(functional, inputs)
    return Network(
        name=model.name,
        inputs=inputs,
        outputs=outputs,
        calls=tuple(reading.calls),
        tensors=dict(enumerate(reading.tensors)),
    )


def _functional(model: Any) -> Any:
    try:
        return keras().Model(model.inputs, model.outputs)
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"the model {model.name!r} has no graph of layers that can be read",
            hint="build it with the functional API: keras.Model(inputs, outputs)",
        ) from error


class _Reading:
    """Walks through a model and the models within it."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.calls: list[Call] = []

    def add(self, tensor: Any) -> Value:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def read(self, functional: Any, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        """Add the calls of a model that is given `inputs`; returns its outputs."""
        known = {id(t): value for t, value in zip(functional.inputs, inputs, strict=True)}
        by_depth = functional._nodes_by_depth
        for depth in sorted(by_depth, reverse=True):
            for node in by_depth[depth]:
                if not node.is_input and id(node.outputs[0]) not in known:
                    self._read_node(node, known)
        return tuple(known[id(tensor)] for tensor in functional.outputs)

    def _read_node(self, node: Any, known: dict[int, Value]) -> None:
        given = tuple(known[id(tensor)] for tensor in node.input_tensors)
        if isinstance(node.operation, keras().Model):
            outputs = self.read(_functional(node.operation), given)
        else:
            outputs = tuple(self.add(tensor) for tensor in node.outputs)
            self.calls.append(
                Call(
                    operation=node.operation,
                    arguments=node.arguments.convert(
                        lambda x: Reference(known[id(x)]) if id(x) in known else x
                    ),
                    inputs=given,
                    outputs=outputs,
                )
            )
        known.update((id(t), value) for t, value in zip(node.outputs, outputs, strict=True))


def rebuild(network: Network, visit: Visit, *, enter: Enter | None = None) -> Any:
    """A new keras.Model of the same inputs: `visit` makes each call's outputs in turn.

    Args:
        enter: what to do to each input first.
    """
    made: dict[Value, Any] = {}
    for value in network.inputs:
        old = network.tensors[value]
        made[value] = keras().Input(
            batch_shape=old.shape, dtype=old.dtype, name=old._keras_history.operation.name
        )
    inputs = [made[value] for value in network.inputs]
    if enter is not None:
        made.update((value, enter(value, made[value])) for value in network.inputs)
    for call in network.calls:
        result = visit(call, _filled(call, made))
        made.update(zip(call.outputs, keras().tree.flatten(result), strict=True))
    outputs = [made[value] for value in network.outputs]
    return keras().Model(_single(inputs), _single(outputs), name=network.name)


def _single(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _filled(call: Call, made: Mapping[Value, Any]) -> Arguments:
    filled: Arguments = keras().tree.map_structure(
        lambda x: made[x.value] if isinstance(x, Reference) else x, call.arguments
    )
    return filled


class Copies:
    """New layers with the names and weights of old ones, for `rebuild`.

    A layer that is used twice is copied once. Layers of models within the model that share a name
    get different ones.
    """

    def __init__(self, *, weights: bool = True) -> None:
        self._weights = weights
        self._copies: dict[int, Any] = {}
        self._names: set[str] = set()

    def visit(self, call: Call, given: Arguments) -> Any:
        """Call a copy of the call's layer."""
        return self.apply(call, given)

    def apply(
        self,
        call: Call,
        given: Arguments,
        *,
        config: Mapping[str, Any] | None = None,
        weights: Iterable[Any] | None = None,
    ) -> Any:
        """Call a copy of the call's layer with another configuration or other weights."""
        arguments, keywords = given
        old = call.operation
        if not hasattr(old, "get_weights"):  # an operation has nothing to copy
            return old(*arguments, **keywords)
        if id(old) in self._copies:
            return self._copies[id(old)](*arguments, **keywords)
        new = type(old).from_config(
            {**old.get_config(), **(config or {}), "name": self.unique(old.name)}
        )
        result = new(*arguments, **keywords)
        if weights is not None:
            new.set_weights(list(weights))
        elif self._weights:
            new.set_weights(old.get_weights())
        self._copies[id(old)] = new
        return result

    def unique(self, name: str) -> str:
        """`name`, or the first of name_1, name_2 … that no layer has yet."""
        free, number = name, 0
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free


def copy_of(model: Any, *, weights: bool = True) -> Any:
    """The same model of new layers, models within it dissolved; `weights=False` draws them anew."""
    return rebuild(network_of(model), Copies(weights=weights).visit)
