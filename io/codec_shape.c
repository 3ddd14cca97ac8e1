/* SPDX-License-Identifier: Apache-2.0 */
#include "io/codec_shape.h"
#include "base/mem.h"

enum { LEARNED_MAX = 4096 };

static struct codec_node *node_new(struct arena *arena)
{
    struct codec_node *n = arena_zero(arena, sizeof *n);
    n->keys = dict_new();
    /* No key begins with a NUL: what is not learned yet is never right. */
    n->guesses = arena_zero(arena, (CODEC_GUESSES + 1) * sizeof *n->guesses);
    n->before = arena_zero(arena, (CODEC_GUESSES + 1) * sizeof *n->before);
    return n;
}

static void node_fini(struct codec_node *n)
{
    for (uint32_t i = 0; i < dict_count(n->keys); i++)
        if (n->fields[i].inside != NULL)
            node_fini(n->fields[i].inside);
    dict_free(n->keys);
    mem_free(n->fields);
}

static struct codec_field *field_of(struct codec_shape *s, struct codec_node *node, const char *key,
                                    size_t n, const char *path, size_t path_len)
{
    uint32_t id = dict_find(node->keys, key, n);
    if (id == 0) {
        uint32_t count = dict_count(node->keys);
        id = dict_add(node->keys, key, n);
        node->fields = mem_grow(node->fields, count, 1, &node->cap_fields, sizeof *node->fields);
        node->fields[count] =
            (struct codec_field){.path = arena_dup(s->arena, path, path_len), .column = -1};
    }
    return &node->fields[id - 1];
}

static enum codec_op op_of(const struct codec_field *f)
{
    switch (f->type.kind) {
    case TYPE_STRING:
        return f->wanted ? CODEC_OP_STRING_KEEP : CODEC_OP_STRING;
    case TYPE_TIMESTAMP:
        return CODEC_OP_TIME;
    case TYPE_DECIMAL:
        return CODEC_OP_FIXED;
    case TYPE_BIGINT:
    case TYPE_INTERVAL:
        return CODEC_OP_WHOLE;
    default:
        return CODEC_OP_SLOW;
    }
}

/* 'billing.address.city' goes down by its dots; a name without a path is one key, dots and all. */
static void add_column(struct codec_shape *s, const struct schema *schema, unsigned c, bool wanted)
{
    const struct column *column = &schema->columns[c];
    const char *path = column->path != NULL ? column->path : column->name, *from = path;
    struct codec_node *node = s->root;
    struct codec_field *f = NULL;
    for (;;) {
        const char *dot = column->path != NULL ? strchr(from, '.') : NULL;
        size_t n = dot != NULL ? (size_t)(dot - from) : strlen(from);
        colset_add(&node->under, c);
        f = field_of(s, node, from, n, path, (size_t)(from - path) + n);
        if (dot == NULL)
            break;
        if (f->inside == NULL)
            f->inside = node_new(s->arena);
        f->op = CODEC_OP_SLOW;
        node = f->inside;
        from = dot + 1;
    }
    struct codec_field leaf = {.path = f->path,
                               .column = (int)c,
                               .bit = UINT64_C(1) << (c % 64),
                               .type = column->type,
                               .wanted = wanted};
    leaf.op = op_of(&leaf);
    if (f->column < 0) {
        leaf.inside = f->inside;
        *f = leaf;
    } else {
        leaf.also = f->also;
        f->also = arena_alloc(s->arena, sizeof leaf);
        *f->also = leaf;
    }
    if (f->inside != NULL || f->also != NULL)
        f->op = CODEC_OP_SLOW;
}

void codec_shape_init(struct codec_shape *s, const struct schema *schema, const struct colset *want)
{
    *s = (struct codec_shape){.arena = arena_new(0, 0)};
    s->root = node_new(s->arena);
    for (unsigned c = 0; c < schema->ncolumns; c++) {
        if (schema->columns[c].computed != NULL)
            continue;
        if (schema->time != TIME_EVENT && (int)c == schema->time_column)
            continue; /* the caller sets it: batch_set_time */
        colset_add(&s->inputs, c);
        add_column(s, schema, c, colset_has(want, c));
    }
}

void codec_shape_fini(struct codec_shape *s)
{
    if (s->root != NULL)
        node_fini(s->root);
    arena_free(s->arena);
}

static void learn(struct codec_shape *s, struct codec_node *node, struct codec_guess *g,
                  const char *key, size_t n, const struct codec_field *f)
{
    struct codec_guess new = {.n = (uint32_t)n + 3, .field = f, .op = f->op};
    char text[CODEC_GUESS_KEY_MAX + 3];
    if (n > CODEC_GUESS_KEY_MAX)
        return;
    text[0] = '"';
    memcpy(text + 1, key, n);
    text[1 + n] = '"';
    text[2 + n] = ':';
    if (new.n > sizeof new.text) {
        if (node->learned >= LEARNED_MAX)
            return;
        node->learned++;
        new.key = arena_dup(s->arena, text, new.n);
    }
    size_t first = new.n < sizeof new.text ? new.n : sizeof new.text;
    memcpy(new.text, text, first);
    memset(new.mask + first, 0xff, sizeof new.mask - first);
    *g = new;
    for (unsigned i = (unsigned)(g - node->guesses); i < CODEC_GUESSES; i++) {
        node->before[i + 1] = node->before[i];
        const struct codec_field *of = node->guesses[i].field;
        if (of != NULL && of->column >= 0)
            colset_add(&node->before[i + 1], (unsigned)of->column);
    }
}

const struct codec_field *codec_shape_find(struct codec_shape *s, struct codec_node *node,
                                           unsigned *i, const char *key, size_t n)
{
    static const struct codec_field unknown = {.path = "", .op = CODEC_OP_SKIP, .column = -1};
    uint32_t id = dict_find(node->keys, key, n);
    const struct codec_field *f = id == 0 ? &unknown : &node->fields[id - 1];
    if (*i < CODEC_GUESSES)
        learn(s, node, &node->guesses[(*i)++], key, n, f);
    return f;
}
