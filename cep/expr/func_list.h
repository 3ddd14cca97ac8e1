/* SPDX-License-Identifier: Apache-2.0 */
/* func_list.h - every scalar function: its name in SQL, its id, what it takes and gives.
 *
 * Room:   rules/ (call.c) reads names and signatures -> [func_list] -> the expression machine has one body for each id
 *
 * A signature is its arguments, a colon, its result. s STRING, i BIGINT, d DOUBLE, b BOOLEAN, t TIMESTAMP: of that type
 * (the compiler has cast BIGINT and DECIMAL to DOUBLE where d is written). n: any number, as it is. a: anything; all a's
 * have one type. `?` before an argument: it and those after it may be left out. `*` after the last one: it may come any
 * number of times. Result: a letter as above, or 1: the type of the first argument.
 * Three letters are constants, made ready once when the expression is built (func_ready in func.h): p a regular
 * expression, z the name of a time zone, u a unit of time (which may stand there without quotes).
 * A function gives NULL when an argument is NULL, GREATEST and LEAST too (as in Flink); CONCAT_WS leaves NULLs out.
 *
 * COALESCE, NULLIF, IF, CASE, CAST, MOD, CONCAT are no functions: they become nodes of their own (expr.h). */
#ifndef WEIR_CEP_FUNC_LIST_H
#define WEIR_CEP_FUNC_LIST_H

/* FUNC(name, id, signature) */
#define FUNC_LIST(FUNC)                                                                            \
    FUNC(UPPER, UPPER, "s:s")                                                                      \
    FUNC(LOWER, LOWER, "s:s")                                                                      \
    FUNC(TRIM, TRIM, "s?s:s") /* spaces, or those characters, at both ends */                      \
    FUNC(LTRIM, LTRIM, "s?s:s")                                                                    \
    FUNC(RTRIM, RTRIM, "s?s:s")                                                                    \
    FUNC(LENGTH, LENGTH, "s:i") /* in code points */                                               \
    FUNC(SUBSTRING, SUBSTRING, "si?i:s") /* from 1, in code points; negative: from the end */      \
    FUNC(REPLACE, REPLACE, "sss:s")                                                                \
    FUNC(POSITION, POSITION, "ss:i") /* POSITION(part, text), from 1; 0: not in it */              \
    FUNC(STARTS_WITH, STARTS_WITH, "ss:b") /* STARTS_WITH(text, beginning) */                      \
    FUNC(ENDS_WITH, ENDS_WITH, "ss:b")                                                             \
    FUNC(REVERSE, REVERSE, "s:s")                                                                  \
    FUNC(LEFT, LEFT, "si:s")                                                                       \
    FUNC(RIGHT, RIGHT, "si:s")                                                                     \
    FUNC(LPAD, LPAD, "si?s:s") /* filled up, or cut, to that many code points */                   \
    FUNC(RPAD, RPAD, "si?s:s")                                                                     \
    FUNC(REPEAT, REPEAT, "si:s")                                                                   \
    FUNC(SPLIT_INDEX, SPLIT_INDEX, "ssi:s") /* the pieces are counted from 0 */                    \
    FUNC(INITCAP, INITCAP, "s:s")                                                                  \
    FUNC(CONCAT_WS, CONCAT_WS, "ss*:s") /* the separator first */                                  \
    FUNC(LOCATE, LOCATE, "ss?i:i") /* as POSITION, from a place on */                              \
    FUNC(INSTR, INSTR, "ss:i") /* as POSITION, the text first */                                   \
    FUNC(REGEXP, REGEXP, "sp:b") /* somewhere in the text */                                       \
    FUNC(REGEXP_EXTRACT, REGEXP_EXTRACT, "sp?i:s") /* the whole, or a group of it */               \
    FUNC(REGEXP_REPLACE, REGEXP_REPLACE, "sps:s") /* every place; the third is a plain text */     \
    FUNC(ABS, ABS, "n:1")                                                                          \
    FUNC(SIGN, SIGN, "n:1")                                                                        \
    FUNC(ROUND, ROUND, "n?i:1") /* half away from zero, to that many decimals; the type stays */   \
    FUNC(TRUNCATE, TRUNCATE, "n?i:1") /* as ROUND, towards zero */                                 \
    FUNC(FLOOR, FLOOR, "n:1")                                                                      \
    FUNC(CEIL, CEIL, "n:1")                                                                        \
    FUNC(SQRT, SQRT, "d:d") /* of a negative number: NULL */                                       \
    FUNC(POWER, POWER, "dd:d")                                                                     \
    FUNC(EXP, EXP, "d:d")                                                                          \
    FUNC(LN, LN, "d:d") /* of what is not positive: NULL */                                        \
    FUNC(LOG10, LOG10, "d:d")                                                                      \
    FUNC(LOG2, LOG2, "d:d")                                                                        \
    FUNC(LOG, LOG, "d?d:d") /* LN; of two: the base first */                                       \
    FUNC(SIN, SIN, "d:d")                                                                          \
    FUNC(COS, COS, "d:d")                                                                          \
    FUNC(TAN, TAN, "d:d")                                                                          \
    FUNC(ASIN, ASIN, "d:d")                                                                        \
    FUNC(ACOS, ACOS, "d:d")                                                                        \
    FUNC(ATAN, ATAN, "d:d")                                                                        \
    FUNC(RADIANS, RADIANS, "d:d")                                                                  \
    FUNC(DEGREES, DEGREES, "d:d")                                                                  \
    FUNC(ATAN2, ATAN2, "dd:d")                                                                     \
    FUNC(DISTANCE_KM, DISTANCE_KM,                                                                 \
         "dddd:d") /* along a great circle; degrees: lat, lon, lat, lon */                         \
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
    FUNC(EPOCH, EPOCH, "t:i") /* whole seconds since 1970, rounded down */                         \
    FUNC(WEEK, WEEK, "t:i") /* ISO: from Monday; the first has 4 January in it */                  \
    FUNC(ISODOW, ISODOW, "t:i") /* 1 = Monday */                                                   \
    FUNC(ISOYEAR, ISOYEAR, "t:i") /* the year that the week belongs to */                          \
    FUNC(DECADE, DECADE, "t:i")                                                                    \
    FUNC(CENTURY, CENTURY, "t:i")                                                                  \
    FUNC(MILLENNIUM, MILLENNIUM, "t:i")                                                            \
    FUNC(TIMESTAMPADD, TIMESTAMPADD, "uit:t")                                                      \
    FUNC(TIMESTAMPDIFF, TIMESTAMPDIFF, "utt:i") /* whole units from the first to the second */     \
    FUNC(TIME_FLOOR, TIME_FLOOR, "tu:t") /* FLOOR(t TO unit) */                                    \
    FUNC(TIME_CEIL, TIME_CEIL, "tu:t")                                                             \
    FUNC(DATE_FORMAT, DATE_FORMAT, "ts:s")                                                         \
    FUNC(TO_TIMESTAMP, TO_TIMESTAMP, "s?s:t")                                                      \
    FUNC(TO_TIMESTAMP_LTZ, TO_TIMESTAMP_LTZ,                                                       \
         "i?i:t") /* of seconds, or milliseconds (3) since 1970 */                                 \
    FUNC(AT_ZONE, AT_ZONE, "tz:t") /* t AT TIME ZONE z: the clock on the wall there */             \
    FUNC(FROM_ZONE, FROM_ZONE, "tz:t") /* and back */                                              \
    FUNC(CONVERT_TZ, CONVERT_TZ, "szz:s") /* 'yyyy-MM-dd HH:mm:ss' from a zone to another */

/* ALIAS(name, id): another name of the same function */
#define FUNC_ALIAS_LIST(ALIAS)                                                                     \
    ALIAS(CHAR_LENGTH, LENGTH)                                                                     \
    ALIAS(CHARACTER_LENGTH, LENGTH)                                                                \
    ALIAS(BTRIM, TRIM)                                                                             \
    ALIAS(STARTSWITH, STARTS_WITH)                                                                 \
    ALIAS(ENDSWITH, ENDS_WITH)                                                                     \
    ALIAS(REGEXP_LIKE, REGEXP)                                                                     \
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
