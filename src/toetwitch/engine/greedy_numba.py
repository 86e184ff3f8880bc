"""An elimination order for one case, chosen greedily in compiled code: cheapest table first.

Contributions to one noisy-max meet when a table happens to hold two of them; once all have met, the node is closed
(its child observed) or renamed (the maximum becomes the child). What comes out is a list of steps over numbered
factors, each consumed by exactly one step.

References
----------
Zhang, N. L. & Poole, D. (1996). Exploiting causal independence in Bayesian network inference. JAIR 5, 301-328.
"""

from __future__ import annotations

__all__ = ["CLOSE", "FACTORS", "JOIN", "RENAME", "SUM", "order_greedily"]

import numpy as np

from toetwitch.engine.sets_numba import bit_high, bit_low, compiled, holds, weigh

FACTORS = 4096
"""Factors of one case, those that its steps make included."""
JOIN, SUM, CLOSE, RENAME = range(4)
"""Kinds of step: multiply two factors; sum a variable out; keep the highest class of a maximum; let it be the child."""


@compiled
def order_greedily(  # type: ignore[no-untyped-def]
    locals_count,
    slots_count,
    factors,
    low,
    high,
    slot_child,
    slot_raised,
    size_masks,
    size_logs,
    noise,
    seed,
    steps,
    limit,
):
    """Choose an order; write the joins and sums it takes and return (steps, factors, cost), or a negative number.

    Members 0 to `locals_count` are variables, the next `slots_count` noisy-max nodes whose contributions have to meet.
    """
    total = locals_count + slots_count
    adj_low = np.zeros(total, dtype=np.uint64)
    adj_high = np.zeros(total, dtype=np.uint64)
    alive = np.zeros(FACTORS, dtype=np.bool_)
    holders = np.zeros(total, dtype=np.int64)
    for f in range(factors):
        alive[f] = True
        for b in range(total):
            if holds(low[f], high[f], b):
                adj_low[b] |= low[f]
                adj_high[b] |= high[f]
                holders[b] += 1
    ready = np.ones(total, dtype=np.bool_)
    for s in range(slots_count):
        if not slot_raised[s]:
            ready[slot_child[s]] = False
    done = np.zeros(total, dtype=np.bool_)
    score = np.empty(total)
    state = np.uint64(seed * 2654435761 + 88172645463325252)
    for b in range(total):
        score[b] = weigh(adj_low[b], adj_high[b], size_masks, size_logs) + (1e-3 if b >= locals_count else 0.0)
        if noise > 0.0:
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            score[b] += noise * (np.float64(state >> np.uint64(11)) / 9007199254740992.0)
    count = 0
    cost = 0.0
    parts = np.empty(FACTORS, dtype=np.int64)
    widths = np.empty(FACTORS)
    last = factors
    closing = np.empty(total + 1, dtype=np.int64)
    pending = 0
    for s in range(slots_count):
        if holders[locals_count + s] == 1:
            closing[pending] = locals_count + s
            pending += 1
    while True:
        # Noisy-max nodes whose contributions have all met are finished before anything else.
        while pending > 0:
            pending -= 1
            b = closing[pending]
            if done[b]:
                continue
            done[b] = True
            f = -1
            for g in range(last):
                if alive[g] and holds(low[g], high[g], b):
                    f = g
            alive[f] = False
            child = slot_child[b - locals_count]
            low[last] = low[f] & ~bit_low(b)
            high[last] = high[f] & ~bit_high(b)
            if slot_raised[b - locals_count]:
                steps[count, 0] = CLOSE
            else:
                steps[count, 0] = RENAME
                low[last] |= bit_low(child)
                high[last] |= bit_high(child)
                holders[child] += 1
                ready[child] = True
                adj_low[child] |= low[last]
                adj_high[child] |= high[last]
            steps[count, 1] = f
            steps[count, 2] = b
            steps[count, 3] = last
            count += 1
            alive[last] = low[last] != 0 or high[last] != 0
            for other in range(total):
                if holds(low[last], high[last], other):
                    adj_low[other] = (adj_low[other] & ~bit_low(b)) | low[last]
                    adj_high[other] = (adj_high[other] & ~bit_high(b)) | high[last]
                    score[other] = weigh(adj_low[other], adj_high[other], size_masks, size_logs) + (
                        1e-3 if other >= locals_count else 0.0
                    )
            last += 1
            if last >= FACTORS - 2:
                return -1, 0, 0.0
        best = -1
        for b in range(total):
            if not done[b] and ready[b] and (best < 0 or score[b] < score[best]):
                best = b
        if best < 0:
            break
        number = 0
        for f in range(last):
            if alive[f] and holds(low[f], high[f], best):
                parts[number] = f
                widths[number] = weigh(low[f], high[f], size_masks, size_logs)
                number += 1
        for one in range(1, number):
            place = one
            while place > 0 and widths[place] < widths[place - 1]:
                widths[place], widths[place - 1] = widths[place - 1], widths[place]
                parts[place], parts[place - 1] = parts[place - 1], parts[place]
                place -= 1
        whole = parts[0]
        alive[whole] = False
        for one in range(1, number):
            f = parts[one]
            alive[f] = False
            shared = 0
            for b in range(locals_count, total):
                if holds(low[whole] & low[f], high[whole] & high[f], b):
                    shared += 1
                    holders[b] -= 1
                    if holders[b] == 1:
                        closing[pending] = b
                        pending += 1
            low[last] = low[whole] | low[f]
            high[last] = high[whole] | high[f]
            cost += 2.0 ** (weigh(low[last], high[last], size_masks, size_logs) + 0.585 * shared)
            if cost > limit or last >= FACTORS - 2:
                return -1, 0, cost
            steps[count, 0] = JOIN
            steps[count, 1] = whole
            steps[count, 2] = f
            steps[count, 3] = last
            count += 1
            whole = last
            last += 1
        if best < locals_count:
            low[last] = low[whole] & ~bit_low(best)
            high[last] = high[whole] & ~bit_high(best)
            cost += 2.0 ** weigh(low[whole], high[whole], size_masks, size_logs)
            steps[count, 0] = SUM
            steps[count, 1] = whole
            steps[count, 2] = best
            steps[count, 3] = last
            count += 1
            whole = last
            last += 1
            done[best] = True
        alive[whole] = low[whole] != 0 or high[whole] != 0
        for b in range(total):
            if holds(low[whole], high[whole], b):
                if best < locals_count:
                    adj_low[b] &= ~bit_low(best)
                    adj_high[b] &= ~bit_high(best)
                adj_low[b] |= low[whole]
                adj_high[b] |= high[whole]
                score[b] = weigh(adj_low[b], adj_high[b], size_masks, size_logs) + (1e-3 if b >= locals_count else 0.0)
                if noise > 0.0:
                    state ^= state << np.uint64(13)
                    state ^= state >> np.uint64(7)
                    state ^= state << np.uint64(17)
                    score[b] += noise * (np.float64(state >> np.uint64(11)) / 9007199254740992.0)
    return count, last, cost
