/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounds of joined windows. */
#include "cep/join/joinrun.h"

static int64_t floor_to(int64_t t, int64_t step)
{
    int64_t r = t % step;
    return t - (r < 0 ? r + step : r);
}

evtime joinwindow_start(const struct window_plan *w, evtime end)
{
    return w->kind == WINDOW_CUMULATE ? floor_to(end - 1 - w->offset_ms, w->size_ms) + w->offset_ms
                                      : end - w->size_ms;
}

/* The first end of a window after t. */
evtime joinwindow_end(const struct window_plan *w, evtime t)
{
    int64_t at = w->offset_ms + (w->kind == WINDOW_CUMULATE ? 0 : w->size_ms);
    return floor_to(t - at, w->slide_ms) + w->slide_ms + at;
}

/* Of the windows that a row of time t may be in, the first that is not over. */
evtime joinwindow_next(const struct join *j, evtime t, evtime now)
{
    return joinwindow_end(&j->prog->plan->window, t > now ? t : now);
}
