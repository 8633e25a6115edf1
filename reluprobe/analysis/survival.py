"""Kaplan–Meier estimate (1958) of how long something lasts: a life, a time spent dead."""

from __future__ import annotations

import numpy as np


def kaplan_meier(length: np.ndarray, closed: np.ndarray) -> list[float]:
    """S(1), S(2), …: the share that lasts longer than so many probes; as far as it is known.

    S(t) = ∏_{i ≤ t} (1 − d_i / n_i). Of the n_i cases that lasted i probes and were looked at
    once more, d_i had ended then. A case that runs on at the last probe counts in n_i as long as
    it was watched, no longer and no shorter: leaving it out would keep the short ones only.

    Args:
        length: ``(case,)`` probes that each was seen to last.
        closed: ``(case,)`` bool, whether it ended; the others lasted *at least* so long.
    """
    survival, curve = 1.0, []
    for t in range(1, int(length.max(initial=0)) + 1):
        ends = np.sum((length == t) & closed)
        at_risk = np.sum(length > t) + ends
        if at_risk == 0:
            break
        survival *= 1 - float(ends / at_risk)
        curve.append(survival)
    return curve
