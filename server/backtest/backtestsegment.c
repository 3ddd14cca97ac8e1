/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestsegment.h"
#include "base/mem.h"
#include "server/backtest/backtesttold.h"
#include "server/http/jsonw.h"
#include <stdlib.h>
#include <strings.h>

/* Names of columns are not told apart by case. */
static json_t *column(const json_t *row, const char *wanted)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)row, name,
                        v) if (strcasecmp(name, wanted) == 0) return v;
    return NULL;
}

struct backtestsegment *backtestsegment_of(struct backtestsegment **map, const json_t *columns,
                                           const char *row_json)
{
    size_t i;
    json_t *name, *values = json_object();
    json_t *row = row_json != NULL ? json_loads(row_json, 0, NULL) : NULL;
    json_array_foreach((json_t *)(uintptr_t)columns, i, name)
    {
        json_t *v = column(row, json_string_value(name));
        json_object_set_new(values, json_string_value(name),
                            v != NULL ? json_incref(v) : json_null());
    }
    char *json = json_dumps(values, JSON_COMPACT | JSON_PRESERVE_ORDER);
    struct backtestsegment *s = MAP_GET_STR(*map, json);
    if (s == NULL) {
        s = mem_new(sizeof *s);
        s->json = mem_str(json);
        MAP_PUT_STR(*map, s, s->json);
    }
    free(json);
    json_decref(values);
    json_decref(row);
    return s;
}

void backtestsegment_free(struct backtestsegment **map)
{
    struct backtestsegment *s, *next;
    MAP_EACH(*map, s, next) {
        MAP_DEL(*map, s);
        mem_free(s->json);
        mem_free(s);
    }
}

static void count(struct backtesttold *t, const struct backtestsegment_side *new,
                  const struct backtestsegment_side *old, bool judged)
{
    struct backtestsegment *s, *next;
    MAP_EACH(t->segments, s, next) {
        s->old = s->new = s->true_alerts = s->false_alerts = 0;
        s->old_sum = s->new_sum = 0;
    }
    for (size_t i = 0; i < new->n; i++) {
        s = new->v[i]->segment;
        enum backtesttold_label said = backtesttold_is_right(t, new->v[i]);
        s->new ++;
        s->new_sum += new->v[i]->sum;
        s->true_alerts += judged && said == BACKTESTTOLD_TRUE;
        s->false_alerts += judged && said == BACKTESTTOLD_FALSE;
    }
    for (size_t i = 0; i < old->n; i++) {
        s = old->v[i]->segment;
        s->old++;
        s->old_sum += old->v[i]->sum;
    }
}

static int by_alerts(const void *a, const void *b)
{
    const struct backtestsegment *x = *(struct backtestsegment *const *)a;
    const struct backtestsegment *y = *(struct backtestsegment *const *)b;
    uint64_t n = x->new > x->old ? x->new : x->old, m = y->new > y->old ? y->new : y->old;
    return n != m ? (n > m ? -1 : 1) : strcmp(x->json, y->json);
}

static void put_number(struct bytes *out, const char *name, bool known, double n)
{
    jsonw_key(out, name);
    if (known)
        jsonw_num(out, n);
    else
        jsonw_null(out);
}

static void write_one(const struct backtesttold *t, const struct backtestsegment *s, bool judged,
                      struct bytes *out)
{
    jsonw_open(out, '{');
    jsonw_kraw(out, "values", s->json);
    jsonw_ku64(out, "new", s->new);
    jsonw_ku64(out, "old", s->old);
    put_number(out, "new_sum", t->plan->sum != NULL, s->new_sum);
    put_number(out, "old_sum", t->plan->sum != NULL, s->old_sum);
    put_number(out, "true_alerts", judged, (double)s->true_alerts);
    put_number(out, "false_alerts", judged, (double)s->false_alerts);
    jsonw_close(out, '}');
}

void backtestsegment_write(struct backtesttold *t, const struct backtestsegment_side *new,
                           const struct backtestsegment_side *old, bool judged, struct bytes *out)
{
    struct backtestsegment *s, *next;
    size_t n = 0;
    jsonw_key(out, "segments");
    if (t->plan->segments == NULL) {
        jsonw_null(out);
        return;
    }
    count(t, new, old, judged);
    struct backtestsegment **all =
        mem_array(MAP_COUNT(t->segments) + 1, sizeof(struct backtestsegment *));
    MAP_EACH(t->segments, s, next)
        if (s->new + s->old > 0)
            all[n++] = s;
    if (n > 1)
        qsort(all, n, sizeof(struct backtestsegment *), by_alerts);
    jsonw_open(out, '[');
    for (size_t i = 0; i < n && i < BACKTESTSEGMENT_SHOWN; i++)
        write_one(t, all[i], judged, out);
    jsonw_close(out, ']');
    jsonw_ku64(out, "segments_left_out", n > BACKTESTSEGMENT_SHOWN ? n - BACKTESTSEGMENT_SHOWN : 0);
    mem_free(all);
}
