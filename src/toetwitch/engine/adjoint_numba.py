"""The way back through the steps of one case, in compiled code: derivatives of the total, and from them posteriors.

Every table is consumed by exactly one step, so no derivative is summed over steps: each step's goes to the tables it
read. A variable's posterior is read where it is summed out: derivative times value, state by state.

References
----------
Darwiche, A. (2003). A differential approach to inference in Bayesian networks. J. ACM 50(3), 280-305.
"""

from __future__ import annotations

__all__ = ["go_back", "strides_of"]

import math

import numpy as np

from toetwitch.engine.greedy_numba import CLOSE, JOIN, RENAME
from toetwitch.engine.sets_numba import compiled


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
def go_back(  # type: ignore[no-untyped-def]
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
):
    """Write the derivative of the total by every table to `adjoint`, and the posteriors it gives to `posterior`.

    The arrays are those that `contract` made on its way; see there.
    """
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
