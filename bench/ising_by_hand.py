"""The walk of minigrok/walk.py, written by hand for the L x L Ising model in numba: no system, dispatch or energies.

Level j is E = -2 N + 4 j, so turning spin s with the sum `field` of its neighbours moves the walk by s * field / 2
levels. What a generic loop costs is its time over that of this one; bench/bench_sampler.py --loops measures both:

    python bench/bench_sampler.py --loops
"""

import math

from numba import njit

BUILD_UP, ONE_OVER_T, FROZEN = 0, 1, 2


@njit(nogil=True, error_model="numpy")                   # as minigrok compiles its own loop
def ising_walk(spins, neighbours, log_g, histogram, seen, level, steps, uniforms, log_f, phase):
    """One step for each row of `uniforms`: the first number decides on acceptance, the second chooses the site.

    `level` (1,) is where the walk stands; `steps` (5,) are moves tried, accepted, half trips, the last end, and the
    move at which the clock of 1/t began.
    """
    here = level[0]
    tried, accepted, half_trips, last_end = steps[0], steps[1], steps[2], steps[3]
    clock = steps[4]
    levels_seen, lowest, highest = 0, len(seen), 0
    for i in range(len(seen)):
        if seen[i]:
            levels_seen += 1
            lowest, highest = min(lowest, i), i
    for row in range(len(uniforms)):
        site = int(uniforms[row, 1] * len(spins))
        field = (spins[neighbours[site, 0]] + spins[neighbours[site, 1]]
                 + spins[neighbours[site, 2]] + spins[neighbours[site, 3]])
        new = here + ((spins[site] * field) >> 1)        # the field is even: a shift halves it exactly
        if seen[new] or phase != FROZEN:
            log_g_new = log_g[new] if seen[new] else log_g[here]
            log_u = math.log(1.0 - uniforms[row, 0])
            if log_u < log_g[here] - log_g_new:
                if not seen[new]:
                    seen[new] = True
                    log_g[new] = log_g_new
                    histogram[:] = 0
                    levels_seen += 1
                    lowest, highest = min(lowest, new), max(highest, new)
                spins[site] = -spins[site]
                here = new
                accepted += 1
                if (here == lowest and last_end != -1) or (here == highest and last_end != 1):
                    half_trips += last_end != 0
                    last_end = -1 if here == lowest else 1
        tried += 1
        if phase == ONE_OVER_T:
            log_f = min(1.0, levels_seen / (tried - clock))
        if phase != FROZEN:
            log_g[here] += log_f
        histogram[here] += 1
    level[0] = here
    steps[0], steps[1], steps[2], steps[3] = tried, accepted, half_trips, last_end
