"""Roles: which axis of a grid a figure shows as its columns, rows, colours and dashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reluprobe.errors import InputError
from reluprobe.report.figures.style import COLOURS, DASHES

#: More panels beside or below each other than this do not fit a page.
MOST_COLUMNS, MOST_ROWS = 5, 6
#: Beside each other within one column of a paper.
FEW_COLUMNS = 2
MOST_COLOURS, MOST_DASHES = len(COLOURS), len(DASHES)


@dataclass(frozen=True)
class Roles:
    """What shows each axis; None for a role that no axis has.

    Attributes:
        colour, dash: of lines and points.
        column, row: of panels.
        folded: the axes that have none: what differs in them alone is folded together.
    """

    colour: str | None = None
    column: str | None = None
    row: str | None = None
    dash: str | None = None
    folded: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The axes that have a role."""
        roles = (self.colour, self.column, self.row, self.dash)
        return tuple(axis for axis in roles if axis is not None)


def check(
    sizes: Mapping[str, int],
    facet: Sequence[str] = (),
    colour: str | None = None,
    columns: int = MOST_COLUMNS,
) -> None:
    """See that axes can have the roles that are asked for; see :func:`assigned`.

    Raises:
        InputError: one does not vary, or has more values than there is room for.
    """
    asked = [
        *zip(facet, (columns, MOST_ROWS), ("panels beside", "panels below"), strict=False),
        *([(colour, MOST_COLOURS, "colours beside")] if colour else []),
    ]
    faults = []
    for axis, most, what in asked:
        if axis not in sizes:
            varies = f"; these do: {', '.join(sizes)}" if sizes else ""
            faults.append(f"{axis} does not vary{varies}")
        elif sizes[axis] > most:
            faults.append(f"{axis} has {sizes[axis]} values; at most {most} {what} each other fit")
    if faults:
        raise InputError("cannot draw that", faults)


def assigned(
    sizes: Mapping[str, int],
    facet: Sequence[str] = (),
    colour: str | None = None,
    columns: int = MOST_COLUMNS,
) -> Roles:
    """Give each axis a role: the one that matters most its colour, the next columns, rows, dashes.

    Args:
        sizes: how many values each axis has, that which matters most first.
        facet: the axes to be columns and rows, where somebody asked for them.
        colour: the axis to be colours, likewise.
        columns: so many panels fit beside each other.
    """
    asked = {
        "colour": colour,
        "column": next(iter(facet), None),
        "row": next(iter(facet[1:]), None),
    }
    taken = {role: axis for role, axis in asked.items() if axis in sizes}
    most = {
        "colour": MOST_COLOURS,
        "column": columns,
        "row": MOST_ROWS,
        "dash": MOST_DASHES,
    }
    for axis, size in sizes.items():
        if axis in taken.values():
            continue
        free = (role for role, room in most.items() if role not in taken and size <= room)
        if (role := next(free, None)) is not None:
            taken[role] = axis
    folded = tuple(axis for axis in sizes if axis not in taken.values())
    return Roles(**{role: axis for role, axis in taken.items() if axis}, folded=folded)
