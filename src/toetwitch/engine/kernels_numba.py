"""The same passes as `kernels`, compiled: loops over index maps, lanes innermost.

Compilation takes seconds the first time and a fraction of one when the result is found in the cache, so this module is
imported by `native`, in the background, and by nothing else. Sums and products run in the order of the NumPy kernels.
"""

from __future__ import annotations

__all__ = ["run", "warm_up"]

import math

import numba
import numpy as np

compiled = numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")


@compiled
def load_factors(buffer, constants, loads, load_terms, states, lanes):  # type: ignore[no-untyped-def]
    """Compute the factors that depend on observed states; `states` has a row per observed variable."""
    for step in range(loads.shape[0]):
        kind = loads[step, 0]
        target = loads[step, 1] * lanes
        size = loads[step, 2]
        source = loads[step, 3]
        begin = loads[step, 4]
        terms = loads[step, 5]
        for lane in range(lanes):
            place = source
            for term in range(begin, begin + terms):
                place += load_terms[term, 1] * states[load_terms[term, 0], lane]
            if kind == 0:
                for entry in range(size):
                    buffer[target + entry * lanes + lane] = constants[place + entry]
            elif kind == 1:
                below = 0.0
                reached = 0.0
                for entry in range(size):
                    here = constants[place + entry]
                    own = buffer[target + entry * lanes + lane]
                    reached = reached + here if entry else here
                    value = own * reached
                    if entry:
                        value = value + below * here
                    below = below + own if entry else own
                    buffer[target + entry * lanes + lane] = value
            elif kind == 2:
                start = loads[step, 6] * lanes
                parents = loads[step, 7] // 2
                last = loads[step, 7] % 2
                for parent in range(parents):
                    below = 0.0
                    reached = 0.0
                    for entry in range(size):
                        here = constants[place + parent * size + entry]
                        own = buffer[start + entry * lanes + lane]
                        reached = reached + here if entry else here
                        value = own * reached
                        if entry:
                            value = value + below * here
                        below = below + own if entry else own
                        if last == 0:
                            buffer[target + (parent * size + entry) * lanes + lane] = value
                        elif entry == 1:
                            buffer[target + parent * lanes + lane] = value
            else:
                for entry in range(size):
                    buffer[target + entry * lanes + lane] = buffer[(source + entry) * lanes + lane]


@compiled
def scale_message(buffer, message, size, lanes, exponents, row, deepest):  # type: ignore[no-untyped-def]
    """Divide a message by a power of two per lane; return the base-two logarithm of its smallest positive entry."""
    smallest = deepest
    for lane in range(lanes):
        top = 0.0
        for entry in range(size):
            top = max(top, buffer[message + entry * lanes + lane])
        _, exponent = math.frexp(top)
        exponents[row, lane] = exponent
        low = 1.0
        for entry in range(size):
            value = math.ldexp(buffer[message + entry * lanes + lane], -exponent)
            buffer[message + entry * lanes + lane] = value
            if value > 0.0 and value < low:
                low = value
        smallest = min(smallest, math.log2(low))
    return smallest


@compiled
def run_lanes(  # type: ignore[no-untyped-def]
    buffer,
    constants,
    cliques,
    products,
    product_starts,
    scatters,
    scatter_starts,
    maps,
    totals,
    exponents,
    depths,
    lanes,
):
    """Run both passes with lanes side by side; return whether no product left the range of a double.

    `depths` holds each clique's floor when ranges must be watched, else it is empty. `totals` receives each root's
    total, multiplied up; `exponents` the powers of two taken out.
    """
    watched = depths.shape[0] > 0
    for number in range(cliques.shape[0]):
        table = cliques[number, 0] * lanes
        message = cliques[number, 2] * lanes
        size = cliques[number, 3]
        through = cliques[number, 7]
        for place in range(message, message + size * lanes):
            buffer[place] = 0.0
        first = product_starts[number]
        end = product_starts[number + 1]
        for entry in range(cliques[number, 1]):
            row = buffer[table + entry * lanes : table + (entry + 1) * lanes]
            begin = first
            if end - first >= 2 and products[first, 0] == 0 and products[first + 1, 0] == 0:
                one = (products[first, 1] + maps[products[first, 2] + entry]) * lanes
                two = (products[first + 1, 1] + maps[products[first + 1, 2] + entry]) * lanes
                left = buffer[one : one + lanes]
                right = buffer[two : two + lanes]
                for lane in range(lanes):
                    row[lane] = left[lane] * right[lane]
                begin = first + 2
            elif end - first >= 2 and products[first, 0] == 1 and products[first + 1, 0] == 0:
                scalar = constants[products[first, 1] + maps[products[first, 2] + entry]]
                two = (products[first + 1, 1] + maps[products[first + 1, 2] + entry]) * lanes
                right = buffer[two : two + lanes]
                for lane in range(lanes):
                    row[lane] = scalar * right[lane]
                begin = first + 2
            elif end - first >= 1 and products[first, 0] == 0:
                one = (products[first, 1] + maps[products[first, 2] + entry]) * lanes
                left = buffer[one : one + lanes]
                for lane in range(lanes):
                    row[lane] = left[lane]
                begin = first + 1
            else:
                scalar = 1.0
                if end > first:
                    scalar = constants[products[first, 1] + maps[products[first, 2] + entry]]
                    begin = first + 1
                for lane in range(lanes):
                    row[lane] = scalar
            for factor in range(begin, end):
                one = (products[factor, 1] + maps[products[factor, 2] + entry]) * lanes
                left = buffer[one : one + lanes]
                for lane in range(lanes):
                    row[lane] *= left[lane]
            into = message + (entry % size if through < 0 else maps[through + entry]) * lanes
            target = buffer[into : into + lanes]
            for lane in range(lanes):
                target[lane] += row[lane]
        deepest = 0.0
        if watched:
            if depths[number] < -960.0:
                return False
            deepest = scale_message(buffer, message, size, lanes, exponents, number, 0.0)
        parent = cliques[number, 4]
        if parent >= 0:
            if watched:
                depths[parent] += deepest
        else:
            for lane in range(lanes):
                totals[number, lane] = buffer[message + lane]
    for number in range(cliques.shape[0] - 1, -1, -1):
        if cliques[number, 6] == 0:
            continue
        table = cliques[number, 0] * lanes
        message = cliques[number, 2] * lanes
        size = cliques[number, 3]
        told = cliques[number, 5] * lanes
        through = cliques[number, 7]
        root = cliques[number, 4] < 0
        for entry in range(size):
            for lane in range(lanes):
                up = buffer[message + entry * lanes + lane]
                down = 1.0 if root else buffer[told + entry * lanes + lane]
                ratio = down / up if up > 0.0 else 0.0
                if watched:
                    ratio = math.ldexp(ratio, -exponents[number, lane])
                buffer[told + entry * lanes + lane] = ratio
        first = scatter_starts[number]
        end = scatter_starts[number + 1]
        for entry in range(cliques[number, 1]):
            row = buffer[table + entry * lanes : table + (entry + 1) * lanes]
            start = told + (entry % size if through < 0 else maps[through + entry]) * lanes
            ratio_row = buffer[start : start + lanes]
            for lane in range(lanes):
                row[lane] *= ratio_row[lane]
            for factor in range(first, end):
                start = (scatters[factor, 1] + maps[scatters[factor, 2] + entry]) * lanes
                target = buffer[start : start + lanes]
                for lane in range(lanes):
                    target[lane] += row[lane]
    return True


@compiled
def multiply_in(table, source, index, run, advancing, first):  # type: ignore[no-untyped-def]
    """Multiply a smaller array into a table, run by run; the first factor is copied."""
    if run == 1:
        if first:
            for entry in range(len(index)):
                table[entry] = source[np.uint32(index[entry])]
        else:
            for entry in range(len(index)):
                table[entry] *= source[np.uint32(index[entry])]
        return
    for block in range(len(index)):
        rows = table[block * run : (block + 1) * run]
        start = np.int64(index[block])
        if advancing:
            other = source[start : start + run]
            if first:
                for entry in range(run):
                    rows[entry] = other[entry]
            else:
                for entry in range(run):
                    rows[entry] *= other[entry]
        else:
            value = source[start]
            if first:
                for entry in range(run):
                    rows[entry] = value
            else:
                for entry in range(run):
                    rows[entry] *= value


@compiled
def add_up(target, table, index, run, advancing):  # type: ignore[no-untyped-def]
    """Sum a table into a smaller array, run by run."""
    if run == 1:
        for entry in range(len(index)):
            target[np.uint32(index[entry])] += table[entry]
        return
    for block in range(len(index)):
        rows = table[block * run : (block + 1) * run]
        start = np.int64(index[block])
        if advancing:
            other = target[start : start + run]
            for entry in range(run):
                other[entry] += rows[entry]
        else:
            value = target[start]
            for entry in range(run):
                value += rows[entry]
            target[start] = value


@compiled
def run_single(  # type: ignore[no-untyped-def]
    buffer, constants, cliques, products, product_starts, scatters, scatter_starts, maps, totals, exponents, depths
):
    """Run both passes for one lane, factor by factor; see `run_lanes`."""
    watched = depths.shape[0] > 0
    for number in range(cliques.shape[0]):
        count = cliques[number, 1]
        size = cliques[number, 3]
        table = buffer[cliques[number, 0] : cliques[number, 0] + count]
        message = buffer[cliques[number, 2] : cliques[number, 2] + size]
        first = product_starts[number]
        end = product_starts[number + 1]
        if first == end:
            table[:] = 1.0
        for factor in range(first, end):
            place = products[factor, 1]
            run = products[factor, 3]
            index = maps[products[factor, 5] : products[factor, 5] + count // run]
            source = constants[place:] if products[factor, 0] == 1 else buffer[place:]
            multiply_in(table, source, index, run, products[factor, 4] == 1, factor == first)
        message[:] = 0.0
        through = cliques[number, 7]
        if through >= 0:
            add_up(message, table, maps[through : through + count], 1, True)
        else:
            start = 0
            while start < count:
                for entry in range(size):
                    message[entry] += table[start + entry]
                start += size
        deepest = 0.0
        if watched:
            if depths[number] < -960.0:
                return False
            deepest = scale_message(buffer, cliques[number, 2], size, 1, exponents, number, 0.0)
        parent = cliques[number, 4]
        if parent >= 0:
            if watched:
                depths[parent] += deepest
        else:
            totals[number, 0] = message[0]
    for number in range(cliques.shape[0] - 1, -1, -1):
        if cliques[number, 6] == 0:
            continue
        count = cliques[number, 1]
        size = cliques[number, 3]
        table = buffer[cliques[number, 0] : cliques[number, 0] + count]
        message = buffer[cliques[number, 2] : cliques[number, 2] + size]
        told = buffer[cliques[number, 5] : cliques[number, 5] + size]
        root = cliques[number, 4] < 0
        for entry in range(size):
            up = message[entry]
            down = 1.0 if root else told[entry]
            ratio = down / up if up > 0.0 else 0.0
            if watched:
                ratio = math.ldexp(ratio, -exponents[number, 0])
            told[entry] = ratio
        through = cliques[number, 7]
        if through >= 0:
            multiply_in(table, told, maps[through : through + count], 1, True, False)
        else:
            start = 0
            while start < count:
                for entry in range(size):
                    table[start + entry] *= told[entry]
                start += size
        for factor in range(scatter_starts[number], scatter_starts[number + 1]):
            run = scatters[factor, 3]
            index = maps[scatters[factor, 5] : scatters[factor, 5] + count // run]
            add_up(buffer[scatters[factor, 1] :], table, index, run, scatters[factor, 4] == 1)
    return True


@compiled
def run(  # type: ignore[no-untyped-def]
    buffer,
    constants,
    loads,
    load_terms,
    states,
    cliques,
    products,
    product_starts,
    scatters,
    scatter_starts,
    maps,
    totals,
    exponents,
    depths,
    zeroed,
    lanes,
):
    """Load the factors and run both passes; return whether no product left the range of a double.

    `buffer` beyond `zeroed` is cleared first: what the downward pass adds up. See `run_lanes` for the rest.
    """
    load_factors(buffer, constants, loads, load_terms, states, lanes)
    buffer[zeroed * lanes :] = 0.0
    if lanes == 1:
        return run_single(
            buffer,
            constants,
            cliques,
            products,
            product_starts,
            scatters,
            scatter_starts,
            maps,
            totals,
            exponents,
            depths,
        )
    return run_lanes(
        buffer,
        constants,
        cliques,
        products,
        product_starts,
        scatters,
        scatter_starts,
        maps,
        totals,
        exponents,
        depths,
        lanes,
    )


def warm_up() -> None:
    """Compile `run` for the types it is called with, on a network of nothing."""
    integers = np.zeros((0, 8), dtype=np.int64)
    run(
        np.zeros(1),
        np.zeros(1),
        integers,
        np.zeros((0, 2), dtype=np.int64),
        np.zeros((0, 1), dtype=np.int64),
        np.zeros((0, 8), dtype=np.int64),
        np.zeros((0, 6), dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros((0, 6), dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int32),
        np.zeros((0, 1)),
        np.zeros((0, 1), dtype=np.int64),
        np.zeros(0),
        1,
        1,
    )
