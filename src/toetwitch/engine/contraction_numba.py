"""The steps of one case, forward, in compiled code: tables joined and summed along the order.

Two partial maxima of one noisy-max meet by a direct convolution of non-negative numbers: the first factor as it is, the
second extended by its running sums, so that max(a, b) = s is (a = s, b <= s) or (a < s, b = s).
"""

from __future__ import annotations

__all__ = ["DIMENSIONS", "contract"]

import math

import numpy as np

from toetwitch.engine.adjoint_numba import go_back, strides_of
from toetwitch.engine.greedy_numba import CLOSE, JOIN, RENAME
from toetwitch.engine.sets_numba import compiled, holds

DIMENSIONS = 26
"""Variables of one table; more are answered by a plan."""


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
    go_back(
        steps,
        count,
        dims,
        dim,
        member_size,
        offset,
        locals_count,
        slot_child,
        buffer,
        adjoint,
        maps,
        used,
        join_maps,
        expansions,
        expansion_start,
        exponents,
        posterior,
    )
    return 0, log_total
