"""The two sides of an ordering: configurations that are alike in all that its keys leave alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reluprobe.analysis.axes import differing
from reluprobe.analysis.baseline import Configuration, configurations
from reluprobe.analysis.blocks import Block, paired
from reluprobe.analysis.replication import Replication, differences
from reluprobe.config import Reference
from reluprobe.config.claim_form import OrderingClaim
from reluprobe.records import RunRecord


@dataclass(frozen=True)
class Sides:
    """What an ordering holds against each other.

    Attributes:
        blocks: the more (``other``) beside the less (``baseline``): one, or several that are as
            near to the protocol as each other.
        also: settings in which the two sides differ too, though no key names them.
    """

    blocks: tuple[Block, ...]
    also: tuple[str, ...] = ()


def sides(claim: OrderingClaim, replication: Replication) -> Sides | None:
    """The blocks nearest to the protocol; None where a side has no run that ended.

    Where no two configurations are alike but for the keys, as Adam and SGD have rates of their
    own, the nearest of each side are held against each other, and ``also`` says what else differs.
    """
    reference = replication.reference
    less, more = (replication.having[key] for key in claim.keys)
    if not less or not more:
        return None
    named = {**reference.choice(claim.less), **reference.choice(claim.more)}
    target = reference.target(claim.less)
    blocks, _ = paired(
        configurations([*less, *more]), {name: target[name] for name in named if name in target}
    )
    of_less, of_more = ({run.id for run in side} for side in (less, more))
    alike = [
        block
        for block in blocks
        if _among(block.baseline, of_less) and _among(block.other, of_more)
    ]
    if alike:
        far = [_distance(block.baseline, reference, claim.less) for block in alike]
        return Sides(tuple(b for b, d in zip(alike, far, strict=True) if d == min(far)))
    block = Block(*(_whole(replication.picked[key].runs) for key in (claim.more, claim.less)))
    settings = [block.other.settings, block.baseline.settings]
    return Sides((block,), tuple(name for name in differing(settings) if name not in named))


def _among(one: Configuration, ids: set[str]) -> bool:
    return all(run.id in ids for run in one.runs.values())


def _distance(one: Configuration, reference: Reference, key: str) -> int:
    return len(differences(next(iter(one.runs.values())), reference.target(key)))


def _whole(runs: Sequence[RunRecord]) -> Configuration:
    """Runs that were chosen as the nearest, which are all of one configuration."""
    return configurations(runs)[0]
