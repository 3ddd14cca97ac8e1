/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/window/windowpane.h"

static int64_t floored(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

void windowpane_init(struct windowpane *p, int64_t size, int64_t slide, int64_t offset)
{
    *p = (struct windowpane){.size = size,
                             .slide = slide,
                             .offset = offset % slide,
                             .rest = size % slide};
}

void windowpane_init_cumulate(struct windowpane *p, int64_t size, int64_t step, int64_t offset)
{
    *p = (struct windowpane){.size = size,
                             .slide = step,
                             .offset = offset % size,
                             .steps = size / step};
}

int64_t windowpane_of(const struct windowpane *p, evtime t)
{
    int64_t k = floored(t - p->offset, p->slide);
    if (p->rest == 0)
        return k;
    return 2 * k + (t - p->offset - k * p->slide >= p->rest);
}

bool windowpane_in_window(const struct windowpane *p, int64_t pane)
{
    return p->slide <= p->size || (pane & 1) == 0;
}

int64_t windowpane_first(const struct windowpane *p, int64_t window)
{
    if (p->steps > 0)
        return floored(window, p->steps) * p->steps;
    return p->rest == 0 ? window : 2 * window;
}

int64_t windowpane_last(const struct windowpane *p, int64_t window)
{
    if (p->steps > 0)
        return window;
    int64_t slides = p->size / p->slide;
    return p->rest == 0 ? window + slides - 1 : 2 * (window + slides);
}

int64_t windowpane_first_window(const struct windowpane *p, int64_t pane)
{
    int64_t slides = p->size / p->slide;
    if (p->steps > 0)
        return pane;
    return p->rest == 0 ? pane - slides + 1 : floored(pane + 1, 2) - slides;
}

int64_t windowpane_last_window(const struct windowpane *p, int64_t pane)
{
    if (p->steps > 0)
        return (floored(pane, p->steps) + 1) * p->steps - 1;
    return p->rest == 0 ? pane : floored(pane, 2);
}

evtime windowpane_start(const struct windowpane *p, int64_t window)
{
    return p->offset + (p->steps > 0 ? windowpane_first(p, window) : window) * p->slide;
}

evtime windowpane_end(const struct windowpane *p, int64_t window)
{
    return p->offset + window * p->slide + (p->steps > 0 ? p->slide : p->size);
}

int64_t windowpane_ending_after(const struct windowpane *p, evtime t)
{
    return floored(t - p->offset - (p->steps > 0 ? p->slide : p->size), p->slide) + 1;
}
