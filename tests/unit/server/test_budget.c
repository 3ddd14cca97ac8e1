/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/budget.h"
#include "tests/lib/check.h"

enum { MIB = 1 << 20 };

static enum err make(const struct budget_options *o, unsigned workers, struct budget *out,
                     const char *says)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = budget_make(o, workers, out, &d);
    if (says != NULL) {
        char *text = diag_text(&d);
        assert_non_null(strstr(text, says));
        mem_free(text);
    }
    diag_fini(&d);
    return e;
}

static void what_is_not_given_has_its_usual_size(void **state)
{
    (void)state;
    struct budget b;
    assert_ok(make(&(struct budget_options){0}, 2, &b, NULL));
    assert_int_equal(b.parts[BUDGET_INTAKE], 64 * MIB);
    assert_int_equal(b.intake_bytes, 16 * MIB);
    assert_int_equal(b.bodies_bytes, 32 * MIB);
    assert_int_equal(b.peer_window, MIB);
    assert_int_equal(b.ordering_bytes, 512 * MIB);
    assert_int_equal(b.state_bytes, 1024 * MIB);
    assert_ok(make(&(struct budget_options){0}, 64, &b, NULL));
    assert_true(b.parts[BUDGET_EXCHANGE] > 128 * MIB);
}

static void channels_and_results_fit_into_the_exchange(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 64; n++) {
        struct budget b;
        assert_ok(make(&(struct budget_options){0}, (unsigned)n, &b, NULL));
        assert_true(n * (n - 1) * b.peer_window + n * b.results_window + b.alerts_bytes <=
                    b.parts[BUDGET_EXCHANGE]);
        assert_true(b.peer_window >= 32 << 10 && b.results_window >= 64 << 10);
    }
}

static void a_total_is_shared_by_what_is_not_given(void **state)
{
    (void)state;
    struct budget b;
    struct budget_options o = {.total = 1024 * (uint64_t)MIB};
    uint64_t sum = 0;
    o.parts[BUDGET_STATE] = 300 * MIB;
    assert_ok(make(&o, 2, &b, NULL));
    assert_int_equal(b.parts[BUDGET_STATE], 300 * MIB);
    for (unsigned i = 0; i < BUDGET_PARTS; i++)
        sum += b.parts[i];
    assert_true(sum <= (1024 - 160 - 64) * (uint64_t)MIB);
    o.parts[BUDGET_STATE] = 900 * MIB;
    assert_err(make(&o, 2, &b, "memory-total is 1024 MiB"), ERR_LIMIT);
}

static void too_little_is_refused_with_what_it_takes(void **state)
{
    (void)state;
    struct budget b;
    struct budget_options o = {.parts = {[BUDGET_ORDERING] = 5 * MIB}};
    assert_ok(make(&o, 1, &b, NULL));
    assert_err(make(&o, 2, &b, "2 workers need at least 8192 KiB"), ERR_LIMIT);
    o = (struct budget_options){.total = 100 * MIB};
    assert_err(make(&o, 1, &b, "memory-intake"), ERR_LIMIT);
}

int main(void)
{
    CHECK_RUN(TEST(what_is_not_given_has_its_usual_size),
              TEST(channels_and_results_fit_into_the_exchange),
              TEST(a_total_is_shared_by_what_is_not_given),
              TEST(too_little_is_refused_with_what_it_takes));
}
