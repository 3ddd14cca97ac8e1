/* SPDX-License-Identifier: Apache-2.0 */
/* What one version of a rule changes of another: its lines, and what becomes of the state. */
#include "base/mem.h"
#include "rules/compile.h"
#include "server/api/api.h"
#include "server/deploy/textdiff.h"
#include "server/deploy/upgradeplan.h"
#include "server/http/jsonw.h"
#include <string.h>

/* "3..5"; or "5": from the active one, or from the one before it if it is that. */
static bool read_range(struct httpcall *c, const struct api_rule *rule, uint32_t *from,
                       uint32_t *to)
{
    const char *text = httpcall_param(c, "v");
    uint64_t a = 0, b = 0;
    const char *dot = httpcall_whole(text, '.', UINT32_MAX, &a);
    if (dot != NULL && dot[1] == '.')
        (void)httpcall_whole(dot + 2, '\0', UINT32_MAX, &b);
    else if (dot == NULL && httpcall_whole(text, '\0', UINT32_MAX, &b))
        a = rule->version == b && b > 1 ? b - 1 : rule->version;
    if (a > 0 && b > 0) {
        *from = (uint32_t)a;
        *to = (uint32_t)b;
        return true;
    }
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, "write 3..5, or 5",
                     "'%.40s' is no version and no two of them", text);
    return false;
}

static void take_text(void *ctx, const struct catalog_version *v)
{
    *(char **)ctx = mem_str(v->sql);
}

/* NULL: answered. */
static char *text_of(struct api *a, struct httpcall *c, const struct api_rule *rule,
                     uint32_t version)
{
    char *sql = NULL;
    enum err e = catalog_versions_get(a->reader, rule->uid, version, take_text, &sql);
    if (e == ERR_NOT_FOUND)
        httpcall_problem(c, PROBLEM_NOT_FOUND, "GET /api/v1/rules/{r}/versions lists them",
                         "rule %s has no version %u", rule->name, version);
    else if (e != ERR_OK)
        api_failed(c, e);
    return sql;
}

static struct rule_plan *plan_of(struct api *a, const char *name, const char *sql)
{
    struct rule_plan *plan = NULL;
    struct diag d;
    diag_init(&d, sql, strlen(sql));
    if (compile_rule(name, sql, strlen(sql), runtime_scope(a->runtime), &d, &plan) != ERR_OK)
        plan = NULL; /* what it reads may have gone */
    diag_fini(&d);
    return plan;
}

static void write_line(void *ctx, enum textdiff_op op, const char *line, size_t n)
{
    static const char *const names[] = {
        [TEXTDIFF_SAME] = "same", [TEXTDIFF_REMOVED] = "removed", [TEXTDIFF_ADDED] = "added"};
    struct bytes *out = ctx;
    jsonw_open(out, '{');
    jsonw_kstr(out, "op", names[op]);
    jsonw_key(out, "line");
    jsonw_strn(out, line, n);
    jsonw_close(out, '}');
}

static void write_plan(const struct rule_plan *from, const struct rule_plan *to, struct bytes *out)
{
    struct upgradeplan *p = from != NULL && to != NULL ? upgradeplan_new(from, to) : NULL;
    if (p != NULL)
        upgradeplan_write(p, NULL, out);
    else
        jsonw_null(out);
    upgradeplan_free(p);
}

void api_diff_versions(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_rule rule;
    uint32_t from = 0, to = 0;
    char *old = NULL, *new = NULL;
    if (!api_rules_find_any(a, c, &rule))
        return;
    if (read_range(c, &rule, &from, &to) && (old = text_of(a, c, &rule, from)) != NULL &&
        (new = text_of(a, c, &rule, to)) != NULL) {
        struct rule_plan *x = plan_of(a, rule.name, old), *y = plan_of(a, rule.name, new);
        struct bytes *out = httpcall_out(c);
        jsonw_open(out, '{');
        jsonw_ku64(out, "from", from);
        jsonw_ku64(out, "to", to);
        jsonw_key(out, "lines");
        jsonw_open(out, '[');
        textdiff(old, new, write_line, out);
        jsonw_close(out, ']');
        jsonw_key(out, "plan");
        write_plan(x, y, out);
        jsonw_close(out, '}');
        httpcall_json_reply(c, 200);
        plan_unref(x);
        plan_unref(y);
    }
    mem_free(old);
    mem_free(new);
    mem_free(rule.name);
}
