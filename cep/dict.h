/* dict.h - the strings that live rules compare with, each with a small id, so that equality is one integer compare.
 *
 * Ids are of one job (epoch): never on disk or wire. Id 0 is "none of them". Owned by a job; read-only after build. */
#ifndef WEIR_CEP_DICT_H
#define WEIR_CEP_DICT_H
#include <stddef.h>
#include <stdint.h>

struct dict;

struct dict *dict_new(void);
void dict_free(struct dict *d);
uint32_t dict_add(struct dict *d, const char *p, size_t n); /* id >= 1; the same text, the same id; copies */
uint32_t dict_find(const struct dict *d, const char *p, size_t n); /* 0: none */
uint32_t dict_count(const struct dict *d);

#endif
