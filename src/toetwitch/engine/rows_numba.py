"""One case from start to end in compiled code: reduce, order, contract, and go back.

For cohorts in which every case observes something else, a plan per pattern costs more than the answer. Here nothing is
planned in Python: the relevant factors are found, an elimination order is chosen greedily, tables are joined and summed
along it, and a backward pass gives every posterior.

Two partial maxima of one noisy-max meet by a direct convolution of non-negative numbers: the first factor as it is, the
second extended by its running sums, so that max(a, b) = s is (a = s, b <= s) or (a < s, b = s).

Sets of variables are two 64-bit words. Every table is consumed by exactly one step, so the backward pass needs no sums
over steps: each step's derivative goes to the tables it read.

References
----------
Zhang, N. L. & Poole, D. (1996). Exploiting causal independence in Bayesian network inference. JAIR 5, 301-328.
Darwiche, A. (2003). A differential approach to inference in Bayesian networks. J. ACM 50(3), 280-305.
"""

from __future__ import annotations

__all__ = ["answer_rows", "warm_up"]

import math

import numba
import numpy as np

MOST = 128
"""Variables and noisy-max nodes that one case may need; more are answered by a plan."""
DIMENSIONS = 26
SMALL = 1e-150
"""Two factors at least this large have a product that a double holds; smaller ones send the case to a plan."""
FACTORS = 4096
JOIN, SUM, CLOSE, RENAME, EXPAND = range(5)

compiled = numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")


@compiled
def popcount(word):  # type: ignore[no-untyped-def]
    """Count the set bits of a 64-bit word."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def bit_low(index):  # type: ignore[no-untyped-def]
    """Return the lower word of a set of one."""
    return np.uint64(1) << np.uint64(index) if index < 64 else np.uint64(0)


@compiled
def bit_high(index):  # type: ignore[no-untyped-def]
    """Return the upper word of a set of one."""
    return np.uint64(1) << np.uint64(index - 64) if index >= 64 else np.uint64(0)


@compiled
def holds(low, high, index):  # type: ignore[no-untyped-def]
    """Return whether a set has a member."""
    if index < 64:
        return (low >> np.uint64(index)) & np.uint64(1) != 0
    return (high >> np.uint64(index - 64)) & np.uint64(1) != 0


@compiled
def weigh(low, high, size_masks, size_logs):  # type: ignore[no-untyped-def]
    """Return the base-two logarithm of the size of a table over a set."""
    total = 0.0
    for kind in range(size_logs.shape[0]):
        total += size_logs[kind] * (popcount(low & size_masks[kind, 0]) + popcount(high & size_masks[kind, 1]))
    return total


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


@compiled
def smallest_log(values, start, size):  # type: ignore[no-untyped-def]
    """Return the base-two logarithm of the smallest positive entry, at most zero."""
    low = 1.0
    for place in range(start, start + size):
        if 0.0 < values[place] < low:
            low = values[place]
    return math.log2(low)


@compiled
def strides_of(dims, dim, member_size, table, slot, child):  # type: ignore[no-untyped-def]
    """Return the slot's classes, its stride, the child's stride, and the size of a table that holds both."""
    size = 1
    classes = 0
    stride_slot = 0
    stride_child = 0
    for back in range(dims[table]):
        m = dim[table, dims[table] - 1 - back]
        if m == slot:
            stride_slot = size
            classes = member_size[m]
        elif m == child:
            stride_child = size
        size *= member_size[m]
    return classes, stride_slot, stride_child, size


@compiled
def contract(  # type: ignore[no-untyped-def]
    steps,
    count,
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
    wanted_back,
):
    """Run the steps forward and back; return (status, log of the total).

    Status 0: done. 1: the workspace is too small. 2: a product may leave the range of a double.
    """
    exponents = np.zeros(count, dtype=np.int64)
    join_maps = np.zeros((count, 4), dtype=np.int64)
    expansions = np.zeros((512, 5), dtype=np.int64)
    expansion_start = np.zeros(count + 1, dtype=np.int64)
    expanded = 0
    map_used = 0
    log_total = 0.0
    for step in range(count):
        expansion_start[step] = expanded
        kind = steps[step, 0]
        a = steps[step, 1]
        c = steps[step, 3]
        if kind == JOIN:
            b = steps[step, 2]
            size_a = 1
            for d in range(dims[a]):
                size_a *= member_size[dim[a, d]]
            size_b = 1
            for d in range(dims[b]):
                size_b *= member_size[dim[b, d]]
            if size_b > size_a:
                a, b = b, a
                size_a, size_b = size_b, size_a
            # Extend the smaller factor by running sums over every noisy-max node that both contribute to.
            start_b = offset[b]
            width_b = np.empty(DIMENSIONS, dtype=np.int64)
            for d in range(dims[b]):
                width_b[d] = member_size[dim[b, d]]
            for d in range(dims[b]):
                m = dim[b, d]
                if m < locals_count or not holds(low[a], high[a], m):
                    continue
                classes = member_size[m]
                outer = 1
                for e in range(d):
                    outer *= width_b[e]
                inner = 1
                for e in range(d + 1, dims[b]):
                    inner *= width_b[e]
                wide = 2 * classes - 1
                if used + outer * wide * inner > buffer.shape[0] or expanded >= 512:
                    return 1, 0.0
                for o in range(outer):
                    for i in range(inner):
                        running = 0.0
                        for s in range(classes):
                            value = buffer[start_b + (o * classes + s) * inner + i]
                            buffer[used + (o * wide + s) * inner + i] = value
                            running += value
                            if s:
                                buffer[used + (o * wide + classes - 1 + s) * inner + i] = running
                expansions[expanded, 0] = start_b
                expansions[expanded, 1] = used
                expansions[expanded, 2] = outer
                expansions[expanded, 3] = classes
                expansions[expanded, 4] = inner
                expanded += 1
                start_b = used
                width_b[d] = wide
                used += outer * wide * inner
            number = 0
            for d in range(dims[b]):
                if not holds(low[a], high[a], dim[b, d]):
                    dim[c, number] = dim[b, d]
                    number += 1
            for d in range(dims[a]):
                if number >= DIMENSIONS:
                    return 1, 0.0
                dim[c, number] = dim[a, d]
                number += 1
            dims[c] = number
            combinations = 1
            size_c = 1
            met = False
            for d in range(number):
                m = dim[c, d]
                size_c *= member_size[m]
                if m >= locals_count and holds(low[a] & low[b], high[a] & high[b], m):
                    combinations *= member_size[m] * (member_size[m] + 1) // 2
                    met = True
                else:
                    combinations *= member_size[m]
            needed = combinations * (3 if met else 2)
            if used + size_c > buffer.shape[0] or map_used + needed > maps.shape[0]:
                return 1, 0.0
            offset[c] = used
            used += size_c
            to_a = map_used
            to_b = map_used + combinations
            to_c = map_used + 2 * combinations
            map_used += needed
            join_maps[step, 0] = to_a
            join_maps[step, 1] = combinations
            join_maps[step, 2] = 1 if met else 0
            join_maps[step, 3] = start_b
            maps[to_a] = 0
            maps[to_b] = 0
            if met:
                maps[to_c] = 0
            done = 1
            stride_a = 1
            stride_c = 1
            for back in range(number):
                d = number - 1 - back
                m = dim[c, d]
                n = member_size[m]
                in_a = holds(low[a], high[a], m)
                in_b = holds(low[b], high[b], m)
                step_b = 0
                if in_b:
                    step_b = 1
                    e = dims[b] - 1
                    while dim[b, e] != m:
                        step_b *= width_b[e]
                        e -= 1
                step_a = stride_a if in_a else 0
                if m >= locals_count and in_a and in_b:
                    block = 1
                    for s in range(n):
                        for t in range(s + 1):
                            if s == 0:
                                continue
                            shift_a = t * step_a
                            shift_b = (s if t < s else n - 1 + s) * step_b
                            shift_c = s * stride_c
                            for i in range(done):
                                maps[to_a + block * done + i] = maps[to_a + i] + shift_a
                                maps[to_b + block * done + i] = maps[to_b + i] + shift_b
                                maps[to_c + block * done + i] = maps[to_c + i] + shift_c
                            block += 1
                    done *= block
                else:
                    for s in range(1, n):
                        for i in range(done):
                            maps[to_a + s * done + i] = maps[to_a + i] + s * step_a
                            maps[to_b + s * done + i] = maps[to_b + i] + s * step_b
                        if met:
                            for i in range(done):
                                maps[to_c + s * done + i] = maps[to_c + i] + s * stride_c
                    done *= n
                if in_a:
                    stride_a *= n
                stride_c *= n
            left = buffer[offset[a] : offset[a] + size_a]
            right = buffer[start_b:]
            table = buffer[offset[c] : offset[c] + size_c]
            map_a = maps[to_a : to_a + combinations]
            map_b = maps[to_b : to_b + combinations]
            if met:
                map_c = maps[to_c : to_c + combinations]
                table[:] = 0.0
                for i in range(combinations):
                    table[np.uint32(map_c[i])] += left[np.uint32(map_a[i])] * right[np.uint32(map_b[i])]
            else:
                for i in range(combinations):
                    table[i] = left[np.uint32(map_a[i])] * right[np.uint32(map_b[i])]
            floor[c] = floor[a] + floor[b]
            if floor[c] < -960.0:
                return 2, 0.0
            steps[step, 1] = a
            steps[step, 2] = b
            continue
        if kind == RENAME:
            child = slot_child[steps[step, 2] - locals_count]
            floor[c] = floor[a]
            if holds(low[a], high[a], child):
                # The child is in this table already: keep the entries where the maximum is the child's state.
                classes, stride_slot, stride_child, size_a = strides_of(
                    dims, dim, member_size, a, steps[step, 2], child
                )
                if used + size_a // classes > buffer.shape[0]:
                    return 1, 0.0
                offset[c] = used
                used += size_a // classes
                for i in range(size_a):
                    if (i // stride_slot) % classes == (i // stride_child) % classes:
                        kept = (i // (stride_slot * classes)) * stride_slot + i % stride_slot
                        buffer[offset[c] + kept] = buffer[offset[a] + i]
                number = 0
                for d in range(dims[a]):
                    if dim[a, d] != steps[step, 2]:
                        dim[c, number] = dim[a, d]
                        number += 1
                dims[c] = number
                continue
            offset[c] = offset[a]
            dims[c] = dims[a]
            for d in range(dims[a]):
                dim[c, d] = child if dim[a, d] == steps[step, 2] else dim[a, d]
            continue
        outer = 1
        inner = 1
        passed = False
        classes = 0
        number = 0
        for d in range(dims[a]):
            m = dim[a, d]
            if m == steps[step, 2]:
                passed = True
                classes = member_size[m]
                continue
            dim[c, number] = m
            number += 1
            if passed:
                inner *= member_size[m]
            else:
                outer *= member_size[m]
        dims[c] = number
        size_c = outer * inner
        if used + size_c > buffer.shape[0]:
            return 1, 0.0
        offset[c] = used
        used += size_c
        start = offset[a]
        out = offset[c]
        if kind == CLOSE:
            for o in range(outer):
                for i in range(inner):
                    buffer[out + o * inner + i] = buffer[start + (o * classes + classes - 1) * inner + i]
            floor[c] = floor[a]
        else:
            top = 0.0
            for o in range(outer):
                rows = buffer[out + o * inner : out + (o + 1) * inner]
                first = buffer[start + o * classes * inner : start + (o * classes + 1) * inner]
                for i in range(inner):
                    rows[i] = first[i]
                for s in range(1, classes):
                    more = buffer[start + (o * classes + s) * inner : start + (o * classes + s + 1) * inner]
                    for i in range(inner):
                        rows[i] += more[i]
                for i in range(inner):
                    top = max(top, rows[i])
            _, exponent = math.frexp(top)
            exponents[step] = exponent
            log_total += exponent * 0.6931471805599453
            factor = math.ldexp(1.0, -exponent)
            low_value = 1.0
            for place in range(out, out + size_c):
                value = buffer[place] * factor
                buffer[place] = value
                if 0.0 < value < low_value:
                    low_value = value
            floor[c] = math.log2(low_value)
        if number == 0:
            log_total += math.log(buffer[out]) if buffer[out] > 0.0 else -np.inf
    expansion_start[count] = expanded
    if log_total == -np.inf or not wanted_back:
        return 0, log_total
    adjoint[:used] = 0.0
    for step in range(count - 1, -1, -1):
        kind = steps[step, 0]
        a = steps[step, 1]
        c = steps[step, 3]
        if kind == RENAME:
            if offset[c] != offset[a]:
                child = slot_child[steps[step, 2] - locals_count]
                classes, stride_slot, stride_child, size_a = strides_of(
                    dims, dim, member_size, a, steps[step, 2], child
                )
                for i in range(size_a):
                    if (i // stride_slot) % classes == (i // stride_child) % classes:
                        kept = (i // (stride_slot * classes)) * stride_slot + i % stride_slot
                        adjoint[offset[a] + i] = adjoint[offset[c] + kept]
            continue
        if kind == JOIN:
            b = steps[step, 2]
            start_b = join_maps[step, 3]
            combinations = join_maps[step, 1]
            to_a = join_maps[step, 0]
            left = buffer[offset[a] :]
            left_back = adjoint[offset[a] :]
            right = buffer[start_b:]
            right_back = adjoint[start_b:]
            above = adjoint[offset[c] :]
            map_a = maps[to_a : to_a + combinations]
            map_b = maps[to_a + combinations : to_a + 2 * combinations]
            if join_maps[step, 2] == 1:
                map_c = maps[to_a + 2 * combinations : to_a + 3 * combinations]
                for i in range(combinations):
                    weight = above[np.uint32(map_c[i])]
                    i_a = np.uint32(map_a[i])
                    i_b = np.uint32(map_b[i])
                    left_back[i_a] += weight * right[i_b]
                    right_back[i_b] += weight * left[i_a]
            else:
                for i in range(combinations):
                    weight = above[i]
                    i_a = np.uint32(map_a[i])
                    i_b = np.uint32(map_b[i])
                    left_back[i_a] += weight * right[i_b]
                    right_back[i_b] += weight * left[i_a]
            for number in range(expansion_start[step + 1] - 1, expansion_start[step] - 1, -1):
                into = expansions[number, 0]
                source = expansions[number, 1]
                classes = expansions[number, 3]
                inner = expansions[number, 4]
                wide = 2 * classes - 1
                for o in range(expansions[number, 2]):
                    for i in range(inner):
                        running = 0.0
                        for back in range(classes):
                            s = classes - 1 - back
                            if s:
                                running += adjoint[source + (o * wide + classes - 1 + s) * inner + i]
                            adjoint[into + (o * classes + s) * inner + i] += (
                                adjoint[source + (o * wide + s) * inner + i] + running
                            )
            continue
        outer = 1
        inner = 1
        passed = False
        classes = 0
        for d in range(dims[a]):
            m = dim[a, d]
            if m == steps[step, 2]:
                passed = True
                classes = member_size[m]
            elif passed:
                inner *= member_size[m]
            else:
                outer *= member_size[m]
        if dims[c] == 0:
            adjoint[offset[c]] = 1.0 / buffer[offset[c]]
        if kind == CLOSE:
            for o in range(outer):
                for i in range(inner):
                    adjoint[offset[a] + (o * classes + classes - 1) * inner + i] = adjoint[offset[c] + o * inner + i]
            continue
        factor = math.ldexp(1.0, -exponents[step])
        member = steps[step, 2]
        for o in range(outer):
            above = adjoint[offset[c] + o * inner : offset[c] + (o + 1) * inner]
            for s in range(classes):
                start = offset[a] + (o * classes + s) * inner
                rows = buffer[start : start + inner]
                back_rows = adjoint[start : start + inner]
                total = 0.0
                for i in range(inner):
                    value = above[i] * factor
                    back_rows[i] = value
                    total += value * rows[i]
                posterior[member, s] += total
    return 0, log_total


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
                    if codes[row, v] >= 0:
                        base += stride * codes[row, v]
                    else:
                        if free >= DIMENSIONS:
                            fits = False
                            break
                        dim[factors, free] = local[v]
                        strides[free] = stride
                        counter[free] = 0
                        free += 1
                        size *= sizes[v]
                if not fits:
                    break
                if free == 0:
                    log_scalars += math.log(values[base])
                    continue
                if free == 1:
                    k = dim[factors, 0]
                    touched[k] = True
                    for s in range(member_size[k]):
                        sound = shrink(unary, k, s, values[base + s * strides[0]]) and sound
                    continue
                if used + size > buffer.shape[0]:
                    fits = False
                    break
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
                continue
            child = pot_child[pot]
            classes = sizes[child]
            state = codes[row, child]
            if state == 0:
                for place in range(begin, end):
                    v = pot_vars[place]
                    if v >= 0 and codes[row, v] < 0:
                        touched[local[v]] = True
                        for s in range(sizes[v]):
                            sound = shrink(unary, local[v], s, values[pot_terms[place] + s * classes]) and sound
                    else:
                        shift = 0 if v < 0 else codes[row, v] * classes
                        log_scalars += math.log(values[pot_terms[place] + shift])
                continue
            raised = state > 0
            steps_wide = 2 if raised else classes
            started = False
            links = 0
            for place in range(begin, end):
                v = pot_vars[place]
                if v >= 0 and codes[row, v] < 0:
                    links += 1
                    continue
                contribution(values, pot_terms[place], 0 if v < 0 else codes[row, v], classes, raised, state, here)
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
                continue
            member = -1
            if links > 1:
                if locals_count + slots >= MOST:
                    fits = False
                    break
                member = locals_count + slots
                member_size[member] = steps_wide
                slot_raised[slots] = raised
                slot_child[slots] = local[child]
                slots += 1
            for place in range(begin, end):
                v = pot_vars[place]
                if v < 0 or codes[row, v] >= 0:
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
