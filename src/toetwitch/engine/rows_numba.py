"""One case from start to end in compiled code: reduce, order, contract, and go back.

For cohorts in which every case observes something else, a plan per pattern costs more than the answer. Here nothing is
planned in Python: the relevant factors are found, an elimination order is chosen greedily, tables are joined and summed
along it, and a backward pass gives every posterior.

The parts have modules of their own: `factors_numba` (what the case leaves of each potential), `greedy_numba` (the
order), `contraction_numba` (forward) and `adjoint_numba` (back).
"""

from __future__ import annotations

__all__ = ["answer_rows", "warm_up"]

import math

import numpy as np

from toetwitch.engine.contraction_numba import DIMENSIONS, contract
from toetwitch.engine.factors_numba import relevant, shrink, smallest_log, take_up_maximum, take_up_table
from toetwitch.engine.greedy_numba import FACTORS, JOIN, RENAME, order_greedily
from toetwitch.engine.sets_numba import MOST, bit_high, bit_low, compiled, holds


@compiled
def answer_rows(  # type: ignore[no-untyped-def]
    codes,
    first_row,
    end_row,
    sizes,
    pot_kind,
    pot_start,
    pot_vars,
    pot_child,
    pot_sums,
    pot_terms,
    values,
    inc_start,
    inc_pots,
    wanted,
    wanted_start,
    soft_vars,
    soft_start,
    soft,
    buffer,
    adjoint,
    maps,
    tries,
    log_evidence,
    answers,
    status,
):
    """Answer rows of `codes`; -1 is unknown.

    `pot_terms` holds where the table of each potential (dense) or of each term (noisy-max) starts in `values`.
    `answers` receives the posteriors of `wanted` side by side, `status` what `contract` returns.
    """
    count = sizes.shape[0]
    largest = 1
    for v in range(count):
        largest = max(largest, sizes[v])
    needed = np.empty(count, dtype=np.bool_)
    kept = np.empty(pot_kind.shape[0], dtype=np.bool_)
    consumed = np.empty(count, dtype=np.bool_)
    local = np.empty(count, dtype=np.int64)
    member_size = np.empty(2 * MOST, dtype=np.int64)
    low = np.empty(FACTORS, dtype=np.uint64)
    high = np.empty(FACTORS, dtype=np.uint64)
    offset = np.empty(FACTORS, dtype=np.int64)
    dims = np.empty(FACTORS, dtype=np.int64)
    dim = np.empty((FACTORS, DIMENSIONS), dtype=np.int64)
    floor = np.empty(FACTORS)
    steps = np.empty((FACTORS, 4), dtype=np.int64)
    other_steps = np.empty((FACTORS, 4), dtype=np.int64)
    unary = np.empty((MOST, largest))
    touched = np.empty(MOST, dtype=np.bool_)
    posterior = np.empty((MOST, largest))
    slot_child = np.empty(MOST, dtype=np.int64)
    slot_raised = np.empty(MOST, dtype=np.bool_)
    start = np.empty(largest)
    here = np.empty(largest)
    counter = np.empty(DIMENSIONS, dtype=np.int64)
    for row in range(first_row, end_row):
        for v in range(count):
            needed[v] = codes[row, v] >= 0
        for w in range(wanted.shape[0]):
            needed[wanted[w]] = True
        for w in range(soft_vars.shape[0]):
            needed[soft_vars[w]] = True
        relevant(sizes, pot_kind, pot_start, pot_vars, pot_child, pot_sums, inc_start, inc_pots, needed, kept, consumed)
        locals_count = 0
        fits = True
        for v in range(count):
            local[v] = -1
            if codes[row, v] < 0 and not consumed[v]:
                if locals_count >= MOST:
                    fits = False
                    break
                local[v] = locals_count
                member_size[locals_count] = sizes[v]
                touched[locals_count] = False
                for s in range(sizes[v]):
                    unary[locals_count, s] = 1.0
                    posterior[locals_count, s] = 0.0
                locals_count += 1
        if not fits:
            status[row] = 1
            continue
        slots = 0
        factors = 0
        used = 0
        sound = True
        log_scalars = 0.0
        for w in range(soft_vars.shape[0]):
            v = soft_vars[w]
            if local[v] >= 0:
                touched[local[v]] = True
                for s in range(sizes[v]):
                    sound = shrink(unary, local[v], s, soft[row, soft_start[w] + s]) and sound
            else:
                log_scalars += math.log(soft[row, soft_start[w] + codes[row, v]])
        for pot in range(pot_kind.shape[0]):
            if not kept[pot]:
                continue
            if factors >= FACTORS // 2 or used + 4096 > buffer.shape[0]:
                fits = False
                break
            begin = pot_start[pot]
            end = pot_start[pot + 1]
            if pot_kind[pot] == 0:
                fits, held, log_scalars, used, factors = take_up_table(
                    codes[row],
                    sizes,
                    begin,
                    end,
                    pot_vars,
                    pot_terms,
                    values,
                    local,
                    member_size,
                    counter,
                    unary,
                    touched,
                    buffer,
                    used,
                    dims,
                    dim,
                    offset,
                    floor,
                    factors,
                    log_scalars,
                )
            else:
                fits, held, log_scalars, used, factors, slots = take_up_maximum(
                    codes[row],
                    pot,
                    sizes,
                    begin,
                    end,
                    pot_vars,
                    pot_terms,
                    pot_child,
                    values,
                    local,
                    locals_count,
                    member_size,
                    slot_child,
                    slot_raised,
                    slots,
                    start,
                    here,
                    unary,
                    touched,
                    buffer,
                    used,
                    dims,
                    dim,
                    offset,
                    floor,
                    factors,
                    log_scalars,
                )
            sound = held and sound
            if not fits:
                break
        if not sound:
            status[row] = 2
            continue
        if not fits or used + MOST * largest > buffer.shape[0] or locals_count + slots > MOST:
            status[row] = 1
            continue
        for f in range(factors):
            low[f] = 0
            high[f] = 0
            for d in range(dims[f]):
                low[f] |= bit_low(dim[f, d])
                high[f] |= bit_high(dim[f, d])
        held_low = np.uint64(0)
        held_high = np.uint64(0)
        for f in range(factors):
            held_low |= low[f]
            held_high |= high[f]
        for s in range(slots):
            if not slot_raised[s]:
                held_low |= bit_low(slot_child[s])
                held_high |= bit_high(slot_child[s])
        for k in range(locals_count):
            if touched[k] or not holds(held_low, held_high, k):
                dims[factors] = 1
                dim[factors, 0] = k
                low[factors] = bit_low(k)
                high[factors] = bit_high(k)
                offset[factors] = used
                for s in range(member_size[k]):
                    buffer[used + s] = unary[k, s]
                floor[factors] = smallest_log(buffer, used, member_size[k])
                used += member_size[k]
                factors += 1
        if log_scalars == -np.inf:
            log_evidence[row] = -np.inf
            status[row] = 0
            continue
        members = locals_count + slots
        kinds = 0
        size_masks = np.zeros((members + 1, 2), dtype=np.uint64)
        size_logs = np.zeros(members + 1)
        for m in range(members):
            place = 0
            log_size = math.log2(member_size[m])
            while place < kinds and size_logs[place] != log_size:
                place += 1
            if place == kinds:
                size_logs[place] = log_size
                kinds += 1
            size_masks[place, 0] |= bit_low(m)
            size_masks[place, 1] |= bit_high(m)
        number, _, cost = order_greedily(
            locals_count,
            slots,
            factors,
            low,
            high,
            slot_child,
            slot_raised,
            size_masks[:kinds],
            size_logs[:kinds],
            0.0,
            0,
            steps,
            np.inf,
        )
        if number < 0:
            status[row] = 1
            continue
        for attempt in range(1, tries):
            if cost < 8000.0 * attempt:
                break
            other_number, _, other_cost = order_greedily(
                locals_count,
                slots,
                factors,
                low,
                high,
                slot_child,
                slot_raised,
                size_masks[:kinds],
                size_logs[:kinds],
                1.0,
                attempt,
                other_steps,
                cost,
            )
            if other_number >= 0 and other_cost < cost:
                number, cost = other_number, other_cost
                steps[:number] = other_steps[:number]
        # The chosen order's factors, again: another attempt may have left its own behind.
        for step in range(number):
            a = steps[step, 1]
            c = steps[step, 3]
            if steps[step, 0] == JOIN:
                low[c] = low[a] | low[steps[step, 2]]
                high[c] = high[a] | high[steps[step, 2]]
            else:
                low[c] = low[a] & ~bit_low(steps[step, 2])
                high[c] = high[a] & ~bit_high(steps[step, 2])
                if steps[step, 0] == RENAME:
                    low[c] |= bit_low(slot_child[steps[step, 2] - locals_count])
                    high[c] |= bit_high(slot_child[steps[step, 2] - locals_count])
        if cost > 0.9 * buffer.shape[0]:
            status[row] = 1
            continue
        result, log_total = contract(
            steps,
            number,
            factors,
            low,
            high,
            offset,
            dims,
            dim,
            floor,
            member_size,
            locals_count,
            slot_child,
            buffer,
            adjoint,
            maps,
            used,
            posterior,
            True,
        )
        status[row] = result
        if result != 0:
            continue
        log_evidence[row] = log_total + log_scalars
        if log_total == -np.inf:
            continue
        for w in range(wanted.shape[0]):
            v = wanted[w]
            begin = wanted_start[w]
            if local[v] < 0:
                answers[row, begin + codes[row, v]] = 1.0
                continue
            total = 0.0
            for s in range(sizes[v]):
                total += posterior[local[v], s]
            for s in range(sizes[v]):
                answers[row, begin + s] = posterior[local[v], s] / total


def warm_up() -> None:
    """Compile `answer_rows` for the types it is called with, on no rows."""
    integers = np.zeros(1, dtype=np.int64)
    answer_rows(
        np.zeros((0, 0), dtype=np.int64), 0, 0, integers[:0], integers[:0], integers, integers[:0], integers[:0],
        np.zeros(0, dtype=np.bool_), integers[:0], np.zeros(1), integers, integers[:0], integers[:0], integers[:0],
        integers[:0], integers[:0], np.zeros((0, 1)), np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int32), 1,
        np.zeros(0), np.zeros((0, 0)), np.zeros(0, dtype=np.int8),
    )  # fmt: skip
