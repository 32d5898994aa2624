"""Exports PyTorch programs, one for each case, with the Python of the PyTorch environment.

`python pytorch_cases.py programs DIRECTORY` writes DIRECTORY/<case>.pt2, `live DIRECTORY` converts
a live module in that very Python, which must have edgekit on its path.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class Images(nn.Module):
    """Flattened in PyTorch's order before its dense layers: the classic mistake."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 6, 3, stride=2, padding=1)
        self.hidden, self.classes = nn.Linear(6 * 3 * 2, 12), nn.Linear(12, 4)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Any) -> Any:
        x = functional.max_pool2d(functional.relu(self.norm(self.first(x))), 2)
        x = torch.flatten(functional.relu(self.second(x)), 1)
        return self.classes(self.dropout(functional.relu(self.hidden(x))))


class Separable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, 8, (10, 4), stride=2, padding=(5, 1))]
        for _ in range(2):
            layers += [nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU()]
            layers += [nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU()]
        self.body, self.classes = nn.Sequential(*layers), nn.Linear(8, 12)

    def forward(self, x: Any) -> Any:
        return functional.softmax(self.classes(self.body(x).mean((2, 3))), dim=1)


class Mobile(nn.Module):
    """Inverted residual with squeeze-excite and hard-swish."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Sequential(nn.Conv2d(8, 16, 1), nn.BatchNorm2d(16), nn.Hardswish())
        self.deep = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Hardswish())
        squeeze = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1)]
        self.gate, self.narrow = nn.Sequential(*squeeze), nn.Conv2d(16, 8, 1)
        self.stem, self.classes = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = functional.relu6(self.stem(x))
        y = self.deep(self.wide(x))
        x = x + self.narrow(y * functional.hardsigmoid(self.gate(y)))
        return self.classes(functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Signals(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv1d(6, 16, 5, padding=2), nn.BatchNorm1d(16)
        self.second = nn.Conv1d(16, 8, 3, stride=2, padding=1)
        self.classes = nn.Linear(64, 7)

    def forward(self, x: Any) -> Any:
        x = functional.max_pool1d(functional.relu(self.norm(self.first(x))), 2)
        return self.classes(functional.leaky_relu(self.second(x), 0.1).flatten(1))


class Rows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 16))

    def forward(self, x: Any) -> Any:
        return self.body(x)


class Bessel(nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.special.i0(x)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.classes = nn.GRU(6, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return functional.gelu(self.classes(self.cells(x)[0][:, -1]))


def trained(module: nn.Module, *shape: int) -> nn.Module:
    """With batch norms that have seen something, in training mode as after a training."""
    module.train()
    with torch.no_grad():
        for _ in range(3):
            module(torch.randn(8, *shape) + 0.5)
    return module


def main(directory: str) -> None:
    torch.manual_seed(1)
    any_batch = ({0: torch.export.Dim("batch")},)
    any_width = ({3: torch.export.Dim("width")},)
    cases: dict[str, tuple[nn.Module, tuple[int, ...], Any]] = {
        "images": (Images(), (1, 3, 12, 8), None),
        "any_batch": (Images(), (4, 3, 12, 8), any_batch),
        "separable": (Separable(), (1, 1, 49, 10), None),
        "mobile": (Mobile(), (1, 3, 16, 16), None),
        "signals": (Signals(), (1, 6, 32), None),
        "rows": (Rows(), (1, 16), None),
        "refused_batch": (Rows(), (4, 16), None),
        "refused_width": (nn.ReLU(), (1, 1, 8, 8), any_width),
        "refused_operator": (Bessel(), (1, 16), None),
        "refused_state": (Recurrent(), (1, 10, 6), None),
    }
    for name, (module, shape, dynamic) in cases.items():
        module = trained(module, *shape[1:]).eval()
        program = torch.export.export(module, (torch.randn(shape),), dynamic_shapes=dynamic)
        torch.export.save(program, Path(directory) / f"{name}.pt2")
    module = nn.Embedding(4, 3)
    program = torch.export.export(module, (torch.ones(1, 2, dtype=torch.int64),))
    torch.export.save(program, Path(directory) / "refused_integers.pt2")


def live(directory: str) -> None:
    """Convert a module that is in training mode, and a program; say what became of the module."""
    from edgekit.conversion import sources

    torch.manual_seed(1)
    module = trained(Images(), 3, 12, 8)
    model = sources.load((module, (torch.randn(5, 3, 12, 8),)))
    (Path(directory) / "live.tflite").write_bytes(model.content)
    program = torch.export.export(module.eval(), (torch.randn(1, 3, 12, 8),))
    module.train()
    again = sources.load(program)
    x = torch.rand(1, 3, 12, 8)
    print(model.name, model.origin, model.source_input_shapes)
    print(again.name, again.origin, again.content == model.content)
    print(module.training, module.dropout.training, not torch.equal(module(x), module(x)))
    for source in ((module,), (module, ()), module):
        try:
            sources.load(source)
        except Exception as error:
            print(type(error).__name__, error)


if __name__ == "__main__":
    {"live": live, "programs": main}[sys.argv[1]](*sys.argv[2:])
