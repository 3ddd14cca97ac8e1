/* SPDX-License-Identifier: Apache-2.0 */
/* windowpane.h - time cut into panes so that every window is a run of whole panes: pure arithmetic.
 *
 * Room:   window.  Owns: nothing.  Time: evtime.
 *
 * Window k is [offset + k * slide, + size). If the slide divides the size, a pane is a slide; else a slide is two panes,
 * cut where a window ends within it (paired windows: Krishnamurthy, Wu, Franklin, SIGMOD 2006). A slide greater than the
 * size leaves panes that no window has.
 *
 * Cumulating windows: a pane is a step; window k ends with pane k and begins where its span of `steps` panes does. */
#ifndef WEIR_CEP_WINDOWPANE_H
#define WEIR_CEP_WINDOWPANE_H
#include "base/timebase.h"
#include <stdbool.h>

struct windowpane {
    int64_t size, slide, offset;
    int64_t rest; /* size % slide: where windows end within a slide; 0: on its border */
    int64_t steps; /* CUMULATE: panes of the longest window; else 0 */
};

void windowpane_init(struct windowpane *p, int64_t size, int64_t slide, int64_t offset);
void windowpane_init_cumulate(struct windowpane *p, int64_t size, int64_t step, int64_t offset);
int64_t windowpane_of(const struct windowpane *p, evtime t); /* the pane that t lies in */
bool windowpane_in_window(const struct windowpane *p, int64_t pane); /* false: between windows */
int64_t windowpane_first(const struct windowpane *p, int64_t window); /* panes of a window */
int64_t windowpane_last(const struct windowpane *p, int64_t window);
int64_t windowpane_first_window(const struct windowpane *p, int64_t pane); /* that has it */
int64_t windowpane_last_window(const struct windowpane *p, int64_t pane);
evtime windowpane_start(const struct windowpane *p, int64_t window);
evtime windowpane_end(const struct windowpane *p, int64_t window);
/* The first window whose end is after t. */
int64_t windowpane_ending_after(const struct windowpane *p, evtime t);

#endif
