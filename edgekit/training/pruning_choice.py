"""How many channels each group keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.errors import UserError
from edgekit.progress import Progress
from edgekit.training.network import Network
from edgekit.training.pruning_channels import Channels, Group
from edgekit.training.pruning_macs import macs_of

#: Shares of a group's channels at which its sensitivity is measured.
SHARES = (0.875, 0.75, 0.5, 0.25, 0.125)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How the loss grows as a group loses channels."""

    layers: tuple[str, ...]  # that make the channels
    widths: tuple[int, ...]  # channels kept, from all of them downwards
    losses: tuple[float, ...]  # measured with the others masked

    def harm(self, width: int) -> float:
        """How much the loss grows down to any width: on lines that never become less steep.

        A measured loss flattens out once a group is ruined. Taken as it is, ruining it further
        would look free, and the group would be emptied in the place of others.
        """
        harm, steepest, before = 0.0, 0.0, (self.widths[0], self.losses[0])
        for point in zip(self.widths[1:], self.losses[1:], strict=True):
            lost = before[0] - point[0]
            steepest = max(steepest, (point[1] - before[1]) / lost)
            if width >= point[0]:
                return harm + steepest * (before[0] - width)
            harm, before = harm + steepest * lost, point
        return harm + steepest * (before[0] - width)


def allowed(group: Group, round_to: int) -> tuple[int, ...]:
    """How many channels a group may keep, from all of them downwards."""
    count = len(group.units)
    return (count, *range((count - 1) // round_to * round_to, 0, -round_to))


def widths_of(channels: Channels, ratios: Mapping[str, float], round_to: int) -> tuple[int, ...]:
    """Widths by a share for each layer that is named; other groups keep all.

    Raises:
        UserError: a layer is not there or its channels must stay, or two layers whose channels
            hang together have different shares.
    """
    known = {layer for group in channels.groups for layer in group.layers}
    for layer in ratios:
        if layer not in known:
            why = channels.fixed.get(layer)
            raise UserError(
                f"layer {layer!r} cannot be pruned: {why}"
                if why
                else f"the model has no layer {layer!r} that makes channels",
                hint=f"layers that can be pruned: {', '.join(sorted(known))}",
            )
    widths = []
    for group in channels.groups:
        shares = {ratios[layer] for layer in group.layers if layer in ratios}
        if len(shares) > 1:
            raise UserError(
                f"the channels of {group.name} hang together, but their ratios differ",
                hint="give one of these layers a ratio, or all the same",
            )
        widths.append(_nearest(group, shares.pop(), round_to) if shares else len(group.units))
    return tuple(widths)


def _nearest(group: Group, share: float, round_to: int) -> int:
    """The allowed width that is nearest to a share, the wider of two."""
    wanted = share * len(group.units)
    return min(allowed(group, round_to), key=lambda width: (abs(width - wanted), -width))


def uniform(
    network: Network, channels: Channels, keep_macs: float, round_to: int
) -> tuple[int, ...]:
    """The same share of channels for each group: the largest that meets the target.

    What rounding leaves over is given back, to the groups that were cut most.

    Raises:
        UserError: no share is small enough.
    """
    target = keep_macs * macs_of(network)
    counts = [len(group.units) for group in channels.groups]
    shares = np.concatenate([np.arange(1, count + 1) / count for count in counts])
    for share in np.unique(shares)[::-1]:
        widths = tuple(_nearest(group, float(share), round_to) for group in channels.groups)
        if _macs(network, channels, widths) <= target:
            return _filled_up(
                network, channels, widths, target, round_to, lambda i, now, _: -now / counts[i]
            )
    raise _unreachable(network, channels, keep_macs, round_to)


def _filled_up(
    network: Network,
    channels: Channels,
    widths: tuple[int, ...],
    target: float,
    round_to: int,
    worth: Callable[[int, int, int], float],
) -> tuple[int, ...]:
    """Widen one group after another as long as the target is met.

    Args:
        worth: what it is worth to widen a group (by index) from one width to another.
    """
    while True:
        fitting = []
        for index, (group, width) in enumerate(zip(channels.groups, widths, strict=True)):
            wider = [w for w in allowed(group, round_to) if w > width]
            tried = (*widths[:index], *wider[-1:], *widths[index + 1 :])
            if wider and _macs(network, channels, tried) <= target:
                fitting.append((worth(index, width, wider[-1]), tried))
        if not fitting:
            return widths
        widths = max(fitting, key=lambda found: found[0])[1]


def least_harmful(
    network: Network,
    channels: Channels,
    curves: tuple[Curve, ...],
    keep_macs: float,
    round_to: int,
) -> tuple[int, ...]:
    """Widths that meet the target where the sum of the groups' losses grows least.

    Step by step, the group gives up channels that loses least for each multiply-accumulate saved.
    What the last step saved too much is given back where it helps most.

    Raises:
        UserError: the target cannot be met.
    """
    target = keep_macs * macs_of(network)
    widths = [len(group.units) for group in channels.groups]
    macs = _macs(network, channels, tuple(widths))
    while macs > target:
        steps = list(_steps(network, channels, curves, widths, macs, round_to))
        if not steps:
            raise _unreachable(network, channels, keep_macs, round_to)
        _, index, width, macs = min(steps)
        widths[index] = width
    return _filled_up(
        network,
        channels,
        tuple(widths),
        target,
        round_to,
        lambda i, now, wider: curves[i].harm(now) - curves[i].harm(wider),
    )


def _steps(
    network: Network,
    channels: Channels,
    curves: tuple[Curve, ...],
    widths: list[int],
    macs: int,
    round_to: int,
) -> Iterator[tuple[float, int, int, int]]:
    """For each group that can shrink: loss per MAC saved, group, new width, MACs then."""
    for index, (group, curve) in enumerate(zip(channels.groups, curves, strict=True)):
        narrower = [width for width in allowed(group, round_to) if width < widths[index]]
        if not narrower:
            continue
        then = _macs(network, channels, (*widths[:index], narrower[0], *widths[index + 1 :]))
        harm = curve.harm(narrower[0]) - curve.harm(widths[index])
        if then < macs:
            yield harm / (macs - then), index, narrower[0], then


def sensitivity_curves(
    channels: Channels,
    loss_without: Callable[[int, int], float],
    round_to: int,
    progress: Progress,
) -> tuple[Curve, ...]:
    """Measure the loss of each group at several widths.

    Args:
        loss_without: the loss when one group (by index) keeps only so many channels.
    """
    places = [
        sorted({_nearest(group, share, round_to) for share in SHARES} - {len(group.units)})[::-1]
        for group in channels.groups
    ]
    whole = loss_without(0, len(channels.groups[0].units))
    total, done = sum(map(len, places)), 0
    curves = []
    for index, (group, widths) in enumerate(zip(channels.groups, places, strict=True)):
        losses = [whole]
        for width in widths:
            progress("measuring sensitivity", done, total)
            losses.append(loss_without(index, width))
            done += 1
        curves.append(
            Curve(
                layers=group.layers,
                widths=(len(group.units), *widths),
                losses=tuple(losses),
            )
        )
    progress("measuring sensitivity", total, total)
    return tuple(curves)


def _macs(network: Network, channels: Channels, widths: tuple[int, ...]) -> int:
    """Which units of a group go does not matter for the count."""
    keep = np.ones(channels.count, bool)
    for group, width in zip(channels.groups, widths, strict=True):
        keep[group.units[width:]] = False
    return macs_of(network, channels, keep)


def _unreachable(
    network: Network, channels: Channels, keep_macs: float, round_to: int
) -> UserError:
    least = tuple(allowed(group, round_to)[-1] for group in channels.groups)
    share = _macs(network, channels, least) / macs_of(network)
    fixed = "; ".join(f"{layer}: {why}" for layer, why in channels.fixed.items())
    return UserError(
        f"{network.name!r} cannot be pruned to {keep_macs:.1%} of its multiply-accumulates: with "
        f"the fewest channels that may stay it has {share:.1%}",
        hint=f"give a larger share or a smaller round_to; channels that must stay: {fixed}",
    )
