"""What many runs measured: models x boards x engines, and what failed of them."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.measurement.records import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One run of many that has no result, and why."""

    model: str  # its name, as in a measurement
    board: str
    engine: str
    error: str  # one sentence, as `edgekit run` alone would say it
    hint: str | None
    exit_code: int  # as of `edgekit run`: 2 for what cannot be done as asked, 1 for a failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Runs and failures, each in the order in which they were asked for."""

    edgekit: str  # version
    runs: tuple[Measurement, ...]
    failures: tuple[Failure, ...]

    @property
    def exit_code(self) -> int:
        """0 if all went well; 1 if something failed; 2 if all that went wrong was asked wrongly."""
        codes = {failure.exit_code for failure in self.failures}
        return min(codes, default=0)
