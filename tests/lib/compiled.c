/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/compiled.h"
#include "base/mem.h"
#include "rules/compile.h"
#include <string.h>

const char compiled_stream[] =
    "CREATE STREAM t (s STRING, b BIGINT, d DOUBLE, m DECIMAL(12,2), k DECIMAL(6,4), o BOOLEAN, "
    "ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) WITH ('connector'='inline');\n";

/* Plans are looked at here, not run: what the operators refuse so far is let through. Being in the first archive that is
 * linked, these come before those of cep/. */
__attribute__((weak)) enum err match_supported(const struct rule_plan *p, struct diag *d);
__attribute__((weak)) enum err windowprog_supported(const struct rule_plan *p, struct diag *d);

enum err match_supported(const struct rule_plan *p, struct diag *d)
{
    (void)p;
    (void)d;
    return ERR_OK;
}

enum err windowprog_supported(const struct rule_plan *p, struct diag *d)
{
    (void)p;
    (void)d;
    return ERR_OK;
}

static char *said(enum err e, const struct diag *d)
{
    char *text = diag_text(d);
    char *out = mem_printf("%s%s%s", err_name(e), text[0] != '\0' ? " " : "", text);
    mem_free(text);
    size_t n = strlen(out);
    if (n > 0 && out[n - 1] == '\n')
        out[n - 1] = '\0';
    return out;
}

char *compiled_said(const char *sql, size_t n, enum err *out)
{
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, sql, n);
    enum err e = compile_script(sql, n, NULL, &d, &s);
    char *text = said(e, &d);
    compile_script_free(s);
    diag_fini(&d);
    if (out != NULL)
        *out = e;
    return text;
}

char *compiled_script(const char *sql, size_t n)
{
    struct script *s = NULL;
    struct diag d;
    diag_init(&d, sql, n);
    enum err e = compile_script(sql, n, NULL, &d, &s);
    if (e != ERR_OK) {
        char *text = said(e, &d);
        diag_fini(&d);
        return text;
    }
    struct bytes out = {0};
    for (unsigned i = 0; i < s->n; i++)
        if (s->statements[i].rule != NULL)
            compile_explain(s->statements[i].rule, EXPLAIN_TEXT, &out);
    char *text = mem_dup(out.p != NULL ? out.p : (const uint8_t *)"", out.n);
    bytes_fini(&out);
    compile_script_free(s);
    diag_fini(&d);
    return text;
}

char *compiled_expression(const char *e)
{
    char *sql = mem_printf("%sCREATE RULE r AS SELECT %s AS x FROM t;", compiled_stream, e);
    char *text = compiled_script(sql, strlen(sql));
    mem_free(sql);
    static const char before[] = "  output     x ";
    char *at = strstr(text, before);
    if (at == NULL)
        return text;
    at += strlen(before);
    char *end = strchr(at, '\n');
    char *out = mem_dup(at, end != NULL ? (size_t)(end - at) : strlen(at));
    mem_free(text);
    char *equals = strstr(out, " = "); /* "BIGINT = b" as "BIGINT b" */
    if (equals != NULL)
        memmove(equals + 1, equals + 3, strlen(equals + 3) + 1);
    return out;
}

/* Lines that are the same for every rule say nothing. */
static int is_plain(const char *line)
{
    static const char *const plain[] = {"rule ",
                                        "  mode ",
                                        "  reads ",
                                        "  note ",
                                        "  skip       past the last row\n",
                                        "  rows       one a match\n"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strncmp(line, plain[i], strlen(plain[i])) == 0)
            return 1;
    return 0;
}

char *compiled_match(const char *clauses)
{
    char *sql = mem_printf("%sCREATE RULE r AS\nSELECT * FROM t MATCH_RECOGNIZE (\n%s);",
                           compiled_stream, clauses);
    char *text = compiled_script(sql, strlen(sql)), *to = text;
    mem_free(sql);
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t n = end != NULL ? (size_t)(end - line) + 1 : strlen(line);
        if (!is_plain(line)) {
            memmove(to, line, n);
            to += n;
        }
        line += n;
    }
    *to = '\0';
    return text;
}
