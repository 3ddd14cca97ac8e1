/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sqlgrammar.h"
#include "base/bug.h"
#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 7, TEXT_MAX = 6000 };

/* The first text of each has no @name that leads back to it: past DEPTH_MAX it is taken. */
struct rule {
    const char *name;
    const char *const *texts;
};

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* clang-format off */
static const struct rule rules[] = {
    {"script", TEXTS("@select", "@select", "CREATE RULE r AS @select;", "CREATE RULE r @with AS @select;",
        "CREATE RULE r AS @select;\nCREATE RULE q AS @select;", "CREATE RULE r AS @select;\nEXPLAIN RULE r (FORMAT @format);",
        "CREATE RULE r AS @match;\nCREATE RULE q AS @match;\nCREATE RULE p AS @window;",
        "CREATE LIST l (x STRING PRIMARY KEY, y DOUBLE);\nINSERT INTO l VALUES (@strlit, 1.5), (@strlit, NULL);\n"
        "CREATE RULE r AS SELECT s FROM t WHERE @str IN LIST l AND @bool;",
        "CREATE LIST l (x STRING PRIMARY KEY, y DOUBLE, z BOOLEAN);\nINSERT INTO l VALUES (@strlit, 1.5, TRUE), (@strlit, NULL, NULL);\n"
        "CREATE RULE r AS SELECT t.s, l.x, l.y, @any AS v FROM t @jkind JOIN l FOR SYSTEM_TIME AS OF ts ON l.x = @str AND (l.y @cmp @num OR l.z) @where;",
        "CREATE LIST l (x DECIMAL(12,2) PRIMARY KEY);\nINSERT INTO l VALUES (1), (2.5);\nCREATE RULE r AS SELECT s FROM t WHERE CAST(@num AS DECIMAL(12,2)) IN LIST l;")},
    {"format", TEXTS("TEXT", "JSON", "DOT")},
    {"with", TEXTS("", "WITH ('severity'='high', 'title'='t')", "WITH ('mode'='shadow', 'cooldown'='10 min')",
        "WITH ('mode'='paused', 'description'='d')")},
    {"select", TEXTS("@filter", "@window", "@over", "@match", "@match", "@match", "@join")},
    /* filters */
    {"filter", TEXTS("SELECT * FROM t WHERE @bool", "SELECT @items FROM @src WHERE @bool", "SELECT @items FROM @src")},
    {"src", TEXTS("t", "t", "t AS x", "(SELECT *, @num AS e FROM t WHERE @bool)", "(SELECT * FROM t WHERE @bool) AS x")},
    {"items", TEXTS("*", "@any AS v", "s, @any AS v, @any AS w")},
    {"any", TEXTS("b", "@num", "@str", "@bool", "@ts", "NULL")},
    {"type", TEXTS("STRING", "BIGINT", "DOUBLE", "DECIMAL(12,2)", "DECIMAL(18,0)", "BOOLEAN", "TIMESTAMP(3)")},
    {"numtype", TEXTS("BIGINT", "DOUBLE", "DECIMAL(18,4)", "DECIMAL(3,3)", "INT")},
    {"lit", TEXTS("1", "0", "2.5", "-1", "9223372036854775807", "0.000001", "1e300", "99999999999999.99", "100", "3")},
    {"num", TEXTS("b", "d", "m", "k", "@lit", "@lit", "(@num @arith @num)", "(@num @arith @num)", "-@num", "ABS(@num)",
        "ROUND(@num, @offset)", "FLOOR(@num)", "CEIL(@num)", "SIGN(@num)", "TRUNCATE(@num, 1)", "MOD(@num, @num)",
        "CASE WHEN @bool THEN @num ELSE @num END", "CASE @num WHEN @num THEN @num END", "COALESCE(@num, @num)",
        "NULLIF(@num, @num)", "IF(@bool, @num, @num)", "GREATEST(@num, @num)", "LEAST(@num, @num, @num)",
        "CAST(@any AS @numtype)", "TRY_CAST(@str AS @numtype)", "@int", "@dbl")},
    {"int", TEXTS("b", "1", "LENGTH(@str)", "POSITION(@str IN s)", "LOCATE(@str, @str, @int)", "INSTR(@str, @str)",
        "EXTRACT(@part FROM @ts)", "YEAR(@ts)", "DAYOFWEEK(@ts)", "EPOCH(@ts)", "CAST(@num AS BIGINT)", "(@int @arith @int)",
        "TIMESTAMPDIFF(@unit, @ts, @ts)", "-2", "40")},
    {"dbl", TEXTS("d", "1.5e0", "SQRT(@num)", "POWER(@num, @num)", "EXP(@num)", "LN(@num)", "LOG10(@num)", "LOG(@num, @num)",
        "SIN(@num)", "ATAN2(@num, @num)", "DISTANCE_KM(@num, @num, @num, @num)", "DEGREES(@num)")},
    {"arith", TEXTS("+", "-", "*", "/", "%")},
    {"strlit", TEXTS("'x'", "''", "'y'", "'1'", "'-12.50'", "'2026-01-31 12:00:00'", "'%a_'", "'ä€'", "'it''s'", "'true'")},
    {"str", TEXTS("s", "@strlit", "(@str || @str)", "UPPER(@str)", "LOWER(@str)", "TRIM(@str)", "TRIM(BOTH 'x' FROM @str)",
        "LTRIM(@str, 'x')", "SUBSTRING(@str FROM @int FOR @int)", "SUBSTRING(@str, @int)", "REPLACE(@str, @str, @str)",
        "REVERSE(@str)", "LEFT(@str, @int)", "RIGHT(@str, @int)", "LPAD(@str, @int, @str)", "REPEAT(@str, 3)",
        "SPLIT_INDEX(@str, @str, @int)", "INITCAP(@str)", "CONCAT_WS(@str, @str, @str)", "CONCAT(@str, @str)",
        "REGEXP_EXTRACT(@str, '@regex', 0)", "REGEXP_REPLACE(@str, '@regex', @str)", "DATE_FORMAT(@ts, 'yyyy-MM-dd HH:mm')",
        "CONVERT_TZ('2026-01-31 12:00:00', 'UTC', 'Europe/Berlin')", "CAST(@any AS STRING)", "COALESCE(@str, @str)",
        "CASE WHEN @bool THEN @str END", "NULLIF(@str, @str)", "GREATEST(@str, @str)")},
    {"regex", TEXTS("x", "(a|x)+", "^.*$", "[^a-c]{2,5}", "(?i)X", "\\\\d+", "(x)(y)?")},
    {"ts", TEXTS("ts", "TIMESTAMP '2026-01-31 12:00:00'", "(@ts + @ival)", "(@ts - @ival)", "TIMESTAMPADD(@unit, @int, @ts)",
        "FLOOR(@ts TO @unit)", "CEIL(@ts TO @unit)", "(@ts AT TIME ZONE 'Europe/Berlin')", "TO_TIMESTAMP(@str)",
        "TO_TIMESTAMP_LTZ(@int, 3)", "CAST(@str AS TIMESTAMP(3))", "COALESCE(@ts, @ts)", "LEAST(@ts, @ts)")},
    {"unit", TEXTS("SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR", "WEEK", "QUARTER")},
    {"part", TEXTS("HOUR", "YEAR", "MONTH", "DAY", "SECOND", "DOW", "DOY", "WEEK", "QUARTER", "EPOCH")},
    {"ival", TEXTS("INTERVAL '1' SECOND", "INTERVAL '500' MILLISECOND", "INTERVAL '2' SECOND", "INTERVAL '10' DAY",
        "INTERVAL '1' MINUTE", "INTERVAL '1 06:30:00' DAY TO SECOND", "INTERVAL '100000' DAY")},
    {"cmp", TEXTS("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")},
    {"bool", TEXTS("o", "c", "b > 1", "@num @cmp @num", "@num @cmp @num", "@str @cmp @str", "@ts @cmp @ts", "(@bool AND @bool)",
        "(@bool OR @bool)", "NOT @bool", "@any IS NULL", "@any IS NOT NULL", "@bool IS TRUE", "@bool IS NOT UNKNOWN",
        "@num BETWEEN @num AND @num", "@num NOT IN (@lit, @lit, @num)", "@str IN ('x', 'y', @str)", "@str LIKE '%x_'",
        "@str NOT LIKE @str ESCAPE '!'", "@str REGEXP '@regex'", "STARTS_WITH(@str, @str)", "TRUE", "FALSE", "NULL",
        "CASE WHEN @bool THEN @bool ELSE @bool END", "s = 'x'", "b = @lit", "m > @lit", "@ts - @ts < @ival")},
    /* windows */
    {"window", TEXTS("SELECT s, window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), @size)) "
        "GROUP BY s, window_start, window_end",
        "SELECT s, window_start, window_end, @agg AS n, @agg AS v FROM TABLE(@tvf) @where GROUP BY s, window_start, "
        "window_end @having",
        "SELECT window_end, @agg AS n, @agg AS v FROM TABLE(@tvf) @where GROUP BY window_end, o, b @having")},
    {"tvf", TEXTS("TUMBLE(TABLE t, DESCRIPTOR(ts), @size)", "TUMBLE(TABLE t, DESCRIPTOR(ts), @size, @ival)",
        "HOP(TABLE t, DESCRIPTOR(ts), @size, INTERVAL '30' SECOND)", "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, @size)",
        "HOP(TABLE t, DESCRIPTOR(ts), @size, @size, @ival)", "CUMULATE(TABLE t, DESCRIPTOR(ts), @size, INTERVAL '1' HOUR)",
        "SESSION(TABLE t PARTITION BY s, DESCRIPTOR(ts), @size)", "SESSION(TABLE t, DESCRIPTOR(ts), @size)",
        "COUNT_TUMBLE(TABLE t PARTITION BY s, 3)", "COUNT_HOP(TABLE t PARTITION BY s, 2, 4)", "GLOBAL(TABLE t PARTITION BY s)")},
    {"size", TEXTS("INTERVAL '1' SECOND", "INTERVAL '2' SECOND", "INTERVAL '3' SECOND", "INTERVAL '1' MINUTE",
        "INTERVAL '1' MILLISECOND", "INTERVAL '365' DAY", "INTERVAL '700' MILLISECOND")},
    {"where", TEXTS("", "WHERE @bool")},
    {"having", TEXTS("", "HAVING @agg @cmp @agg", "HAVING COUNT(*) >= 2", "HAVING SUM(m) > 3 AND @agg IS NOT NULL")},
    {"agg", TEXTS("COUNT(*)", "COUNT(@any)", "COUNT(DISTINCT @any)", "SUM(@num)", "AVG(@num)", "MIN(@num)", "MAX(@str)",
        "STDDEV(@num)", "SUM(DISTINCT b)", "(@agg @arith @agg)", "COUNT(*) FILTER (WHERE @bool)", "MAX(ts)",
        "CAST(@agg AS DOUBLE)", "COALESCE(@agg, 0)", "FIRST(b)", "LAST(@str)", "LIST_AGG(s, ',')", "TOP(3)",
        "APPROX_COUNT_DISTINCT(s)", "APPROX_PERCENTILE(d, 0.9)")},
    /* joins */
    {"join", TEXTS("SELECT x.s, y.b FROM t AS x JOIN t AS y ON x.s = y.s AND x.ts = y.ts",
        "SELECT x.s, y.b AS z, @jnum AS v FROM t AS x @jkind JOIN t AS y ON @jkey AND @jtime @jwhere",
        "SELECT x.s, y.b AS z, @jnum AS v FROM t AS x @jkind JOIN t AS y ON @jkey AND @jtime AND @jbool @jwhere",
        "SELECT x.b, x.window_end, y.window_start AS w FROM TABLE(@tvf) AS x @jkind JOIN TABLE(@tvf) AS y ON @jkey AND "
        "x.window_start = y.window_start AND x.window_end = y.window_end @jwhere",
        "SELECT x.b, y.window_time FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), @size)) AS x @jkind JOIN "
        "(SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND)) WHERE b > 0) AS y ON @jkey AND y.window_start = x.window_start")},
    {"jkind", TEXTS("", "LEFT", "INNER")},
    {"jkey", TEXTS("x.s = y.s", "x.b = y.b", "x.m = y.k", "y.b = x.m", "x.d = y.b", "x.s IS NOT DISTINCT FROM y.s",
        "(x.o = y.o OR x.o IS NULL AND y.o IS NULL)", "UPPER(x.s) = y.s", "x.b + 1 = y.b AND x.s = y.s", "x.b < y.b")},
    {"jtime", TEXTS("x.ts = y.ts", "y.ts BETWEEN x.ts - @ival AND x.ts + @ival", "x.ts < y.ts AND y.ts <= x.ts + @ival",
        "x.ts - y.ts < @ival AND x.ts - y.ts > -(@ival)", "y.ts = x.ts + @ival", "x.ts > y.ts AND x.ts < y.ts")},
    {"jnum", TEXTS("x.b", "y.d", "x.m", "(@jnum @arith @jnum)", "COALESCE(@jnum, @jnum)", "CAST(y.s AS BIGINT)")},
    {"jbool", TEXTS("x.b < y.b", "@jnum @cmp @jnum", "x.s LIKE y.s", "x.o", "(@jbool OR @jbool)", "NOT @jbool", "y.ts IS NULL")},
    {"jwhere", TEXTS("", "", "WHERE @jbool", "WHERE y.b IS NULL")},
    /* over */
    {"over", TEXTS("SELECT s, COUNT(*) OVER (PARTITION BY s ORDER BY ts) AS n FROM t",
        "SELECT s, @call AS n, @call AS v FROM @src @where @qualify", "SELECT s, b + @call AS n FROM t @qualify",
        "SELECT s, n FROM (SELECT *, @call AS n FROM t) WHERE n IS NOT NULL")},
    {"call", TEXTS("ROW_NUMBER() OVER (PARTITION BY s ORDER BY ts)", "LAG(@any, @offset) OVER (PARTITION BY s ORDER BY ts)",
        "LAG(b, 1, b) OVER (PARTITION BY s ORDER BY ts)", "@oagg OVER (PARTITION BY s ORDER BY ts @frame)",
        "@oagg OVER (PARTITION BY s ORDER BY ts @frame)", "@oagg OVER (PARTITION BY s ORDER BY ts @frame)")},
    {"offset", TEXTS("1", "0", "3", "1000000")},
    {"oagg", TEXTS("COUNT(*)", "SUM(b)", "SUM(@num)", "AVG(@num)", "MIN(@num)", "MAX(@str)", "COUNT(DISTINCT @any)", "STDDEV(d)",
        "COUNT(*) FILTER (WHERE @bool)", "MIN(ts)", "MAX(m)")},
    {"frame", TEXTS("", "RANGE BETWEEN @ival PRECEDING AND CURRENT ROW", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
        "ROWS 1000000 PRECEDING", "RANGE @ival PRECEDING", "ROWS UNBOUNDED PRECEDING", "ROWS CURRENT ROW")},
    {"qualify", TEXTS("", "QUALIFY n IS NOT NULL", "QUALIFY @call IS NOT NULL AND @bool")},
    /* patterns */
    {"match", TEXTS("SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY s ORDER BY ts PATTERN (A B) DEFINE A AS b > 0)",
        "SELECT * FROM @src MATCH_RECOGNIZE (@by ORDER BY ts @measures @rows @skip PATTERN (@pattern) @within @subset @define) @mwhere",
        "SELECT * FROM @src MATCH_RECOGNIZE (@by ORDER BY ts @measures @rows @skip PATTERN (@pattern) @within @subset @define)",
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY s ORDER BY ts @measures @skip PATTERN (@pattern) @within SUBSET U = (A, C) @define)")},
    {"mwhere", TEXTS("", "WHERE n > 0", "AS w WHERE w.n IS NOT NULL")},
    {"by", TEXTS("PARTITION BY s", "", "PARTITION BY s, o", "PARTITION BY b", "PARTITION BY m")},
    {"measures", TEXTS("MEASURES COUNT(*) AS n", "MEASURES @meas AS n", "MEASURES @meas AS n, @meas AS v, @meas AS w", "")},
    {"meas", TEXTS("A.b", "@mnum", "@mnum", "FINAL @mcall", "RUNNING @mcall", "@mstr", "@mbool", "B.ts")},
    {"rows", TEXTS("", "ONE ROW PER MATCH", "ALL ROWS PER MATCH", "ALL ROWS PER MATCH OMIT EMPTY MATCHES",
        "ALL ROWS PER MATCH SHOW EMPTY", "ALL ROWS PER MATCH WITH UNMATCHED ROWS")},
    {"skip", TEXTS("", "AFTER MATCH NO SKIP", "AFTER MATCH NO SKIP", "AFTER MATCH SKIP TO NEXT ROW",
        "AFTER MATCH SKIP PAST LAST ROW", "AFTER MATCH SKIP TO FIRST B", "AFTER MATCH SKIP TO LAST C", "AFTER MATCH SKIP TO U")},
    {"pattern", TEXTS("A B C D", "A@q@how@elem@how B@q@how(C@q | D)", "(A@q@how B)@q@how(C@q | D@q)",
        "PERMUTE(A, B, C@q) -> !D", "A@q -> !D -> B@q@how C@q", "(@pat | A@how B)@q@how C@q@how D", "^ A B@q@how C D@q",
        "A@q@how B -> C@q@how D@q $", "{- A@q -} B@q@how(C D)@q", "A@q@how B@how C@loop UNTIL D", "A B@how C !D -> D",
        "A@loop UNTIL D@how B@q WITHIN @step@how C", "(A@how B@q@how C)@quant@how D@q", "A (B | C@q | ()) D@q")},
    {"loop", TEXTS("+", "*", "->+?", "->*", "{2,}", "->>+", "->{2,}?")},
    {"q", TEXTS("", "", "@quant")},
    {"step", TEXTS("INTERVAL '1' SECOND", "INTERVAL '500' MILLISECOND", "INTERVAL '2' SECOND")},
    {"pat", TEXTS("A B", "@elem", "@elem@how@elem", "@elem@how@elem@how@elem", "@elem | @elem")},
    {"how", TEXTS(" -> ", " ", " ->> ")},
    {"elem", TEXTS("A", "B", "C", "D", "@prim@quant", "@prim@quant", "@prim@quant", "@prim@loop UNTIL D", "(@pat)",
        "(@elem | @elem)", "PERMUTE(@elem, @elem)", "PERMUTE(A, B, @elem)", "{- @pat -}", "()", "@prim WITHIN @step",
        "@prim@quant WITHIN @step", "(@prim@quant)@quant")},
    {"prim", TEXTS("A", "B", "C", "(@pat)")},
    {"quant", TEXTS("+", "*", "?", "{2}", "{1,3}", "{,2}", "{2,}", "+?", "*?", "??", "{1,3}?", "->+", "->*", "->{2}", "->{2,4}",
        "->+?", "->{2,}?", "->>+", "->>{2}", "->>*?", "->>{1,2}", "{1000}", "{3,1000000}")},
    {"within", TEXTS("WITHIN INTERVAL '5' SECOND", "", "WITHIN @ival", "WITHIN @ival EACH STEP")},
    {"subset", TEXTS("SUBSET U = (A, B)", "SUBSET U = (A, B), V = (B, C)")},
    {"define", TEXTS("DEFINE A AS b > 0", "DEFINE A AS @bool, B AS @bool, C AS @bool", "DEFINE A AS @bool, B AS @mbool",
        "DEFINE A AS @mbool, B AS @mbool, C AS @mbool, D AS @bool", "DEFINE B AS @mbool, D AS @mbool")},
    {"mvar", TEXTS("A", "B", "C", "U")},
    {"mcol", TEXTS("b", "d", "m", "k")},
    {"mcall", TEXTS("LAST(@mvar.@mcol)", "FIRST(@mvar.@mcol)", "FIRST(@mvar.@mcol, 1)", "LAST(@mvar.@mcol, 2)", "COUNT(@mvar.*)",
        "COUNT(*)", "SUM(@mvar.@mcol)", "AVG(@mvar.@mcol)", "MIN(@mvar.@mcol)", "MAX(@mvar.@mcol)", "COUNT(@mvar.s)",
        "SUM(@mvar.b * @mvar.b)", "COUNT(DISTINCT @mvar.s)", "STDDEV(@mvar.d)", "LAST(b)", "FIRST(m)",
        "SUM(CASE WHEN CLASSIFIER() = 'A' THEN 1 ELSE 0 END)")},
    {"mnum", TEXTS("A.b", "b", "@mvar.@mcol", "@mcall", "@mcall", "PREV(b)", "PREV(@mcol, 2)", "PREV(LAST(@mvar.@mcol), 1)",
        "PREV(FIRST(@mvar.@mcol, 1), 1)", "(@mnum @arith @mnum)", "@lit", "MATCH_NUMBER()", "ABS(@mnum)",
        "COALESCE(@mnum, @lit)", "CAST(@mnum AS @numtype)", "CASE WHEN @mbool THEN @mnum END")},
    {"mstr", TEXTS("A.s", "CLASSIFIER()", "CLASSIFIER(U)", "LAST(B.s)", "FIRST(s)", "PREV(s)", "UPPER(@mstr)",
        "(@mstr || @mstr)", "CLASSIFIER(U)")},
    {"mbool", TEXTS("b > 0", "@bool", "@mnum @cmp @mnum", "@mnum @cmp @mnum", "@mstr @cmp @mstr", "(@bool AND @mbool)",
        "(@mbool OR @mbool)", "NOT @mbool", "@mnum IS NULL", "@mstr IN ('A', 'x')", "A.ts < ts", "s = A.s")},
};
/* clang-format on */

uint32_t sqlgrammar_random(uint64_t *random, uint32_t n)
{
    *random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = *random;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ x >> 31) % n);
}

static const struct rule *find(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strlen(rules[i].name) == n && memcmp(rules[i].name, name, n) == 0)
            return &rules[i];
    BUG_IF(true, "there is no @%.*s", (int)n, name);
    return NULL;
}

static void expand(const char *text, unsigned depth, uint64_t *random, struct bytes *out)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "@");
        bytes_put(out, text, n);
        text += n;
        if (*text == '\0')
            break;
        for (n = 1; isalpha((unsigned char)text[n]);)
            n++;
        const struct rule *r = find(text + 1, n - 1);
        uint32_t texts = 0;
        while (r->texts[texts] != NULL)
            texts++;
        bool full = depth >= DEPTH_MAX || out->n > TEXT_MAX;
        expand(r->texts[full ? 0 : sqlgrammar_random(random, texts)], depth + 1, random, out);
        text += n;
    }
}

void sqlgrammar_expand(const char *text, uint64_t *random, struct bytes *out)
{
    expand(text, 0, random, out);
}
