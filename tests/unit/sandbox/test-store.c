/* SPDX-License-Identifier: Apache-2.0 */
/* States on disk: written, locked, listed and removed; and what is there instead of one. */
#include "../remove-tree.h"
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/store.h"
#include "util/file.h"
#include "util/signals.h"
#include "util/timestamp.h"

/* A --root in a temporary place of its own. */
struct place {
        char directory[sizeof("/tmp/test-store.XXXXXX")];
        char root[sizeof("/tmp/test-store.XXXXXX/root")];
        struct store store;
        struct error error;
};

static int setup(void **state) {
        struct place *place = calloc(1, sizeof(*place));

        *state = place;
        if (!place)
                return -1;
        place->store = STORE_INIT;
        strcpy(place->directory, "/tmp/test-store.XXXXXX");
        if (!mkdtemp(place->directory))
                return -1;
        (void)snprintf(place->root, sizeof(place->root), "%s/root", place->directory);
        return 0;
}

static int teardown(void **state) {
        struct place *place = *state;
        bool removed = remove_tree(place->directory);

        store_close(&place->store);
        error_clear(&place->error);
        signals_release();
        free(place);
        return removed ? 0 : -1;
}

/* ---- somebody else, while the lock is waited for ---- */

int __real_lock_take(int directory, const struct lock_wait *wait);
int __wrap_lock_take(int directory, const struct lock_wait *wait);

/* What happens before the next lock is taken. */
static void (*meanwhile)(const struct place *place);
static const struct place *meanwhile_at;

int __wrap_lock_take(int directory, const struct lock_wait *wait) {
        void (*once)(const struct place *) = meanwhile;

        meanwhile = NULL;
        if (once)
                once(meanwhile_at);
        return __real_lock_take(directory, wait);
}

/* ---- helpers ---- */

static struct state *a_state(const char *id, const char *token) {
        struct state *state = state_new();

        assert_non_null(state);
        state->phase = PHASE_READY;
        state->owner.id = strdup(id);
        strcpy(state->owner.token, token);
        timestamp_now(state->created_at);
        assert_int_equal(state_enter_boot(state, NULL), 0);
        assert_int_equal(cgroup_path_parse("a/b", "", &state->sandbox.path, NULL), 0);
        state->sandbox_cgroup_only = true;
        return state;
}

#define TOKEN "0123456789abcdef0123456789abcdef"
#define OTHER_TOKEN "ffffffffffffffffffffffffffffffff"

static int lock_at(const char *root, const char *id, bool create, struct store *store, struct error *error) {
        return store_lock(root, id, create, NULL, store, error);
}

/* A whole sandbox, locked. */
static void make(struct place *place, const char *id) {
        _cleanup_(state_freep) struct state *state = a_state(id, TOKEN);

        assert_int_equal(lock_at(place->root, id, true, &place->store, &place->error), 0);
        assert_int_equal(store_save(&place->store, state, &place->error), 0);
}

static void write_file(const char *path, const char *text, size_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(file_write_all(fd, text, size), 0);
}

static char *path_of(const struct place *place, const char *rest) {
        char *path;

        assert_true(asprintf(&path, "%s/%s", place->directory, rest) > 0);
        return path;
}

static bool is_there(const struct place *place, const char *rest) {
        _cleanup_free_ char *path = path_of(place, rest);
        struct stat status;

        return lstat(path, &status) == 0;
}

static void assert_error(struct place *place, enum exit_status status, const char *part) {
        if (!place->error.message || !strstr(place->error.message, part))
                fail_msg("\"%s\" does not say \"%s\"", place->error.message ? place->error.message : "", part);
        assert_int_equal(place->error.status, status);
        error_clear(&place->error);
}

/* ---- a state's life ---- */

/* What is saved is loaded, with the lock and without; what is saved again replaces it; and it is for root alone. */
static void test_save_and_load(void **state) {
        struct place *place = *state;
        _cleanup_(state_freep) struct state *loaded = NULL, *peeked = NULL, *again = NULL;
        _cleanup_(state_freep) struct state *other = a_state("sb", OTHER_TOKEN);
        _cleanup_free_ char *file = path_of(place, "root/sb/state.json"),
                            *directory = path_of(place, "root/sb");
        struct stat status;

        make(place, "sb");
        assert_int_equal(store_load(&place->store, &loaded, &place->error), 0);
        assert_string_equal(loaded->owner.token, TOKEN);
        assert_int_equal(store_peek(place->root, "sb", &peeked, &place->error), 0);
        assert_string_equal(peeked->owner.token, TOKEN);
        assert_int_equal(store_save(&place->store, other, &place->error), 0);
        assert_int_equal(store_load(&place->store, &again, &place->error), 0);
        assert_string_equal(again->owner.token, OTHER_TOKEN);
        assert_false(is_there(place, "root/sb/.state.json.new"));
        assert_int_equal(stat(file, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_int_equal(stat(directory, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0700);
}

static void test_remove(void **state) {
        struct place *place = *state;
        _cleanup_(state_freep) struct state *loaded = NULL;
        _cleanup_free_ char *left = path_of(place, "root/sb/.state.json.new");

        make(place, "sb");
        /* Of a save that was killed. */
        write_file(left, "{", 1);
        assert_int_equal(store_remove(&place->store, &place->error), 0);
        assert_false(is_there(place, "root/sb"));
        assert_int_equal(store_peek(place->root, "sb", &loaded, &place->error), STORE_E_NO_SANDBOX);
        assert_int_equal(store_remove(&place->store, &place->error), 0);
}

/* What is not a sandbox's is not removed with it. */
static void test_remove_spares(void **state) {
        struct place *place = *state;
        _cleanup_free_ char *file = path_of(place, "root/sb/mine");

        make(place, "sb");
        write_file(file, "", 0);
        assert_true(store_remove(&place->store, &place->error) < 0);
        assert_error(place, EXIT_STATUS_FAILED, "/sb: ");
        assert_true(is_there(place, "root/sb/mine"));
}

static void test_remove_empty(void **state) {
        struct place *place = *state;

        assert_int_equal(lock_at(place->root, "sb", true, &place->store, &place->error), 0);
        store_remove_empty(&place->store);
        assert_false(is_there(place, "root/sb"));
        store_close(&place->store);
        make(place, "sb");
        store_remove_empty(&place->store);
        assert_true(is_there(place, "root/sb/state.json"));
}

/* ---- the lock ---- */

static void test_lock(void **state) {
        struct place *place = *state;
        _cleanup_store_ struct store second = STORE_INIT, third = STORE_INIT;
        _cleanup_(state_freep) struct state *peeked = NULL;

        make(place, "sb");
        assert_int_equal(lock_at(place->root, "sb", false, &second, &place->error), STORE_E_BUSY);
        assert_true(second.directory >= 0);
        /* Who only reads does not wait; nor does who wants another sandbox. */
        assert_int_equal(store_peek(place->root, "sb", &peeked, &place->error), 0);
        assert_int_equal(lock_at(place->root, "sb2", true, &third, &place->error), 0);
        store_close(&place->store);
        store_close(&second);
        assert_int_equal(lock_at(place->root, "sb", false, &second, &place->error), 0);
}

static void test_no_sandbox(void **state) {
        struct place *place = *state;
        _cleanup_(state_freep) struct state *loaded = NULL;

        /* No root, no ID, no state. */
        assert_int_equal(lock_at(place->root, "sb", false, &place->store, &place->error), STORE_E_NO_SANDBOX);
        assert_int_equal(store_peek(place->root, "sb", &loaded, &place->error), STORE_E_NO_SANDBOX);
        assert_false(is_there(place, "root"));
        assert_int_equal(lock_at(place->root, "sb", true, &place->store, &place->error), 0);
        assert_int_equal(store_load(&place->store, &loaded, &place->error), STORE_E_NO_SANDBOX);
        assert_int_equal(store_peek(place->root, "other", &loaded, &place->error), STORE_E_NO_SANDBOX);
        assert_null(place->error.message);
}

static void delete_it(const struct place *place) {
        _cleanup_free_ char *file = path_of(place, "root/sb/state.json"),
                            *directory = path_of(place, "root/sb");

        assert_int_equal(unlink(file), 0);
        assert_int_equal(rmdir(directory), 0);
}

static void make_it_anew(const struct place *place) {
        _cleanup_free_ char *directory = path_of(place, "root/sb");

        delete_it(place);
        assert_int_equal(mkdir(directory, 0700), 0);
}

/* A directory that was removed while its lock was waited for is not the sandbox's any more: the one of the name is. */
static void test_removed_meanwhile(void **state) {
        static void (*const changes[])(const struct place *) = {delete_it, make_it_anew};
        struct place *place = *state;

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
                for (int create = 0; create < 2; create++) {
                        _cleanup_free_ char *directory = path_of(place, "root/sb");
                        struct stat named, locked;
                        int r;

                        make(place, "sb");
                        store_close(&place->store);
                        meanwhile = changes[i];
                        meanwhile_at = place;
                        r = lock_at(place->root, "sb", create, &place->store, &place->error);
                        assert_int_equal(r, i == 0 && !create ? STORE_E_NO_SANDBOX : 0);
                        if (r != 0)
                                continue;
                        assert_int_equal(stat(directory, &named), 0);
                        assert_int_equal(fstat(place->store.directory, &locked), 0);
                        assert_int_equal(named.st_ino, locked.st_ino);
                        store_close(&place->store);
                }
}

/* ---- the list ---- */

struct seen {
        char text[256];
        int result;
};

static int note(const char *id, void *data) {
        struct seen *seen = data;

        (void)snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text), "%s ", id);
        return seen->result;
}

/* In order; only what is a sandbox's directory. */
static void test_list(void **state) {
        struct place *place = *state;
        _cleanup_free_ char *file = path_of(place, "root/file"), *hidden = path_of(place, "root/b d"),
                            *link = path_of(place, "root/link");
        struct seen seen = {0}, stopped = {.result = -ENOMEM};

        assert_int_equal(store_list(place->root, note, &seen, &place->error), 0);
        assert_string_equal(seen.text, "");
        for (const char *id = "c"; id; id = id[0] == 'c' ? "a" : id[0] == 'a' ? "b+" : NULL) {
                make(place, id);
                store_close(&place->store);
        }
        write_file(file, "", 0);
        assert_int_equal(mkdir(hidden, 0700), 0);
        assert_int_equal(symlink("a", link), 0);
        assert_int_equal(store_list(place->root, note, &seen, &place->error), 0);
        assert_string_equal(seen.text, "a b+ c ");
        assert_int_equal(store_list(place->root, note, &stopped, &place->error), -ENOMEM);
        assert_string_equal(stopped.text, "a ");
}

/* ---- what is there instead ---- */

/* Whatever is not a state is told from one that cannot be read: -EBADMSG, naming the file. */
static void test_no_state(void **state) {
        static const char *const texts[] = {"", "{", "[]", "{}", "{\"version\":1", "\0{}", "null"};
        struct place *place = *state;
        _cleanup_free_ char *file = path_of(place, "root/sb/state.json");

        make(place, "sb");
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct state *loaded = NULL;

                write_file(file, texts[i], i == 5 ? 3 : strlen(texts[i]));
                assert_int_equal(store_load(&place->store, &loaded, &place->error), -EBADMSG);
                assert_error(place, EXIT_STATUS_FAILED, "root/sb/state.json: ");
                assert_int_equal(store_peek(place->root, "sb", &loaded, &place->error), -EBADMSG);
                assert_error(place, EXIT_STATUS_FAILED, "root/sb/state.json: ");
                assert_null(loaded);
        }
}

/* Every prefix of a state is none. */
static void test_truncated(void **state) {
        struct place *place = *state;
        _cleanup_free_ char *file = path_of(place, "root/sb/state.json"), *text = NULL;
        size_t size;

        make(place, "sb");
        assert_int_equal(file_read_at(place->store.directory, "state.json", FILE_SIZE_MAX, &text, &size), 0);
        /* The last byte is the closing brace. */
        for (size_t length = 0; length < size; length++) {
                struct state *loaded = NULL;

                write_file(file, text, length);
                assert_int_equal(store_load(&place->store, &loaded, NULL), -EBADMSG);
        }
}

static void test_another_ones(void **state) {
        struct place *place = *state;
        _cleanup_(state_freep) struct state *other = a_state("other", TOKEN);
        struct state *loaded = NULL;

        make(place, "sb");
        assert_int_equal(store_save(&place->store, other, &place->error), 0);
        assert_int_equal(store_load(&place->store, &loaded, &place->error), -EBADMSG);
        assert_error(place, EXIT_STATUS_FAILED, "is the state of \"other\"");
}

static void test_too_large(void **state) {
        struct place *place = *state;
        _cleanup_free_ char *file = path_of(place, "root/sb/state.json");
        struct state *loaded = NULL;

        make(place, "sb");
        assert_int_equal(truncate(file, 16L * 1024L * 1024L + 1), 0);
        assert_int_equal(store_load(&place->store, &loaded, &place->error), -EBADMSG);
        assert_error(place, EXIT_STATUS_FAILED, "File too large");
}

/* Nothing follows a link, neither the state, nor its directory, nor ROOT; and nothing is written through one. */
static void test_symlinks(void **state) {
        struct place *place = *state;
        _cleanup_free_ char *file = path_of(place, "root/sb/state.json"), *real = path_of(place, "real.json"),
                            *left = path_of(place, "root/sb/.state.json.new"),
                            *linked = path_of(place, "root/link"), *root_link = path_of(place, "root-link"),
                            *text = NULL;
        _cleanup_(state_freep) struct state *saved = a_state("sb", TOKEN);
        struct state *loaded = NULL;

        make(place, "sb");
        assert_int_equal(rename(file, real), 0);
        assert_int_equal(symlink(real, file), 0);
        assert_int_equal(store_load(&place->store, &loaded, &place->error), -EBADMSG);
        assert_error(place, EXIT_STATUS_FAILED, "root/sb/state.json: ");
        /* A save replaces the link, and one that has the temporary file's name. */
        write_file(real, "safe", 4);
        assert_int_equal(symlink(real, left), 0);
        assert_int_equal(store_save(&place->store, saved, &place->error), 0);
        assert_int_equal(store_load(&place->store, &loaded, &place->error), 0);
        state_free(loaded);
        {
                _cleanup_close_ int fd = open(real, O_RDONLY | O_CLOEXEC);

                assert_int_equal(file_read_fd(fd, FILE_SIZE_MAX, &text, NULL), 0);
                assert_string_equal(text, "safe");
        }

        assert_int_equal(symlink("sb", linked), 0);
        assert_true(lock_at(place->root, "link", false, &(struct store){0}, &place->error) < 0);
        assert_error(place, EXIT_STATUS_FAILED, "root/link: ");
        assert_true(store_peek(place->root, "link", &loaded, &place->error) < 0);
        assert_error(place, EXIT_STATUS_FAILED, "root/link: ");
        assert_int_equal(symlink("root", root_link), 0);
        assert_true(store_peek(root_link, "sb", &loaded, &place->error) < 0);
        assert_error(place, EXIT_STATUS_REFUSED, "root-link is a symbolic link");
}

/* Who else may write to ROOT may write states. */
static void test_root_of_others(void **state) {
        struct place *place = *state;
        struct state *loaded = NULL;

        make(place, "sb");
        assert_int_equal(chmod(place->root, 0770), 0);
        assert_true(store_peek(place->root, "sb", &loaded, &place->error) < 0);
        assert_error(place, EXIT_STATUS_REFUSED, "can be written by other users");
        assert_int_equal(chmod(place->root, 01777), 0);
        assert_true(store_peek(place->root, "sb", &loaded, &place->error) < 0);
        assert_error(place, EXIT_STATUS_REFUSED, "can be written by other users");
        assert_int_equal(chmod(place->root, 0755), 0);
        assert_int_equal(store_peek(place->root, "sb", &loaded, &place->error), 0);
        state_free(loaded);
}

static void test_root_names(void **state) {
        static const char *const refused[] = {"", "a/../b", "/a//b", "a\nb"};
        struct place *place = *state;

        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                struct state *loaded = NULL;

                assert_true(store_peek(refused[i], "sb", &loaded, &place->error) < 0);
                assert_int_equal(place->error.status, EXIT_STATUS_REFUSED);
                assert_string_equal(place->error.field, "--root");
                error_clear(&place->error);
        }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_save_and_load),     TEST(test_remove),         TEST(test_remove_spares),
                TEST(test_remove_empty),      TEST(test_lock),           TEST(test_no_sandbox),
                TEST(test_removed_meanwhile), TEST(test_list),           TEST(test_no_state),
                TEST(test_truncated),         TEST(test_another_ones),   TEST(test_too_large),
                TEST(test_symlinks),          TEST(test_root_of_others), TEST(test_root_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
