/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/zone.h"
#include "base/zone_rule.h"
#include "tests/lib/check.h"

static evtime at(const char *s)
{
    evtime t = 0;
    assert_true(timebase_parse(s, strlen(s), &t));
    return t;
}

static void put32(uint8_t **p, uint32_t v)
{
    for (int i = 24; i >= 0; i -= 8)
        *(*p)++ = (uint8_t)(v >> i);
}

static void put_header(uint8_t **p, uint32_t times, uint32_t types)
{
    memcpy(*p, "TZif2", 5);
    memset(*p + 5, 0, 15);
    *p += 20;
    put32(p, 0);
    put32(p, 0);
    put32(p, 0);
    put32(p, times);
    put32(p, types);
    put32(p, 4);
}

static void put_type(uint8_t **p, int32_t offset_s)
{
    put32(p, (uint32_t)offset_s);
    *(*p)++ = 0;
    *(*p)++ = 0;
}

/* One change, at 1980-01-01, from +0 to +1; then the rule. */
static size_t file(uint8_t out[512], const char *footer)
{
    uint8_t *p = out;
    put_header(&p, 0, 1);
    put_type(&p, 0);
    p = (uint8_t *)memcpy(p, "UTC", 4) + 4;
    put_header(&p, 1, 2);
    put32(&p, 0);
    put32(&p, 315532800);
    *p++ = 1;
    put_type(&p, 0);
    put_type(&p, 3600);
    p = (uint8_t *)memcpy(p, "CET", 4) + 4;
    p = (uint8_t *)memcpy(p, footer, strlen(footer)) + strlen(footer);
    return (size_t)(p - out);
}

static void a_zone_follows_its_changes_and_then_its_rule(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t n = file(bytes, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    struct zone *z = zone_parse(bytes, n);
    assert_non_null(z);
    assert_int_equal(zone_offset_ms(z, at("1979-12-31 23:59:59")), 0);
    assert_int_equal(zone_offset_ms(z, at("1980-01-01 00:00:00")), 3600000);
    assert_int_equal(zone_offset_ms(z, at("2026-03-29 00:59:59.999")), 3600000);
    assert_int_equal(zone_offset_ms(z, at("2026-03-29 01:00:00")), 7200000);
    assert_int_equal(zone_offset_ms(z, at("2026-10-25 00:59:59.999")), 7200000);
    assert_int_equal(zone_offset_ms(z, at("2026-10-25 01:00:00")), 3600000);
    /* 400 years later the calendar is the same */
    assert_int_equal(zone_offset_ms(z, at("2426-03-29 01:00:00")), 7200000);
    assert_int_equal(zone_offset_ms(z, at("8826-03-29 00:59:59.999")), 3600000);
    assert_int_equal(zone_offset_ms(z, at("8826-03-29 01:00:00")), 7200000);
    zone_free(z);
}

static void every_cut_of_a_file_is_refused_or_read(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t n = file(bytes, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    for (size_t i = 0; i < n; i++) {
        uint8_t *copy = mem_alloc(i + 1); /* of its own, so that a sanitizer sees its end */
        memcpy(copy, bytes, i);
        zone_free(zone_parse(copy, i));
        mem_free(copy);
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            zone_free(zone_parse(bytes, n));
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_null(zone_parse("TZif", 4));
}

static void there_and_back_is_the_same_time(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "UTC", "-03:30"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct zone *z = zone_load(names[i], strlen(names[i]));
        assert_non_null(z);
        assert_ptr_equal(z, zone_find(names[i], strlen(names[i])));
        for (evtime t = at("1971-01-01"); t < at("2100-01-01"); t += INT64_C(86400000) * 5 + 12345)
            if (zone_offset_ms(z, t) == zone_offset_ms(z, t - 7200000) &&
                zone_offset_ms(z, t) == zone_offset_ms(z, t + 7200000))
                assert_int_equal(zone_utc(z, zone_local(z, t)), t);
    }
    const struct zone *sydney = zone_load("Australia/Sydney", 16);
    assert_int_equal(zone_offset_ms(sydney, at("2600-01-01")), 39600000);
    assert_int_equal(zone_offset_ms(sydney, at("2600-07-01")), 36000000);
}

static void names_that_leave_the_database_are_none(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",         "/etc/passwd", "../passwd", "Europe/../UTC",  "Europe",
        "No/Where", "+99:00",      "+1:00",     "Europe//Berlin", "a\nb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(zone_load(names[i], strlen(names[i])));
    assert_null(zone_find("Pacific/Apia", 12));
}

static void rules_are_read_as_posix_has_them(void **state)
{
    (void)state;
    struct zone_rule r;
    static const char *const bad[] = {"",
                                      "A1",
                                      "CET",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,J0,J5",
                                      "<+03-3",
                                      "CET-1x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(zone_rule_parse(bad[i], strlen(bad[i]), &r));
    assert_true(zone_rule_parse("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 31, &r)); /* America/Nuuk */
    assert_int_equal(r.standard_s, -7200);
    assert_int_equal(zone_rule_start(&r, 2026), at("2026-03-29 01:00:00"));
    assert_true(zone_rule_parse("XXX3YYY,J60,0", 13, &r));
    assert_int_equal(zone_rule_start(&r, 2024), at("2024-03-01 05:00:00"));
    assert_int_equal(zone_rule_end(&r, 2024), at("2024-01-01 04:00:00"));
    assert_int_equal(zone_rule_year(at("2024-12-31 23:59:59")), 2024);
    assert_int_equal(zone_rule_year(at("0001-01-01")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_follows_its_changes_and_then_its_rule),
        cmocka_unit_test(every_cut_of_a_file_is_refused_or_read),
        cmocka_unit_test(there_and_back_is_the_same_time),
        cmocka_unit_test(names_that_leave_the_database_are_none),
        cmocka_unit_test(rules_are_read_as_posix_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
