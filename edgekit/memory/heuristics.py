"""Blocks -> offsets, by several rules of thumb; the smallest arena wins.

Each heuristic takes the blocks in an order and gives each one a gap between those that are placed
already and needed at the same time. Then a search moves blocks about in the best order found.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edgekit.memory.lifetimes import Block, Problem, Takeover

#: How many blocks the search may place in all: about 0.2 s.
SEARCH_PLACEMENTS = 30_000

#: Places that are taken, as (first byte, first byte behind), sorted; and the size that is wanted.
Taken = list[tuple[int, int]]
Fit = Callable[[Taken, int], int]

#: For each block the others that are needed at some step at which it is needed, by index.
Rivals = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Layout:
    """An offset for every value of a problem."""

    offsets: tuple[int, ...]
    arena_bytes: int
    heuristic: str


@dataclass(frozen=True, slots=True)
class Heuristic:
    """One rule: the order in which blocks are placed, and which gap they get."""

    name: str
    order: Callable[[Sequence[Block]], list[int]]  # indices of the blocks
    fit: Fit

    def __call__(self, blocks: Sequence[Block], against: Rivals | None = None) -> list[int]:
        """The offset of each block, in bytes. `against`: `rivals(blocks)`, if it is at hand."""
        return place(blocks, self.order(blocks), against or rivals(blocks), self.fit)


def first_gap(taken: Taken, size_bytes: int) -> int:
    """The lowest gap that is large enough."""
    free = 0
    for start, end in taken:
        if start - free >= size_bytes:
            break
        free = max(free, end)
    return free


def tightest_gap(taken: Taken, size_bytes: int) -> int:
    """The smallest gap between two blocks that is large enough, else the place above all."""
    free, tightest, offset = 0, -1, -1
    for start, end in taken:
        gap = start - free
        if gap >= size_bytes and (offset < 0 or gap < tightest):
            tightest, offset = gap, free
        free = max(free, end)
    return offset if offset >= 0 else free


def by_size(blocks: Sequence[Block]) -> list[int]:
    """Largest first."""
    return _sorted(blocks, lambda b: (-b.size_bytes, b.first_step))


def by_area(blocks: Sequence[Block]) -> list[int]:
    """Largest product of size and lifetime first."""
    return _sorted(blocks, lambda b: (-b.size_bytes * _duration(b), b.first_step))


def by_duration(blocks: Sequence[Block]) -> list[int]:
    """Longest lifetime first."""
    return _sorted(blocks, lambda b: (-_duration(b), -b.size_bytes))


def by_first_step(blocks: Sequence[Block]) -> list[int]:
    """In the order in which they are written."""
    return _sorted(blocks, lambda b: (b.first_step, -b.size_bytes))


def by_breadth(blocks: Sequence[Block]) -> list[int]:
    """Those of the fullest step first, largest first; then those of the next."""
    steps = {b.first_step for b in blocks}
    breadth = {
        step: sum(b.size_bytes for b in blocks if b.first_step <= step <= b.last_step)
        for step in steps
    }
    fullest = [
        max(breadth[step] for step in steps if block.first_step <= step <= block.last_step)
        for block in blocks
    ]
    return sorted(range(len(blocks)), key=lambda i: (-fullest[i], -blocks[i].size_bytes, i))


HEURISTICS: tuple[Heuristic, ...] = tuple(
    Heuristic(f"{order_name}, {fit_name}", order, fit)
    for order_name, order in (
        ("size", by_size),
        ("area", by_area),
        ("duration", by_duration),
        ("first step", by_first_step),
        ("breadth", by_breadth),
    )
    for fit_name, fit in (("first fit", first_gap), ("best fit", tightest_gap))
)


def best(problem: Problem) -> Layout:
    """The smallest layout that any heuristic finds; the search runs only if all miss the bound."""
    goal = problem.lower_bound_bytes
    variants = [problem.blocks(chosen) for chosen in _choices(problem)]
    found: list[tuple[Layout, Sequence[Block], Heuristic]] = []
    for blocks in variants:
        against = rivals(blocks)
        for heuristic in HEURISTICS:
            layout = layout_of(problem, blocks, heuristic(blocks, against), heuristic.name)
            if layout.arena_bytes == goal:
                return layout
            found.append((layout, blocks, heuristic))
    winner = min((layout for layout, _, _ in found), key=lambda layout: layout.arena_bytes)
    for blocks in variants:
        layout, _, heuristic = min(
            (f for f in found if f[1] is blocks), key=lambda f: f[0].arena_bytes
        )
        offsets = search(blocks, heuristic, goal, SEARCH_PLACEMENTS // len(variants))
        layout = layout_of(problem, blocks, offsets, f"search from {heuristic.name}")
        winner = min(winner, layout, key=lambda layout: layout.arena_bytes)
        if winner.arena_bytes == goal:
            break
    return winner


def search(
    blocks: Sequence[Block], start: Heuristic, goal_bytes: int, placements: int
) -> list[int]:
    """Move one block at a time to another position in the order, keep what is not worse.

    Half of the time it is a block at the top of the arena that moves forward. The same blocks
    always give the same offsets.

    Args:
        blocks: what to place.
        start: whose order and fit to begin with.
        goal_bytes: stop when the arena is as small as this.
        placements: stop when so many blocks were placed.
    """
    rng = random.Random(0)
    against = rivals(blocks)
    order = start.order(blocks)
    offsets = place(blocks, order, against, start.fit)
    top = top_of(blocks, offsets)
    for _ in range(placements // max(1, len(blocks))):
        if top <= goal_bytes:
            break
        trial = list(order)
        highest = [i for i, b in enumerate(blocks) if offsets[i] + b.size_bytes == top]
        moved = rng.choice(highest if rng.random() < 0.5 else trial)
        trial.remove(moved)
        trial.insert(rng.randrange(len(blocks)), moved)
        tried = place(blocks, trial, against, start.fit)
        if top_of(blocks, tried) <= top:
            order, offsets, top = trial, tried, top_of(blocks, tried)
    return offsets


def place(blocks: Sequence[Block], order: Sequence[int], against: Rivals, fit: Fit) -> list[int]:
    """Give each block, in `order`, the gap that `fit` picks among those placed before it."""
    offsets = [-1] * len(blocks)
    for index in order:
        taken = sorted(
            (offsets[i], offsets[i] + blocks[i].size_bytes)
            for i in against[index]
            if offsets[i] >= 0
        )
        offsets[index] = fit(taken, blocks[index].size_bytes)
    return offsets


def rivals(blocks: Sequence[Block]) -> Rivals:
    """Which blocks may not share bytes."""
    found: list[list[int]] = [[] for _ in blocks]
    live: list[int] = []
    for i in by_first_step(blocks):
        live = [j for j in live if blocks[j].last_step >= blocks[i].first_step]
        for j in live:
            found[i].append(j)
            found[j].append(i)
        live.append(i)
    return found


def top_of(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    """The arena that these offsets need."""
    return max((o + b.size_bytes for b, o in zip(blocks, offsets, strict=True)), default=0)


def layout_of(
    problem: Problem, blocks: Sequence[Block], offsets: Sequence[int], name: str
) -> Layout:
    """The offsets of blocks as offsets of their values."""
    by_value = {value: o for b, o in zip(blocks, offsets, strict=True) for value in b.values}
    in_order = tuple(by_value[i] for i in range(len(problem.values)))
    return Layout(in_order, top_of(blocks, offsets), name)


def _choices(problem: Problem) -> Iterator[tuple[Takeover, ...]]:
    """Which takeovers to use: of each step the oldest source's, the youngest's, or none."""
    by_step: dict[int, list[Takeover]] = {}
    for takeover in problem.takeovers:
        by_step.setdefault(takeover.step, []).append(takeover)
    for offers in by_step.values():
        offers.sort(key=lambda t: problem.values[t.source].first_step)
    yield tuple(offers[0] for offers in by_step.values())
    if any(len(offers) > 1 for offers in by_step.values()):
        yield tuple(offers[-1] for offers in by_step.values())
    if by_step:
        yield ()


def _duration(block: Block) -> int:
    return block.last_step - block.first_step + 1


def _sorted(blocks: Sequence[Block], key: Callable[[Block], tuple[int, ...]]) -> list[int]:
    return sorted(range(len(blocks)), key=lambda i: (*key(blocks[i]), i))
