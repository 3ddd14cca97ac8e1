/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/why/why.h"
#include "cep/match/matchtrace.h"
#include "cep/why/whyrows.h"

static const char *window_cannot(const struct window_plan *w)
{
    return w->trigger == TRIGGER_PROCESSING_TIME ? "its windows fire by the clock" : NULL;
}

const char *why_cannot(const struct rule_plan *p)
{
    switch (p->shape) {
    case RULE_MATCH:
        return matchtrace_can(p) ? NULL : "it reads MATCH_NUMBER() or NEXT in its conditions";
    case RULE_WINDOW:
        return window_cannot(&p->window);
    default:
        return NULL;
    }
}

void why_run(const struct why_ask *ask, const struct why_row *rows, size_t n, struct bytes *out)
{
    switch (ask->plan->shape) {
    case RULE_FILTER:
        whyfilter_run(ask, rows, n, out);
        break;
    case RULE_WINDOW:
        whywindow_run(ask, rows, n, out);
        break;
    case RULE_OVER:
        whyover_run(ask, rows, n, out);
        break;
    case RULE_JOIN:
        whyjoin_run(ask, rows, n, out);
        break;
    case RULE_MATCH:
        matchtrace_run(ask, rows, n, out);
        break;
    }
}
