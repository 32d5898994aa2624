"""What a scheme offers for one operator."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Operator
from edgekit.ops import KernelNeeds


@dataclass(frozen=True, slots=True)
class Choice:
    """One operator with the kernel that computes it."""

    operator: Operator
    scheme: str
    needs: KernelNeeds
    macs: int
