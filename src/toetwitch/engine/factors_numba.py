"""What a case leaves of each potential, in compiled code: a factor, entries of a vector, or a scalar.

Potentials that matter are found first (barren pruning). An observed noisy-max at its lowest state falls apart into one
vector per parent; any other gives a small factor per parent, to be joined by maximum.
"""

from __future__ import annotations

__all__ = ["relevant", "shrink", "smallest_log", "take_up_maximum", "take_up_table"]

import math

import numpy as np

from toetwitch.engine.contraction_numba import DIMENSIONS
from toetwitch.engine.sets_numba import MOST, compiled

SMALL = 1e-150
"""Two factors at least this large have a product that a double holds; smaller ones send the case to a plan."""


@compiled
def relevant(  # type: ignore[no-untyped-def]
    sizes, pot_kind, pot_start, pot_vars, pot_child, pot_sums, inc_start, inc_pots, needed, kept, consumed
):
    """Mark the potentials that matter and the variables that vanish with the others (barren pruning)."""
    count = sizes.shape[0]
    mentions = np.empty(count, dtype=np.int64)
    queue = np.empty(count + pot_vars.shape[0] + pot_kind.shape[0], dtype=np.int64)
    waiting = 0
    for v in range(count):
        mentions[v] = inc_start[v + 1] - inc_start[v]
        if mentions[v] == 1 and not needed[v]:
            queue[waiting] = v
            waiting += 1
    kept[:] = True
    consumed[:] = False
    while waiting > 0:
        waiting -= 1
        v = queue[waiting]
        if consumed[v] or mentions[v] != 1:
            continue
        pot = -1
        for place in range(inc_start[v], inc_start[v + 1]):
            if kept[inc_pots[place]]:
                pot = inc_pots[place]
        sums = pot_kind[pot] == 1 and pot_child[pot] == v
        if pot_kind[pot] == 0:
            for place in range(pot_start[pot], pot_start[pot + 1]):
                if pot_vars[place] == v and pot_sums[place]:
                    sums = True
        if not sums:
            continue
        consumed[v] = True
        kept[pot] = False
        for place in range(pot_start[pot], pot_start[pot + 1] + pot_kind[pot]):
            other = pot_vars[place] if place < pot_start[pot + 1] else pot_child[pot]
            if other >= 0:
                mentions[other] -= 1
                if mentions[other] == 1 and not needed[other]:
                    queue[waiting] = other
                    waiting += 1


@compiled
def contribution(values, offset, parent_state, classes, raised, state, out):  # type: ignore[no-untyped-def]
    """Write one contribution's distribution over the classes of a maximum; return nothing."""
    base = offset + parent_state * classes
    if not raised:
        for s in range(classes):
            out[s] = values[base + s]
        return
    below = 0.0
    for s in range(state):
        below += values[base + s]
    out[0] = below
    out[1] = values[base + state]


@compiled
def join_start(start, here, classes):  # type: ignore[no-untyped-def]
    """Replace `start` by the distribution of the maximum of itself and `here`; return whether doubles held it."""
    below = 0.0
    reached = 0.0
    sound = True
    for s in range(classes):
        reached += here[s]
        own = start[s]
        start[s] = own * reached + below * here[s]
        below += own
        if 0.0 < own < SMALL or 0.0 < here[s] < SMALL:
            sound = False
    return sound


@compiled
def shrink(table, row, column, factor):  # type: ignore[no-untyped-def]
    """Multiply one entry; return whether a double held the product."""
    before = table[row, column]
    table[row, column] = before * factor
    return not (before > 0.0 and factor > 0.0 and (before < SMALL or factor < SMALL))


@compiled
def smallest_log(values, start, size):  # type: ignore[no-untyped-def]
    """Return the base-two logarithm of the smallest positive entry, at most zero."""
    low = 1.0
    for place in range(start, start + size):
        if 0.0 < values[place] < low:
            low = values[place]
    return math.log2(low)


@compiled
def take_up_table(  # type: ignore[no-untyped-def]
    case,
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
):
    """Restrict a dense table to one case: a factor, an entry of `unary` or a scalar.

    Returns whether it fitted, whether doubles held it, the scalars' logarithm, entries used and factors so far.
    """
    sound = True
    base = pot_terms[begin]
    stride = 1
    for place in range(begin, end):
        stride *= sizes[pot_vars[place]]
    free = 0
    size = 1
    strides = np.empty(DIMENSIONS, dtype=np.int64)
    for place in range(begin, end):
        v = pot_vars[place]
        stride //= sizes[v]
        if case[v] >= 0:
            base += stride * case[v]
        else:
            if free >= DIMENSIONS:
                return False, sound, log_scalars, used, factors
            dim[factors, free] = local[v]
            strides[free] = stride
            counter[free] = 0
            free += 1
            size *= sizes[v]
    if free == 0:
        log_scalars += math.log(values[base])
        return True, sound, log_scalars, used, factors
    if free == 1:
        k = dim[factors, 0]
        touched[k] = True
        for s in range(member_size[k]):
            sound = shrink(unary, k, s, values[base + s * strides[0]]) and sound
        return True, sound, log_scalars, used, factors
    if used + size > buffer.shape[0]:
        return False, sound, log_scalars, used, factors
    place_in = base
    for entry in range(size):
        buffer[used + entry] = values[place_in]
        d = free - 1
        while d >= 0:
            counter[d] += 1
            place_in += strides[d]
            if counter[d] < member_size[dim[factors, d]]:
                break
            place_in -= strides[d] * counter[d]
            counter[d] = 0
            d -= 1
    dims[factors] = free
    offset[factors] = used
    floor[factors] = smallest_log(buffer, used, size)
    used += size
    factors += 1
    return True, sound, log_scalars, used, factors


@compiled
def take_up_maximum(  # type: ignore[no-untyped-def]
    case,
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
):
    """Restrict a noisy-max to one case: a factor for each contribution that is not known, or what is left of them.

    Returns what `take_up_table` does, and the noisy-max nodes so far whose contributions have to meet.
    """
    sound = True
    child = pot_child[pot]
    classes = sizes[child]
    state = case[child]
    if state == 0:
        for place in range(begin, end):
            v = pot_vars[place]
            if v >= 0 and case[v] < 0:
                touched[local[v]] = True
                for s in range(sizes[v]):
                    sound = shrink(unary, local[v], s, values[pot_terms[place] + s * classes]) and sound
            else:
                shift = 0 if v < 0 else case[v] * classes
                log_scalars += math.log(values[pot_terms[place] + shift])
        return True, sound, log_scalars, used, factors, slots
    raised = state > 0
    steps_wide = 2 if raised else classes
    started = False
    links = 0
    for place in range(begin, end):
        v = pot_vars[place]
        if v >= 0 and case[v] < 0:
            links += 1
            continue
        contribution(values, pot_terms[place], 0 if v < 0 else case[v], classes, raised, state, here)
        if started:
            sound = join_start(start, here, steps_wide) and sound
        else:
            for s in range(steps_wide):
                start[s] = here[s]
            started = True
    if links == 0:
        if raised:
            log_scalars += math.log(start[1])
        else:
            touched[local[child]] = True
            for s in range(classes):
                sound = shrink(unary, local[child], s, start[s]) and sound
        return True, sound, log_scalars, used, factors, slots
    member = -1
    if links > 1:
        if locals_count + slots >= MOST:
            return False, sound, log_scalars, used, factors, slots
        member = locals_count + slots
        member_size[member] = steps_wide
        slot_raised[slots] = raised
        slot_child[slots] = local[child]
        slots += 1
    for place in range(begin, end):
        v = pot_vars[place]
        if v < 0 or case[v] >= 0:
            continue
        k = local[v]
        if links == 1 and raised:
            touched[k] = True
        for s in range(sizes[v]):
            contribution(values, pot_terms[place], s, classes, raised, state, here)
            if started:
                below = 0.0
                reached = 0.0
                for t in range(steps_wide):
                    reached += here[t]
                    own = start[t]
                    buffer[used + s * steps_wide + t] = own * reached + below * here[t]
                    below += own
                    if 0.0 < own < SMALL or 0.0 < here[t] < SMALL:
                        sound = False
            else:
                for t in range(steps_wide):
                    buffer[used + s * steps_wide + t] = here[t]
            if links == 1 and raised:
                sound = shrink(unary, k, s, buffer[used + s * steps_wide + 1]) and sound
        started = False
        if links == 1 and raised:
            continue
        dims[factors] = 2
        dim[factors, 0] = k
        dim[factors, 1] = member if member >= 0 else local[child]
        offset[factors] = used
        floor[factors] = smallest_log(buffer, used, sizes[v] * steps_wide)
        used += sizes[v] * steps_wide
        factors += 1
    return True, sound, log_scalars, used, factors, slots
