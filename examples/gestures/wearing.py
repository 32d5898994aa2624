"""The same movement by someone else: another pace and force, the watch turned on the wrist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from data import Floats


@dataclass(frozen=True)
class OtherPeople:
    """Changes each segment [N, steps, 6] as another person might have moved.

    Five people show too few ways to wear a watch. Both sensors turn with it about the same axis,
    which their common scale allows for.
    """

    turn_degrees: float = 25.0
    pace: float = 0.25  # faster or slower by up to this share
    force: float = 0.2  # likewise

    def __call__(self, motion: Floats, random: np.random.Generator) -> Floats:
        count = len(motion)
        turn = rotations(count, self.turn_degrees, random)
        turned = np.concatenate([motion[..., :3] @ turn, motion[..., 3:] @ turn], axis=-1)
        pace = random.uniform(1 - self.pace, 1 + self.pace, count)
        force = random.uniform(1 - self.force, 1 + self.force, (count, 1, 1))
        return (at_pace(turned, pace, random) * force).astype(np.float32)


def rotations(count: int, degrees: float, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Rotation matrices [count, 3, 3] by up to `degrees` about any axis (Rodrigues' formula)."""
    axis = random.standard_normal((count, 3))
    x, y, z = (axis / np.linalg.norm(axis, axis=1, keepdims=True)).T
    zero = np.zeros(count)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(count, 3, 3)
    angle = np.deg2rad(random.uniform(-degrees, degrees, count))[:, None, None]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def at_pace(
    motion: npt.NDArray[np.float64], pace: npt.NDArray[np.float64], random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Each segment read `pace` times as fast about a random moment, linearly between steps.

    What lies beyond its ends stands still.
    """
    count, steps, _ = motion.shape
    middle = random.uniform(0, steps, (count, 1))
    at = np.clip((np.arange(steps) - middle) * pace[:, None] + middle, 0, steps - 1)
    before = np.minimum(at.astype(int), steps - 2)
    share = (at - before)[..., None]
    which = np.arange(count)[:, None]
    return motion[which, before] * (1 - share) + motion[which, before + 1] * share
