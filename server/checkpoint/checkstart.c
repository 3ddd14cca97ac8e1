/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "checkpoint"
#include "server/checkpoint/checkstart.h"
#include "base/log.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

struct one {
    uint64_t id;
    bool damaged;
    struct control_position *positions;
    size_t npositions;
    struct version { /* the oldest of each rule that it has */
        uint64_t uid;
        uint32_t version;
    } * versions;
    size_t nversions;
};
struct checkstart {
    char *root;
    struct one *all; /* ascending */
    size_t n, cap;
    uint64_t last, taken; /* taken: the one that workers begin from; 0: none */
};

static struct checkmeta *read_meta(const struct checkstart *s, uint64_t id, struct diag *d)
{
    struct bytes text = {0};
    struct checkmeta *m = NULL;
    enum err e = checkpoint_metadata(s->root, id, &text, d);
    if (e == ERR_OK)
        e = checkmeta_get((const char *)text.p, text.n, d, &m);
    if (e == ERR_OK && m->id != id) {
        diag_say(d, "damaged", NULL, "the metadata are of checkpoint %" PRIu64, m->id);
        checkmeta_free(m);
        m = NULL;
    }
    bytes_fini(&text);
    return m;
}

static void say_skipped(uint64_t id, const struct diag *d)
{
    char *text = diag_text(d);
    text[strcspn(text, "\n")] = '\0';
    LOG_ERROR("checkpoint is left out, it cannot be used", "id=%" PRIu64 " reason=\"%s\"", id,
              text);
    mem_free(text);
}

static void say_damaged_ones(const struct diag *d)
{
    for (int i = 0; i < d->n; i++)
        LOG_ERROR("checkpoint is left out, it cannot be used", "reason=\"%s\"",
                  d->items[i].message);
}

struct checkstart *checkstart_open(const char *root, struct checkhistory *h)
{
    struct checkstart *s = mem_new(sizeof *s);
    struct diag d;
    uint64_t *ids = NULL;
    diag_init(&d, NULL, 0);
    s->root = mem_str(root);
    size_t n = checkpoint_list(root, &ids, &d);
    say_damaged_ones(&d);
    diag_fini(&d);
    for (size_t i = 0; i < n; i++) {
        diag_init(&d, NULL, 0);
        struct checkmeta *m = read_meta(s, ids[i], &d);
        if (m != NULL) {
            checkstart_add(s, m);
            checkhistory_found(h, m);
        } else {
            say_skipped(ids[i], &d);
        }
        checkmeta_free(m);
        diag_fini(&d);
    }
    mem_free(ids);
    return s;
}

static void fini(struct one *x)
{
    mem_free(x->positions);
    mem_free(x->versions);
}

void checkstart_free(struct checkstart *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        fini(&s->all[i]);
    mem_free(s->all);
    mem_free(s->root);
    mem_free(s);
}

uint64_t checkstart_last(const struct checkstart *s)
{
    return s->last;
}

static struct version *version_of(const struct one *x, uint64_t uid)
{
    for (size_t i = 0; i < x->nversions; i++)
        if (x->versions[i].uid == uid)
            return &x->versions[i];
    return NULL;
}

static void note_versions(struct one *x, const struct checkmeta *m)
{
    x->versions = mem_array(m->nrules + 1, sizeof *x->versions);
    for (size_t i = 0; i < m->nrules; i++) {
        struct version *v = version_of(x, m->rules[i].uid);
        if (v == NULL)
            x->versions[x->nversions++] = (struct version){m->rules[i].uid, m->rules[i].version};
        else if (m->rules[i].version < v->version)
            v->version = m->rules[i].version;
    }
}

bool checkstart_has_rule(const struct checkstart *s, uint64_t uid)
{
    size_t good = 0;
    for (size_t i = 0; i < s->n; i++) {
        good += !s->all[i].damaged;
        if (!s->all[i].damaged && version_of(&s->all[i], uid) != NULL)
            return true;
    }
    return good == 0;
}

bool checkstart_took(const struct checkstart *s, uint64_t uid)
{
    for (size_t i = 0; i < s->n && s->taken != 0; i++)
        if (s->all[i].id == s->taken)
            return version_of(&s->all[i], uid) != NULL;
    return false;
}

void checkstart_forget_versions(const struct checkstart *s, struct registry *r)
{
    const struct registry_rule *of;
    for (unsigned i = 0; (of = registry_rule_at(r, i)) != NULL; i++) {
        uint32_t oldest = of->before == NULL ? 0 : of->retired;
        for (size_t k = 0; k < s->n && oldest > 0; k++) {
            const struct version *v = version_of(&s->all[k], of->uid);
            if (!s->all[k].damaged && (v == NULL || v->version < oldest))
                oldest = v == NULL ? 0 : v->version;
        }
        if (oldest > 0)
            registry_forget_versions(r, of->uid, oldest);
    }
}

void checkstart_add(struct checkstart *s, const struct checkmeta *m)
{
    s->all = mem_grow(s->all, s->n, 1, &s->cap, sizeof *s->all);
    struct one *x = &s->all[s->n++];
    *x = (struct one){.id = m->id, .npositions = m->npositions};
    x->positions = mem_array(m->npositions + 1, sizeof *x->positions);
    for (size_t i = 0; i < m->npositions; i++)
        x->positions[i] = m->positions[i].at;
    note_versions(x, m);
    s->last = m->id;
}

static const struct control_position *position_in(const struct one *x, uint32_t stream,
                                                  uint32_t partition)
{
    for (size_t i = 0; i < x->npositions; i++)
        if (x->positions[i].stream == stream && x->positions[i].partition == partition)
            return &x->positions[i];
    return NULL;
}

bool checkstart_needs(const struct checkstart *s, uint32_t stream, uint32_t partition,
                      uint64_t *offset)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct control_position *at = position_in(&s->all[i], stream, partition);
        if (at == NULL && !s->all[i].damaged)
            return false;
        if (at != NULL && !s->all[i].damaged && at->offset < *offset)
            *offset = at->offset;
    }
    return s->n > 0;
}

void checkstart_remove(const struct checkstart *s, uint64_t id)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    if (checkpoint_remove(s->root, id, &d) != ERR_OK) {
        char *text = diag_text(&d);
        LOG_WARN("an old checkpoint could not be deleted", "id=%" PRIu64 " reason=\"%s\"", id,
                 text);
        mem_free(text);
    }
    diag_fini(&d);
}

uint64_t checkstart_too_many(struct checkstart *s, unsigned kept)
{
    size_t good = 0, i = s->n;
    while (i > 0 && good < kept)
        good += !s->all[--i].damaged;
    if (i == 0)
        return 0;
    fini(&s->all[0]);
    uint64_t id = s->all[0].id; /* the oldest goes first, damaged or not */
    memmove(s->all, s->all + 1, --s->n * sizeof *s->all);
    return id;
}

/* --- to begin from ------------------------------------------------------------------------------------------------- */

static bool read_cooldown(const struct checkstart *s, const struct checkmeta *m, struct bytes *out,
                          struct diag *d)
{
    char *folder = checkpoint_folder(s->root, m->id);
    char *path = mem_printf("%s/cooldown", folder);
    FILE *f = fopen(path, "rbe");
    struct stat st;
    bool ok = f != NULL && fstat(fileno(f), &st) == 0 && (uint64_t)st.st_size == m->cooldown_bytes;
    bytes_reset(out);
    if (ok) {
        out->n = fread(bytes_reserve(out, m->cooldown_bytes + 1), 1, m->cooldown_bytes, f);
        ok = out->n == m->cooldown_bytes && XXH3_64bits(out->p, out->n) == m->cooldown_sum;
    }
    if (f != NULL)
        fclose(f);
    if (!ok)
        diag_say(d, "damaged", NULL, "%s is damaged, or not there", path);
    mem_free(path);
    mem_free(folder);
    return ok;
}

struct checkmeta *checkstart_take(struct checkstart *s, struct registry *r, struct bytes *cooldown)
{
    s->taken = 0;
    for (size_t i = s->n; i-- > 0;) {
        struct diag d;
        if (s->all[i].damaged)
            continue;
        diag_init(&d, NULL, 0);
        struct checkmeta *m = read_meta(s, s->all[i].id, &d);
        bool whole = m != NULL && read_cooldown(s, m, cooldown, &d);
        bool fits = whole && checkmeta_fits(m, r, &d);
        if (!fits)
            say_skipped(s->all[i].id, &d);
        s->all[i].damaged = !whole;
        diag_fini(&d);
        if (fits) {
            LOG_INFO("the workers begin from a checkpoint", "id=%" PRIu64, m->id);
            s->taken = m->id;
            checkmeta_forget_versions(m, r);
            return m;
        }
        checkmeta_free(m);
    }
    bytes_reset(cooldown);
    return NULL;
}

bool checkstart_damaged(struct checkstart *s, const char *why)
{
    bool found = false;
    for (size_t i = 0; i < s->n && s->taken != 0; i++)
        if (s->all[i].id == s->taken && !s->all[i].damaged) {
            s->all[i].damaged = found = true;
            LOG_ERROR("checkpoint is left out, it cannot be used", "id=%" PRIu64 " reason=\"%s\"",
                      s->taken, why);
        }
    return found;
}
