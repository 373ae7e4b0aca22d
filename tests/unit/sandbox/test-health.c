/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a sandbox that others work on while it is looked at. */
#include "../remove-tree.h"
#include "../test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/health.h"
#include "util/signals.h"
#include "util/timestamp.h"

/* A --root with a sandbox, and what happens to it when its lock is looked at. */
struct place {
        char root[sizeof("/tmp/test-health.XXXXXX")];
        struct sandbox_environment environment;
        struct store store;
        struct state *state;
        void (*meanwhile)(struct place *place);
        int looks;
        bool group_exists, locked;
        bool scopes, overhead; /* the group is a scope; there is an overhead group beside it, which is there */
        int living;            /* what session_living_vmm() returns */
};

/* The wrapped functions have no other way to get at it. */
static struct place *place;

/* ---- what is not of interest here: the host's groups and processes ---- */

int __wrap_session_make_managers(struct session *session, struct error *error);
int __wrap_session_living_vmm(const struct session *session, struct process **out, struct error *error);
struct manager *__wrap_manager_free(struct manager *manager);
struct manager *__wrap_session_group(const struct session *session, size_t i);
bool __wrap_manager_exists(struct manager *manager);
bool __wrap_manager_is_shown(struct manager *manager);
bool __wrap_manager_needs_process(const struct manager *manager);
bool __wrap_store_is_locked(const char *root, const char *id);

int __wrap_session_make_managers(struct session *session, struct error *error) {
        (void)error;
        /* Only its address is asked for. */
        session->overhead = place->overhead ? (struct manager *)&place->overhead : NULL;
        return 0;
}

/* The real one would free what is none. */
struct manager *__wrap_manager_free(struct manager *manager) {
        (void)manager;
        return NULL;
}

int __wrap_session_living_vmm(const struct session *session, struct process **out, struct error *error) {
        (void)session;
        *out = NULL;
        return place->living < 0 ? error_fail(error, -place->living, "process 1") : 0;
}

struct manager *__wrap_manager_free(struct manager *manager);
struct manager *__wrap_session_group(const struct session *session, size_t i) {
        (void)session;
        return i == 0 ? (struct manager *)place : NULL;
}

bool __wrap_manager_exists(struct manager *manager) {
        (void)manager;
        return place->group_exists;
}

bool __wrap_manager_is_shown(struct manager *manager) {
        (void)manager;
        return true;
}

bool __wrap_manager_needs_process(const struct manager *manager) {
        (void)manager;
        return place->scopes;
}

bool __wrap_store_is_locked(const char *root, const char *id) {
        (void)root;
        (void)id;
        place->looks++;
        if (place->meanwhile)
                place->meanwhile(place);
        return place->locked;
}

/* ---- a sandbox ---- */

static void save(enum phase phase) {
        place->state->phase = phase;
        assert_int_equal(store_save(&place->store, place->state, NULL), 0);
}

static int setup(void **state) {
        place = calloc(1, sizeof(*place));
        *state = place;
        if (!place)
                return -1;
        strcpy(place->root, "/tmp/test-health.XXXXXX");
        if (!mkdtemp(place->root))
                return -1;
        place->environment.root = place->root;
        place->group_exists = true;
        place->store = STORE_INIT;
        place->state = state_new();
        assert_non_null(place->state);
        place->state->owner.id = strdup("sb");
        place->state->sandbox_cgroup_only = true;
        strcpy(place->state->owner.token, "0123456789abcdef0123456789abcdef");
        timestamp_now(place->state->created_at);
        assert_int_equal(state_enter_boot(place->state, NULL), 0);
        assert_int_equal(cgroup_path_parse("a/b", "", &place->state->sandbox.path, NULL), 0);
        assert_int_equal(store_lock(place->root, "sb", true, NULL, &place->store, NULL), 0);
        save(PHASE_READY);
        return 0;
}

static int teardown(void **state) {
        bool removed = remove_tree(place->root);

        (void)state;
        store_close(&place->store);
        state_free(place->state);
        signals_release();
        free(place);
        return removed ? 0 : -1;
}

/* `problem` is a part of what is said; NULL: nothing. */
static void assert_examined(int wanted, const char *problem) {
        _cleanup_session_ struct session session = SESSION_INIT(&place->environment);
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_free_ char *found = NULL;

        assert_int_equal(health_examine(&session, "sb", &found, &error), wanted);
        if (problem && (!found || !strstr(found, problem)))
                fail_msg("\"%s\" does not say \"%s\"", found ? found : "", problem);
        if (!problem)
                assert_null(found);
}

/* ---- tests ---- */

static void finish_update(struct place *at) {
        at->meanwhile = NULL;
        save(PHASE_READY);
}

/* A phase that nobody works on is left behind; one whose command has just finished is not. */
static void test_phase(void **state) {
        (void)state;
        save(PHASE_CHANGING);
        assert_examined(0, "a command that changed it was killed");
        place->meanwhile = finish_update;
        assert_examined(0, NULL);
        save(PHASE_CREATING);
        assert_examined(0, "its create did not finish");
        place->locked = true;
        assert_examined(0, NULL);
}

static void finish_delete(struct place *at) {
        at->meanwhile = NULL;
        assert_int_equal(store_remove(&at->store, NULL), 0);
}

/* A group that is missing, nobody knows why; that a delete is removing; that a delete has removed. */
static void test_group(void **state) {
        (void)state;
        assert_examined(0, NULL);
        assert_int_equal(place->looks, 0);
        place->group_exists = false;
        assert_examined(0, "its sandbox cgroup is gone");
        place->locked = true;
        assert_examined(0, NULL);
        place->locked = false;
        place->meanwhile = finish_delete;
        assert_examined(STORE_E_NO_SANDBOX, NULL);
}

/* Who starts a scope again depends on what belongs to it. */
static void test_scope(void **state) {
        (void)state;
        place->scopes = true;
        place->group_exists = false;
        assert_examined(0, NULL); /* it waits for its first process */
        strcpy(place->state->sandbox.invocation, "0123456789abcdef0123456789abcdef");
        save(PHASE_READY);
        assert_examined(0, "place another process");
        place->overhead = true;
        assert_examined(0, "attach-vcpus or exec");
}

static void change(struct place *at) {
        at->state->stop_timeout++;
        save(PHASE_CHANGING);
}

/* It is not looked at for ever. */
static void test_busy(void **state) {
        (void)state;
        save(PHASE_CHANGING);
        place->meanwhile = change;
        assert_examined(0, NULL);
        assert_true(place->looks < 10);
}

/* Where the check fails, that is told, and the rest can be. */
static void test_failure(void **state) {
        (void)state;
        place->living = -EMFILE;
        assert_examined(0, "process 1: Too many open files");
        place->living = -ENOMEM;
        assert_examined(-ENOMEM, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_phase, setup, teardown),
                cmocka_unit_test_setup_teardown(test_group, setup, teardown),
                cmocka_unit_test_setup_teardown(test_scope, setup, teardown),
                cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
                cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
