/* SPDX-License-Identifier: Apache-2.0 */
/* dict.h - the strings that live rules compare with, each with a small id, so that equality is one integer compare.
 *
 * Ids are of one job (epoch): never on disk or wire. Id 0 is "none of them". Owned by a job; read-only after build.
 * A batch says which dictionary its ids are of, by serial number (batch.h): rows decoded before a change of rules carry
 * ids of the former one, and are compared by their bytes. */
#ifndef WEIR_CEP_DICT_H
#define WEIR_CEP_DICT_H
#include "cep/row/schema.h"

struct dict;

struct dict *dict_new(void);
void dict_free(struct dict *d); /* NULL is fine */
uint32_t dict_add(struct dict *d, const char *p,
                  size_t n); /* id >= 1; the same text, the same id; copies */
uint32_t dict_find(const struct dict *d, const char *p, size_t n); /* 0: none */
/* The ids of n texts of a column, into their `id`. DICT_PADDING bytes must be readable from each text's beginning. */
enum { DICT_PADDING = 16 };
struct str;
void dict_fill(const struct dict *d, struct str *texts, size_t n);
uint32_t dict_count(const struct dict *d);
uint64_t dict_serial(const struct dict *d); /* >= 1; no other dictionary of this process has it */

/* Columns that are compared with a string of the dictionary: a decoder fills the ids of these only. One set for all
 * streams of the job; a column too many costs time, not exactness. */
void dict_mark(struct dict *d, unsigned column);
const struct colset *dict_columns(const struct dict *d);

#endif
