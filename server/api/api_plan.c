/* SPDX-License-Identifier: Apache-2.0 */
/* What an upgrade to a version would keep, and how many keys, partial matches, windows and rows that touches now. The workers
 * count in slices, between batches; who waits for it is this request alone. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/deploy/runtimeversion.h"
#include "server/deploy/upgradeplan.h"
#include "server/http/jsonw.h"
#include "server/run/runtimeinspect.h"

enum { KEYS_MAX = 4 << 20 }; /* that are counted */

struct planning {
    struct api *api;
    struct httplater *later;
    uint64_t uid;
    uint32_t from_version, to_version;
    struct rule_plan *from, *to;
    struct upgradeplan *plan;
    bool counted, all; /* anything; every key in memory */
    struct bytes json;
};

static void free_planning(struct planning *p)
{
    upgradeplan_free(p->plan);
    plan_unref(p->from);
    plan_unref(p->to);
    bytes_fini(&p->json);
    mem_free(p);
}

static uint64_t number(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

/* What the workers have counted (workerinspect.h), of the version from which the plan goes. */
static void add_up(struct planning *p, struct taskcount *out)
{
    size_t i, v;
    json_t *slice, *var;
    bytes_u8(&p->json, ']');
    json_t *all = json_loadb((const char *)p->json.p, p->json.n, 0, NULL);
    json_array_foreach(all, i, slice)
    {
        if (number(slice, "version") != p->from_version) { /* it takes over just now */
            p->counted = p->all = false;
            break;
        }
        out->keys += number(slice, "keys");
        out->partials += number(slice, "partials");
        out->dropped += number(slice, "dropped");
        out->older += number(slice, "older");
        out->rows += number(slice, "rows");
        for (size_t s = 0; s < 2; s++)
            out->sides[s] +=
                (uint64_t)json_integer_value(json_array_get(json_object_get(slice, "sides"), s));
        json_array_foreach(json_object_get(slice, "vars"), v, var)
        {
            if (v == PLAN_VARS_MAX)
                break;
            out->vars[v].keys += (uint64_t)json_integer_value(json_array_get(var, 0));
            out->vars[v].partials += (uint64_t)json_integer_value(json_array_get(var, 1));
            out->vars[v].dropped += (uint64_t)json_integer_value(json_array_get(var, 2));
        }
    }
    json_decref(all);
}

static void write_answer(struct planning *p, struct bytes *out)
{
    struct runtime_rule_stats now = runtimeversion_stats(p->api->runtime, p->uid);
    struct upgradeplan_counts counts = {.keys = now.keys, .windows = now.windows_open};
    bool scanned = p->json.n > 0;
    if (scanned)
        add_up(p, &counts.state);
    if (scanned && p->counted) {
        counts.keys = counts.state.keys;
        now.partials = counts.state.partials;
    }
    jsonw_open(out, '{');
    jsonw_ku64(out, "from", p->from_version);
    jsonw_ku64(out, "to", p->to_version);
    jsonw_key(out, "plan");
    upgradeplan_write(p->plan, p->counted ? &counts : NULL, out);
    jsonw_ku64(out, "keys", counts.keys);
    jsonw_ku64(out, "partials", now.partials);
    jsonw_ku64(out, "windows_open", now.windows_open);
    jsonw_ku64(out, "rows", counts.state.rows);
    jsonw_kbool(out, "counted", p->all);
    jsonw_ku64(out, "out_of_memory", api_inspect_keys_out(p->api));
    api_operations_write_log(p->api, out, p->to, EVTIME_MIN);
    api_versions_write_back(p->api, out, p->uid, p->from_version, p->to);
    api_trials_write_own(p->api, out, p->uid, p->to_version);
    jsonw_close(out, '}');
}

static void answer(struct httpcall *c, void *state)
{
    struct planning *p = state;
    if (c != NULL) {
        write_answer(p, httpcall_out(c));
        httpcall_json_reply(c, 200);
    }
    free_planning(p);
}

/* On the runtime's thread. */
static void counted(void *ctx, enum err e, const struct inspector_answer *a)
{
    struct planning *p = ctx;
    p->counted = e == ERR_OK;
    p->all = p->counted && a->worker == 0 && a->from == 0;
    bytes_u8(&p->json, '[');
    if (p->counted)
        bytes_put(&p->json, a->json, a->n);
    httpcall_resume(p->later);
}

static void count(struct planning *p, struct httpcall *c)
{
    unsigned n = 0;
    struct taskcount_state *states = upgradeplan_states(p->plan, &n);
    const struct inspector_ask ask = {.uid = p->uid,
                                      .keys = KEYS_MAX,
                                      .older_ms = upgradeplan_shorter_ms(p->from, p->to),
                                      .counts = true,
                                      .states = states,
                                      .nstates = n};
    p->later = httpcall_later(c, answer, p);
    runtimeinspect(p->api->runtime, &ask, counted, p);
    mem_free(states);
}

void api_plan_version(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    if (!api_rules_find(a, c, &rule))
        return;
    struct planning *p = mem_new(sizeof *p);
    p->api = a;
    p->uid = rule.uid;
    p->from_version = rule.version;
    uint64_t number = 0; /* of no version, if it is not one */
    (void)httpcall_whole(httpcall_param(c, "v"), '\0', UINT32_MAX, &number);
    p->to_version = (uint32_t)number;
    p->from = runtime_plan(a->runtime, rule.uid);
    p->to = p->from != NULL ? api_versions_compile(a, c, &rule, p->to_version) : NULL;
    if (p->from == NULL) {
        api_failed(c, ERR_NOT_FOUND);
        free_planning(p);
    } else if (p->to == NULL) {
        free_planning(p);
    } else {
        enum rule_shape shape = p->from->shape;
        p->plan = upgradeplan_new(p->from, p->to);
        if (shape == RULE_MATCH || shape == RULE_OVER || shape == RULE_JOIN) {
            count(p, c);
        } else { /* windows are counted as they come and go; filters have nothing */
            p->counted = p->all = true;
            answer(c, p);
        }
    }
    mem_free(rule.name);
}
