/* SPDX-License-Identifier: Apache-2.0 */
/* func_list.h - every scalar function: its name in SQL, its id, what it takes and gives.
 *
 * Room:   rules/ (call.c) reads names and signatures -> [func_list] -> the expression machine has one body for each id
 *
 * A signature is its arguments, a colon, its result. s STRING, i BIGINT, d DOUBLE, b BOOLEAN, t TIMESTAMP: of that type
 * (the compiler has cast BIGINT and DECIMAL to DOUBLE where d is written). n: any number, as it is. a: anything; all a's
 * have one type. `?` before an argument: it and those after it may be left out. `*` after the last one: it may come any
 * number of times. Result: a letter as above, or 1: the type of the first argument.
 * A function gives NULL when an argument is NULL, but for GREATEST and LEAST, which do so too (as in Flink).
 *
 * COALESCE, NULLIF, IF, CASE, CAST, MOD, CONCAT are no functions: they become nodes of their own (expr.h). */
#ifndef WEIR_CEP_FUNC_LIST_H
#define WEIR_CEP_FUNC_LIST_H

/* FUNC(name, id, signature) */
#define FUNC_LIST(FUNC)                                                                            \
    FUNC(UPPER, UPPER, "s:s")                                                                      \
    FUNC(LOWER, LOWER, "s:s")                                                                      \
    FUNC(TRIM, TRIM, "s:s") /* spaces at both ends */                                              \
    FUNC(LTRIM, LTRIM, "s:s")                                                                      \
    FUNC(RTRIM, RTRIM, "s:s")                                                                      \
    FUNC(LENGTH, LENGTH, "s:i") /* in code points */                                               \
    FUNC(SUBSTRING, SUBSTRING, "si?i:s") /* from 1, in code points; negative: from the end */      \
    FUNC(REPLACE, REPLACE, "sss:s")                                                                \
    FUNC(POSITION, POSITION, "ss:i") /* POSITION(part, text), from 1; 0: not in it */              \
    FUNC(STARTS_WITH, STARTS_WITH, "ss:b") /* STARTS_WITH(text, beginning) */                      \
    FUNC(ENDS_WITH, ENDS_WITH, "ss:b")                                                             \
    FUNC(REVERSE, REVERSE, "s:s")                                                                  \
    FUNC(ABS, ABS, "n:1")                                                                          \
    FUNC(SIGN, SIGN, "n:1")                                                                        \
    FUNC(ROUND, ROUND, "n?i:1") /* half away from zero, to that many decimals; the type stays */   \
    FUNC(FLOOR, FLOOR, "n:1")                                                                      \
    FUNC(CEIL, CEIL, "n:1")                                                                        \
    FUNC(SQRT, SQRT, "d:d") /* of a negative number: NULL */                                       \
    FUNC(POWER, POWER, "dd:d")                                                                     \
    FUNC(EXP, EXP, "d:d")                                                                          \
    FUNC(LN, LN, "d:d") /* of what is not positive: NULL */                                        \
    FUNC(LOG10, LOG10, "d:d")                                                                      \
    FUNC(GREATEST, GREATEST, "a*:1")                                                               \
    FUNC(LEAST, LEAST, "a*:1")                                                                     \
    FUNC(YEAR, YEAR, "t:i") /* all of these in UTC */                                              \
    FUNC(QUARTER, QUARTER, "t:i")                                                                  \
    FUNC(MONTH, MONTH, "t:i")                                                                      \
    FUNC(DAYOFMONTH, DAYOFMONTH, "t:i")                                                            \
    FUNC(DAYOFYEAR, DAYOFYEAR, "t:i")                                                              \
    FUNC(DAYOFWEEK, DAYOFWEEK, "t:i") /* 1 = Sunday … 7 = Saturday, as in Flink */               \
    FUNC(HOUR, HOUR, "t:i")                                                                        \
    FUNC(MINUTE, MINUTE, "t:i")                                                                    \
    FUNC(SECOND, SECOND, "t:i")                                                                    \
    FUNC(MILLISECOND, MILLISECOND, "t:i") /* 0 to 999 */                                           \
    FUNC(EPOCH, EPOCH, "t:i") /* whole seconds since 1970, rounded down */

/* ALIAS(name, id): another name of the same function */
#define FUNC_ALIAS_LIST(ALIAS)                                                                     \
    ALIAS(CHAR_LENGTH, LENGTH)                                                                     \
    ALIAS(CHARACTER_LENGTH, LENGTH)                                                                \
    ALIAS(SUBSTR, SUBSTRING)                                                                       \
    ALIAS(CEILING, CEIL)                                                                           \
    ALIAS(POW, POWER)                                                                              \
    ALIAS(DAY, DAYOFMONTH)                                                                         \
    ALIAS(DOW, DAYOFWEEK)                                                                          \
    ALIAS(DOY, DAYOFYEAR)

enum func_id {
#define FUNC_ENUM(name, id, signature) FUNC_##id,
    FUNC_LIST(FUNC_ENUM)
#undef FUNC_ENUM
        FUNC_COUNT
};

#endif
