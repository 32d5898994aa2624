"""What the readers of all kinds of data are told."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.conversion.dataset.preprocessing import Preprocessing
from edgekit.errors import InputError
from edgekit.ir import Shape, Tensor
from edgekit.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What load() was asked for."""

    inputs: tuple[Tensor, ...]
    source_shapes: tuple[Shape | None, ...]  # as long as `inputs`
    preprocessing: Preprocessing
    limit: int | None
    classes: int | None
    progress: Progress

    def names(self, i: int) -> tuple[str, ...]:
        """What the array of input `i` may be called, the first the best."""
        names = (self.inputs[i].name, f"x{i}")
        return (*names, "x") if len(self.inputs) == 1 else names

    def only_input(self, what: str, source: str) -> Tensor:
        """The model's input, where `what` is data for a single one.

        Raises:
            InputError: the model has several.
        """
        if len(self.inputs) != 1:
            names = ", ".join(repr(t.name) for t in self.inputs)
            raise InputError(
                f"{source} holds {what}, but the model has {len(self.inputs)} inputs: {names}",
                hint="give an .npz with an array for each: x0, x1, …",
            )
        return self.inputs[0]
