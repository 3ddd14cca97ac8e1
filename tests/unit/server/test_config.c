/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/config.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <unistd.h>

static struct config config;
static struct diag d;
static char path[] = "/tmp/weir-config-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/weir-config-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    close(fd);
    config_init(&config);
    diag_init(&d, NULL, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    config_fini(&config);
    diag_fini(&d);
    return 0;
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static void assert_said(const char *part)
{
    char *text = diag_text(&d);
    if (!strstr(text, part))
        print_error("said: %s\n", text);
    assert_non_null(strstr(text, part));
    mem_free(text);
}

static void an_option_is_parsed_by_its_type(void **state)
{
    (void)state;
    assert_true(config.port == 8080 && config.max_body == 10 << 20);
    assert_string_equal(config.bind, "127.0.0.1");
    assert_ok(config_set(&config, "max-body", "2 MiB", &d));
    assert_ok(config_set(&config, "request_timeout", "1500 ms", &d));
    assert_ok(config_set(&config, "data", "/x", &d));
    assert_true(config.max_body == 2 << 20 && config.request_timeout == 1500);
    assert_string_equal(config.data, "/x");
}

static void a_wrong_value_is_told_with_what_it_may_be(void **state)
{
    (void)state;
    assert_err(config_set(&config, "port", "65536", &d), ERR_INVALID);
    assert_said("port is '65536'; it must be a whole number from 0 to 65535");
    assert_err(config_set(&config, "port", "-1", &d), ERR_INVALID);
    assert_err(config_set(&config, "port", "80x", &d), ERR_INVALID);
    assert_err(config_set(&config, "max_body", "99999999999999999999", &d), ERR_INVALID);
    assert_err(config_set(&config, "max_body", "18446744073709551615 GiB", &d), ERR_INVALID);
    assert_true(config.port == 8080);
}

static void an_unknown_option_offers_the_nearest(void **state)
{
    (void)state;
    assert_err(config_set(&config, "worker", "2", &d), ERR_NOT_FOUND);
    assert_said("did you mean 'workers'?");
}

static void flags_win_over_the_file(void **state)
{
    (void)state;
    bool help = true;
    char *argv[] = {(char[]){"serve"},      (char[]){"--port=9"}, (char[]){"--config"}, path,
                    (char[]){"--max-body"}, (char[]){"1 MiB"}};
    write_file("# ours\nport: 7\nworkers: 3\nmax_body: 4 MiB\nbind: \"::1\"\n");
    assert_ok(config_flags(&config, 6, argv, &d, &help));
    assert_false(help);
    assert_true(config.port == 9 && config.workers == 3 && config.max_body == 1 << 20);
    assert_string_equal(config.bind, "::1");
}

static void a_bad_file_is_told_with_its_line(void **state)
{
    (void)state;
    write_file("port: 7\nworkers: many\n");
    assert_err(config_file(&config, path, &d), ERR_INVALID);
    assert_said("workers is 'many'");
    assert_said("line 2");
    write_file("port: [1, 2]\n");
    assert_err(config_file(&config, path, &d), ERR_INVALID);
    assert_said("an option has one plain value");
    write_file("- port\n");
    assert_err(config_file(&config, path, &d), ERR_INVALID);
    write_file("port: {\n");
    assert_err(config_file(&config, path, &d), ERR_INVALID);
    write_file("");
    assert_ok(config_file(&config, path, &d));
    assert_err(config_file(&config, "/nowhere/weir.yaml", &d), ERR_NOT_FOUND);
    assert_said("/nowhere/weir.yaml cannot be read");
}

static void wrong_flags_are_told(void **state)
{
    (void)state;
    bool help = false;
    char *lone[] = {(char[]){"serve"}, (char[]){"--port"}};
    assert_err(config_flags(&config, 2, lone, &d, &help), ERR_INVALID);
    assert_said("--port has no value");
    char *word[] = {(char[]){"serve"}, (char[]){"8080"}};
    assert_err(config_flags(&config, 2, word, &d, &help), ERR_INVALID);
    char *unknown[] = {(char[]){"serve"}, (char[]){"--prot"}, (char[]){"1"}};
    assert_err(config_flags(&config, 3, unknown, &d, &help), ERR_NOT_FOUND);
    assert_said("did you mean 'port'?");
    char *ask[] = {(char[]){"serve"}, (char[]){"--help"}};
    assert_ok(config_flags(&config, 2, ask, &d, &help));
    assert_true(help);
}

/* The page is made by this test's own call, so it cannot differ from what the program takes. */
static void the_page_of_options_is_up_to_date(void **state)
{
    (void)state;
    static const char page[] = "docs/CONFIGURATION.md";
    struct bytes b = {0};
    config_markdown(&b);
    if (getenv("UPDATE_DOCS")) {
        FILE *f = fopen(page, "w");
        fwrite(b.p, 1, b.n, f);
        fclose(f);
    }
    FILE *f = fopen(page, "r");
    if (!f)
        fail_msg("%s is missing: run `make docs` from the top of the tree", page);
    char *text = mem_new(b.n + 2);
    size_t n = fread(text, 1, b.n + 1, f);
    fclose(f);
    if (n != b.n || memcmp(text, b.p, n) != 0)
        fail_msg("%s is not what server/config_list.h says: run `make docs`", page);
    mem_free(text);
    bytes_fini(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(an_option_is_parsed_by_its_type), T(a_wrong_value_is_told_with_what_it_may_be),
              T(an_unknown_option_offers_the_nearest), T(flags_win_over_the_file),
              T(a_bad_file_is_told_with_its_line), T(wrong_flags_are_told),
              T(the_page_of_options_is_up_to_date));
}
