/* The walk of minigrok/walk.py, written for the L x L Ising model in C: what the generic loop is held against.

   Level j is E = -2 N + 4 j, so turning spin s with the sum `field` of its neighbours moves the walk by s * field / 2
   levels, and no energy is ever computed. On the same uniforms it takes the same path as `walk_loop`, ln g to the bit:

       cc -O3 -march=native -shared -fPIC -o ising.so ising.c -lm

   bench/bench_sampler.py --loops compiles it, checks it and times it. No -ffast-math: sums keep their order. */

#include <math.h>
#include <stdint.h>

enum { BUILD_UP, ONE_OVER_T, FROZEN };

/* One step for each row of `uniforms`: the first number decides on acceptance, the second chooses the site.
   steps: moves tried; accepted; half trips between the lowest and the highest level seen; last end, -1 or 1; the move
   at which the clock of 1/t began. */
void ising_walk(int64_t sites, int8_t *restrict spins, const int32_t (*restrict neighbours)[4], int64_t levels,
                double *restrict log_g, int64_t *restrict histogram, uint8_t *restrict seen, int64_t *restrict level,
                int64_t *restrict steps, const double (*restrict uniforms)[2], int64_t rows, double log_f, int phase)
{
    int64_t here = *level, tried = steps[0], accepted = steps[1], half_trips = steps[2], last_end = steps[3];
    const int64_t clock = steps[4];
    int64_t levels_seen = 0, lowest = levels, highest = 0;
    for (int64_t i = 0; i < levels; i++)
        if (seen[i]) {
            levels_seen++;
            lowest = i < lowest ? i : lowest;
            highest = i;
        }
    for (int64_t row = 0; row < rows; row++) {
        int64_t site = (int64_t)(uniforms[row][1] * (double)sites);
        const int32_t *beside = neighbours[site];
        int field = spins[beside[0]] + spins[beside[1]] + spins[beside[2]] + spins[beside[3]];
        int64_t new = here + spins[site] * field / 2;
        if (seen[new] || phase != FROZEN) {                   /* in production levels never seen are walls */
            double log_g_new = seen[new] ? log_g[new] : log_g[here];  /* a new level begins as its neighbour stands */
            double log_u = log(1.0 - uniforms[row][0]);       /* of a number in (0, 1]: never ln 0 */
            if (log_u < log_g[here] - log_g_new) {
                if (!seen[new]) {
                    seen[new] = 1;
                    log_g[new] = log_g_new;
                    for (int64_t i = 0; i < levels; i++)
                        histogram[i] = 0;
                    levels_seen++;
                    lowest = new < lowest ? new : lowest;
                    highest = new > highest ? new : highest;
                }
                spins[site] = -spins[site];
                here = new;
                accepted++;
                if ((here == lowest && last_end != -1) || (here == highest && last_end != 1)) {
                    half_trips += last_end != 0;
                    last_end = here == lowest ? -1 : 1;
                }
            }
        }
        tried++;
        if (phase == ONE_OVER_T) {
            double gain = (double)levels_seen / (double)(tried - clock);
            log_f = gain < 1.0 ? gain : 1.0;
        }
        if (phase != FROZEN)
            log_g[here] += log_f;                             /* after a refusal too: the walk stands where it stood */
        histogram[here]++;
    }
    *level = here;
    steps[0] = tried, steps[1] = accepted, steps[2] = half_trips, steps[3] = last_end;
}
