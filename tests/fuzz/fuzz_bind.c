/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements that mostly bind, through all of the compiler and a small run. fuzz_rule_text finds what breaks the lexer and
 * the parser; here the mutator knows the grammar and the stream, so that inputs get past them: it makes whole statements,
 * and puts an expression of the same type, or an element of a pattern, in the place of a word. */
#include "base/bytes.h"
#include "base/mem.h"
#include "tests/lib/planuse.h"
#include "tests/lib/sqlgrammar.h"
#include <ctype.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
/* libFuzzer's own; replay_main has none. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

enum { WORDS_MAX = 512, TEXT_MAX = 16 << 10 };

/* What may stand for a word of the text. */
static const struct {
    const char *word, *other;
} swaps[] = {
    {"b", "@num"},
    {"d", "@num"},
    {"m", "@num"},
    {"k", "@num"},
    {"s", "@str"},
    {"o", "@bool"},
    {"c", "@bool"},
    {"ts", "@ts"},
    {"A", "@elem"},
    {"B", "@elem"},
    {"C", "@elem"},
    {"D", "@elem"},
    {"AND", "OR"},
    {"OR", "AND"},
    {"MATCH", "MATCH"},
    {"TRUE", "@bool"},
    {"FALSE", "@bool"},
    {"NULL", "@any"},
    {"SECOND", "@unit"},
    {"COUNT", "SUM"},
    {"SUM", "MIN"},
    {"MIN", "AVG"},
    {"AVG", "COUNT"},
    {"FIRST", "LAST"},
    {"LAST", "PREV"},
    {"PREV", "FIRST"},
    {"FINAL", "RUNNING"},
    {"ROWS", "RANGE"},
    {"DEFINE", "@subset DEFINE"},
    {"MEASURES", "MEASURES @meas AS z,"},
    {"WHERE", "WHERE @bool AND"},
    {"HAVING", "HAVING @agg @cmp @agg AND"},
    {"PATTERN", "@skip PATTERN"},
};
enum { SWAPS = sizeof swaps / sizeof *swaps };

struct word {
    size_t at, n;
};

/* Names, numbers, texts in quotes, and signs, each a word. */
static unsigned words_of(const char *text, size_t n, struct word *out)
{
    unsigned count = 0;
    for (size_t i = 0; i < n && count < WORDS_MAX;) {
        size_t from = i++;
        if (isspace((unsigned char)text[from]))
            continue;
        if (isalnum((unsigned char)text[from]) || text[from] == '_')
            while (i < n && (isalnum((unsigned char)text[i]) || text[i] == '_' || text[i] == '.'))
                i++;
        else if (text[from] == '\'')
            while (i < n && text[i++] != '\'')
                ;
        else if (strchr("->+*?{}|!<=", text[from]) != NULL)
            while (i < n && strchr("->+*?{},0123456789|!<=", text[i]) != NULL && text[i] != '\0')
                i++;
        out[count++] = (struct word){from, i - from};
    }
    return count;
}

/* What to put in the place of a word; NULL: nothing is known. */
static const char *other_than(const char *word, size_t n, uint64_t *random)
{
    if (isdigit((unsigned char)word[0]))
        return sqlgrammar_random(random, 3) == 0 ? "@num" : "@lit";
    if (word[0] == '\'')
        return sqlgrammar_random(random, 3) == 0 ? "@str" : "@strlit";
    if (n > 2 && word[1] == '.' && isupper((unsigned char)word[0]))
        return sqlgrammar_random(random, 2) == 0 ? "@mvar.@mcol" : "@mnum";
    if (memchr("->+*?{", word[0], 6) != NULL)
        return n >= 2 && word[n - 1] == '>' ? "@how" : "@quant";
    for (unsigned i = 0; i < SWAPS; i++)
        if (strlen(swaps[i].word) == n && memcmp(swaps[i].word, word, n) == 0)
            return swaps[i].other;
    return NULL;
}

static void swap_word(const char *text, size_t n, uint64_t *random, struct bytes *out)
{
    struct word words[WORDS_MAX];
    unsigned count = words_of(text, n, words);
    const char *other = NULL;
    struct word w = {0, 0};
    for (unsigned tries = 0; tries < 16 && other == NULL && count > 0; tries++) {
        w = words[sqlgrammar_random(random, count)];
        other = other_than(text + w.at, w.n, random);
    }
    if (other == NULL) {
        sqlgrammar_expand("@script", random, out);
        return;
    }
    bytes_put(out, text, w.at);
    sqlgrammar_expand(other, random, out);
    bytes_put(out, text + w.at + w.n, n - w.at - w.n);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    uint64_t random = seed;
    uint32_t what = sqlgrammar_random(&random, 16);
    struct bytes out = {0};
    if (what == 0 && LLVMFuzzerMutate != NULL)
        return LLVMFuzzerMutate(data, size, max_size);
    if (what < 5 || size == 0 || size > TEXT_MAX) {
        sqlgrammar_expand("@script", &random, &out);
    } else {
        for (uint32_t times = 1 + sqlgrammar_random(&random, 3); times > 0; times--) {
            struct bytes before = out.n > 0 ? out : (struct bytes){0};
            out = (struct bytes){0};
            if (before.n > 0)
                swap_word((const char *)before.p, before.n, &random, &out);
            else
                swap_word((const char *)data, size, &random, &out);
            bytes_fini(&before);
        }
    }
    size_t n = out.n < max_size ? out.n : max_size;
    memcpy(data, out.p, n);
    bytes_fini(&out);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script *s = NULL;
    struct diag d;
    if (size > TEXT_MAX)
        return 0;
    /* A bare SELECT is the rule r. */
    struct bytes text = {0};
    if (size > 6 && memcmp(data, "SELECT", 6) == 0)
        bytes_printf(&text, "CREATE RULE r AS ");
    bytes_put(&text, data, size);
    bytes_put(&text, "", 1);
    diag_init(&d, (char *)text.p, text.n - 1);
    planuse_check_outcome(compile_script_bounded((char *)text.p, text.n - 1, planuse_scope(), &d,
                                                 &s),
                          &d);
    for (unsigned i = 0; s != NULL && i < s->n; i++)
        if (s->statements[i].rule != NULL)
            planuse_explain(s->statements[i].rule);
    if (s != NULL)
        planuse_run(s);
    mem_free(diag_text(&d));
    compile_script_free(s);
    diag_fini(&d);
    bytes_fini(&text);
    return 0;
}
