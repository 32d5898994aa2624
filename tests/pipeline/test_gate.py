"""The gate: each step of the way, and the limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.float_models import classifier, samples

import edgekit
from edgekit.errors import UserError
from edgekit.measurement.budgets import Budgets, LatencyLimit
from edgekit.report import comparison


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """student.tflite (float), model.tflite (INT8), data.npz."""
    made = tmp_path_factory.mktemp("gate")
    x, y = samples()
    np.savez(made / "data.npz", x=x, y=y)
    (made / "student.tflite").write_bytes(classifier())
    edgekit.convert(made / "student.tflite", made / "data.npz", output=made / "model.tflite")
    return made


def test_each_step_is_there_with_its_figures(folder: Path) -> None:
    result = edgekit.gate(
        folder / "model.tflite",
        folder / "data.npz",
        teacher=folder / "student.tflite",
        student=classifier(softmax=False),
        board="host",
        budgets=Budgets(accuracy_drop=0.01, arena_bytes=10_000, flash_bytes=100_000),
        device_limit=20,
    )
    assert [step.name for step in result.chain.steps] == ["teacher", "student", "INT8", "device"]
    assert [step.samples for step in result.chain.steps] == [400, 400, 400, 20]
    assert result.chain.steps[1].agreement is not None
    assert result.chain.steps[1].agreement.value == 1  # a softmax changes no class
    assert result.passed and len(result.checks) == 3
    assert result.measurement is not None and result.measurement.verify.mismatched_bytes == 0
    document = json.loads(
        comparison.gate_json(result.chain, result.checks, result.measurement, result.oracle)
    )
    assert document["passed"] is True and len(document["checks"]) == 3


def test_a_budget_that_is_exceeded_fails(folder: Path) -> None:
    result = edgekit.gate(
        folder / "model.tflite",
        folder / "data.npz",
        board="host",
        budgets=Budgets(arena_bytes=100),
        device_limit=1,
    )
    assert not result.passed
    assert "arena is" in comparison.violations(result.checks)


def test_a_worse_model_is_found_out(folder: Path, tmp_path: Path) -> None:
    x, y = samples()
    np.savez(tmp_path / "dark.npz", x=x * 0.05, y=y)  # ranges that fit nothing
    bad = tmp_path / "bad.tflite"
    edgekit.convert(folder / "student.tflite", tmp_path / "dark.npz", output=bad, method="min-max")
    result = edgekit.gate(
        bad,
        folder / "data.npz",
        student=folder / "student.tflite",
        budgets=Budgets(accuracy_drop=0.01),
    )
    assert not result.passed
    difference = result.chain.difference
    assert difference is not None and difference.interval.high < 0  # surely worse
    assert result.chain.steps[-1].share_of_loss == pytest.approx(1)


def test_a_limit_in_another_unit_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="host counts us"):
        edgekit.gate(
            folder / "model.tflite",
            folder / "data.npz",
            board="host",
            budgets=Budgets(latency=LatencyLimit(1e6, "instructions")),
            device_limit=1,
        )


def test_a_budget_without_labels_or_board_is_refused_before_the_work(
    folder: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", samples()[0])
    with pytest.raises(UserError, match="needs labels"):
        edgekit.gate(
            folder / "model.tflite", tmp_path / "x.npy", budgets=Budgets(accuracy_drop=0.1)
        )
    with pytest.raises(UserError, match="needs a board"):
        edgekit.gate(folder / "model.tflite", folder / "data.npz", budgets=Budgets(arena_bytes=100))
