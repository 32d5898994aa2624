"""Rich tables of a measurement, of boards, and of a compiled model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from edgekit.boards import Board
from edgekit.measurement import Latency, Measurement, Memory, Verification
from edgekit.report import system

#: How a latency's unit is written after a number.
_UNITS = {"us": "µs", "cycles": "cycles", "instructions": "instructions"}
#: What a rung below a board that ran, real or emulated, means.
_UNTRIED = {
    "compiled": "its firmware was built, but never run on such a board, by edgekit's makers",
    "configured": "its project was checked, but never run on such a board, by edgekit's makers",
}
_OF_THIS_COMPUTER = " of this computer"
_VIRTUAL = "the firmware ran on this computer; only flashing and the link were exercised"


def plain(*headings: str, title: str | None = None) -> Table:
    """A table that fits 80 columns; headings that begin with ">" stand over numbers."""
    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0)
    )
    for heading in headings:
        right = heading.startswith(">")
        table.add_column(heading.lstrip(">"), justify="right" if right else "left", no_wrap=True)
    return table


def fold_words(table: Table) -> Table:
    """The same table; where it is too wide, words are folded, and numbers stay whole."""
    for column in table.columns:
        column.no_wrap = column.justify == "right"
        column.overflow = "fold"
    return table


def number(value: float | None) -> str:
    """`value` for people: thousands apart, a few decimals only where they mean something."""
    if value is None:
        return "–"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"


def count_bytes(value: int | None) -> str:
    """Bytes for people: exact."""
    return "not measured" if value is None else f"{value:,} bytes"


def verification_text(v: Verification) -> str:
    """What was compared, and with what, in one sentence."""
    inputs = "1 input" if v.inputs == 1 else f"{v.inputs:,} inputs"
    most = "" if not v.largest_difference else f", by at most {v.largest_difference:.6g}"
    return (
        f"{v.compared_bytes:,} output bytes over {inputs}, "
        f"{v.mismatched_bytes:,} differ from {v.oracle}{most}"
    )


def latency_unit(m: Measurement) -> str:
    """The unit of a measurement's latencies, marked where they are not the board's own."""
    return _UNITS[m.invoke.unit] + (" (virtual)" if m.virtual else "")


def latency_text(latency: Latency, *, virtual: bool = False) -> str:
    """Median with its unit, and how it spreads."""
    unit = _UNITS[latency.unit] + (_OF_THIS_COMPUTER if virtual else "")
    if latency.min == latency.max:
        times = "one invoke" if latency.count == 1 else f"the same in all {latency.count} invokes"
        return f"{number(latency.median)} {unit}, {times}"
    return (
        f"{number(latency.median)} {unit} median of {latency.count} "
        f"(min {number(latency.min)}, p95 {number(latency.p95)}, max {number(latency.max)})"
    )


def summary(m: Measurement) -> Table:
    """What was measured, one fact a line."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("board", m.board + _how_real(m))
    if m.rung in _UNTRIED:
        table.add_row("rung", f"{m.rung}: {_UNTRIED[m.rung]}")
    if m.virtual:
        table.add_row("virtual", _VIRTUAL)
    macs = "" if m.model.macs is None else f"{m.model.macs:,} MACs, "
    version = "" if m.engine_version is None else f" ({m.engine_version})"
    table.add_row("model", f"{m.model.name}, {macs}engine {m.engine}{version}")
    table.add_row("verified" if m.verify.exact else "compared", verification_text(m.verify))
    if m.accuracy is not None:
        a = m.accuracy
        table.add_row("accuracy", f"{a.value:.1%} {a.metric} over {a.samples} samples")
    table.add_row("latency", latency_text(m.invoke, virtual=m.virtual))
    for row in _memory_rows(m.memory):
        table.add_row(*row)
    for name, fact in () if m.system is None else system.rows(m.system):
        table.add_row(name, fact)
    if m.build is not None:
        copied = copied_text(m.build.weights_in, m.build.kernels_in)
        if copied:
            table.add_row("in RAM", copied)
        table.add_row("built with", f"{m.build.toolchain} {' '.join(m.build.flags)}")
    return table


def copied_text(weights_in: str | None, kernels_in: str | None) -> str:
    """What start-up code copies to RAM, though it might have stayed in flash memory."""
    parts = ["the weights"] * (weights_in == "ram") + ["the kernels' code"] * (kernels_in == "ram")
    return " and ".join(parts)


def _how_real(m: Measurement) -> str:
    if m.virtual:
        return " (virtual)"
    return " (emulated)" if m.emulated else ""


_PROOFS = {
    "lower bound": "optimal: it meets the lower bound",
    "exact solver": "optimal: proven by an exact solver",
}


def _memory_rows(memory: Memory) -> Iterator[tuple[str, str]]:
    if memory.arena_bytes is not None:
        bound = f"lower bound {number(memory.arena_lower_bound_bytes)}"
        proof = _PROOFS.get(memory.arena_proof or "", bound)
        yield "arena", f"{memory.arena_bytes:,} bytes ({proof})"
        with_arena = " with the arena" if memory.static_ram_bytes is not None else ""
        yield "static RAM", count_bytes(memory.static_ram_bytes) + with_arena
        yield "stack", count_bytes(memory.stack_bytes)
    if memory.peak_rss_bytes is not None:
        yield "memory", f"{memory.peak_rss_bytes:,} bytes at most, the whole process"
    if memory.inference_flash_bytes is not None:
        yield (
            "flash memory",
            f"{memory.inference_flash_bytes:,} bytes for inference, "
            f"{count_bytes(memory.flash_bytes)} the whole image",
        )


def operators(m: Measurement) -> Table:
    """Each step with its share of the latency."""
    unit = _UNITS[m.invoke.unit]
    of_whom = _OF_THIS_COMPUTER if m.virtual else ""
    # a microsecond is long for a multiplication: nanoseconds read better
    per_mac, scale = (">ns per MAC", 1000) if m.invoke.unit == "us" else (">per MAC", 1)
    headings = ("#", "operator", ">MACs", f">{unit}", ">share", per_mac)
    where = m.board + (_how_real(m) if m.virtual else "")
    table = plain(*headings, title=f"{unit}{of_whom} by operator, {m.model.name} on {where}")
    total = sum(op.median or 0 for op in m.operators)
    for op in m.operators:
        share = "–" if op.median is None or not total else f"{op.median / total:.1%}"
        each = "–" if op.median is None or not op.macs else f"{scale * op.median / op.macs:.2f}"
        macs = f"{op.macs:,}" if op.macs else "–"
        table.add_row(str(op.index), op.name, macs, number(op.median), share, each)
    if total:
        table.add_section()
        each = f"{scale * total / m.model.macs:.2f}" if m.model.macs else "–"
        table.add_row("", "all", number(m.model.macs), number(total), "100.0%", each)
    return table


def board_list(boards: Iterable[Board]) -> Table:
    """One board a line, with the highest rung that it was verified on.

    Args:
        boards: each with its default framework, and with those that were verified otherwise.
    """
    table = plain("id", "core", "counts", "verified", ">RAM", ">flash")
    for board in boards:
        of_default = board.framework == (*board.frameworks, "")[0]
        table.add_row(
            board.id if of_default else f"  framework {board.framework}",
            board.core,
            board.count.unit,
            board.verified,
            memory_size(board.ram_bytes),
            memory_size(board.flash_bytes),
        )
    return table


def memory_size(size: int | None) -> str:
    """Bytes of a board's memory in KiB or whole MiB, as datasheets give them."""
    if size is None:
        return "–"
    return f"{size >> 20} MiB" if size and size % (1 << 20) == 0 else f"{size // 1024} KiB"


def memory_over_time(
    steps: Sequence[tuple[str, int]], arena_bytes: int, *, width: int = 40
) -> Table:
    """Live bytes at each step as bars; the peak is red.

    Args:
        steps: (label, live bytes) of each step.
        arena_bytes: what a full bar stands for.
    """
    peak = max((live for _, live in steps), default=0)
    table = plain("step", title=f"memory over time (a full bar is {arena_bytes:,} bytes)")
    table.add_column("live bytes", justify="right")
    table.add_column("", width=width)
    for label, live in steps:
        filled = round(width * live / arena_bytes) if arena_bytes else 0
        style = "red" if live == peak else "cyan"
        table.add_row(label, f"{live:,}", Text("█" * filled, style=style))
    return table


def board_facts(board: Board) -> Table:
    """All that a board's file says, with its sources."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("id", board.id)
    table.add_row("name", board.name)
    if board.frameworks:
        others = ", ".join(name for name in board.frameworks if name != board.framework)
        table.add_row("framework", f"{board.framework}; also {others}")
    table.add_row("MCU", f"{board.mcu}, {board.core}")
    if board.clock_hz:
        table.add_row("clock", f"{board.clock_hz / 1e6:g} MHz ({board.clock_source})")
    table.add_row("compiler", f"{board.toolchain} {' '.join(board.isa_flags)}")
    for memory in board.memories:
        table.add_row(
            memory.kind,
            f"{memory.name}: {memory.size_bytes:,} bytes at {memory.start:#010x} ({memory.source})",
        )
    table.add_row("port", f"firmware/ports/{board.port}")
    table.add_row("built, flashed", f"{board.build}, {board.flash}")
    if board.platformio is not None:
        table.add_row("platform", f"{board.platformio.platform}, board {board.platformio.board}")
    if board.esptool is not None:
        table.add_row("chip", f"{board.esptool.chip} ({board.esptool.source})")
    if board.reach.usb:
        table.add_row("USB", f"{', '.join(board.reach.usb)} ({board.reach.source})")
    table.add_row("counts", f"{board.count.unit} ({board.count.source})")
    if board.emulator is not None and board.emulator.program:
        table.add_row("emulator", " ".join((board.emulator.program, *board.emulator.args)))
    table.add_row("verified", board.verified)
    return table
