/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a file of tests: the parser ends, says why it refuses, keeps every place inside the text and leaves the
 * compiler a text of the same lines; what it accepts can be bound to two streams and rules. */
#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include "rules/compile.h"
#include "server/testcmd/testcmdbind.h"
#include "server/testcmd/testcmddiff.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules_text[] =
    "CREATE STREAM t (s STRING, b BIGINT, d DOUBLE, m DECIMAL(12,2), o BOOLEAN, p STRING FROM "
    "'x.y.z', c AS m > 3, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);"
    "CREATE STREAM u (a BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);"
    "CREATE RULE r AS SELECT s, b, d, m, o, ts FROM t WHERE b > 1;"
    "CREATE RULE q AS SELECT a FROM u";

static const char found_text[] =
    "{\"rule\":\"r\",\"kind\":\"match\",\"time\":\"2026-01-01T00:00:00.000Z\",\"row\":{\"s\":"
    "\"a\\\"b\","
    "\"b\":1,\"d\":1.5,\"m\":2.00,\"o\":true,\"ts\":\"2026-01-01T00:00:00.000Z\"}}\n"
    "{\"rule\":\"q\",\"kind\":\"late\",\"time\":null,\"place\":0,\"row\":{\"a\":null}}\n"
    "{\"rule\":null,\"kind\":\"error\",\"time\":null,\"stream\":\"t\",\"place\":1,\"code\":"
    "\"json\","
    "\"reason\":\"no\",\"raw\":\"{\"}\n";

static struct script *compiled(void)
{
    static struct script *s;
    struct diag d;
    if (s)
        return s;
    diag_init(&d, rules_text, sizeof rules_text - 1);
    BUG_IF(compile_script(rules_text, sizeof rules_text - 1, NULL, &d, &s) != ERR_OK, "the rules");
    diag_fini(&d);
    return s;
}

static void bind_all(const struct testcmdfile *f, const char *text, size_t n)
{
    const struct script *s = compiled();
    const struct schema *streams[] = {s->statements[0].schema, s->statements[1].schema};
    const struct job_rule rules[] = {{.plan = s->statements[2].rule},
                                     {.plan = s->statements[3].rule}};
    const struct testcmdbind_rules r = {streams, 2, rules, 2};
    const struct bytes found = {(uint8_t *)(uintptr_t)found_text, sizeof found_text - 1, 0};
    struct arena *arena = arena_new(4096, 0);
    for (const struct testcmdfile_test *t = f->tests; t; t = t->next) {
        struct testcmdbind b;
        struct bytes out = {0};
        struct diag d;
        diag_init(&d, text, n);
        bool good = testcmdbind_test(&r, t, arena, &d, &b);
        BUG_IF(good != (d.errors == 0), "%d errors", d.errors);
        if (good) {
            bool same = testcmddiff_compare(&b, &found, text, n, &out);
            BUG_IF(same != (out.n == 0), "a difference that is not told");
        }
        bytes_fini(&out);
        testcmdbind_fini(&b);
        diag_fini(&d);
        arena_reset(arena);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_dup(data, size);
    struct testcmdfile *f = NULL;
    struct diag d;
    diag_init(&d, text, size);
    enum err e = testcmdfile_parse(text, size, &d, &f);
    BUG_IF((e == ERR_OK) != (d.errors == 0), "%s with %d errors", err_name(e), d.errors);
    mem_free(diag_text(&d));
    if (f) {
        BUG_IF(f->sql_n != size, "the compiler's text is not as long");
        for (size_t i = 0; i < size; i++)
            BUG_IF(f->sql[i] != text[i] && (f->sql[i] != ' ' || text[i] == '\n'), "byte %zu", i);
        for (const struct testcmdfile_test *t = f->tests; t; t = t->next)
            BUG_IF(!t->expects || t->at.end > size, "a test");
        bind_all(f, text, size);
    }
    testcmdfile_free(f);
    diag_fini(&d);
    mem_free(text);
    return 0;
}
