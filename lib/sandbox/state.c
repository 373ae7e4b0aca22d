/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox's state, and its JSON form
 *
 * Subtle: the file is not trusted. Paths and numbers are checked as strictly as on the command line. A damaged member, or a
 * resource that this build does not know, is an error, since writing the state again would lose it.
 */
#include "sandbox/state.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1
/* The maximum of --stop-timeout in seconds; it fits as microseconds too. */
#define STOP_TIMEOUT_MAX UINT32_MAX

static const char *const phases[] = {
        [PHASE_CREATING] = "creating",
        [PHASE_READY] = "ready",
        [PHASE_CHANGING] = "changing",
};

const char *phase_name(enum phase phase) {
        return phases[phase];
}

/* How a directory without the mark is treated after a command was killed in this phase. */
static enum owner_life life_in(enum phase phase) {
        if (phase == PHASE_READY)
                return OWNER_WHOLE;
        return phase == PHASE_CREATING ? OWNER_BEGUN : OWNER_CHANGED;
}

struct state *state_new(void) {
        struct state *state = calloc(1, sizeof(*state));

        if (!state)
                return NULL;
        state->configuration = configuration_new();
        return state->configuration ? state : state_free(state);
}

static void forget_processes(struct state *state) {
        for (size_t i = 0; i < state->runtime_count; i++)
                process_free(state->runtime[i]);
        free(state->runtime);
        state->runtime = NULL;
        state->runtime_count = 0;
        process_free(state->vmm.process);
        vcpus_free(state->vmm.vcpus);
        pinning_clear(&state->vmm.pinning);
        state->vmm = (struct sandbox_vmm){0};
}

struct state *state_free(struct state *state) {
        if (!state)
                return NULL;
        owner_clear(&state->owner);
        cgroup_path_free(state->sandbox.path);
        cgroup_path_free(state->overhead.path);
        forget_processes(state);
        configuration_free(state->configuration);
        configuration_free(state->before);
        free(state);
        return NULL;
}

int state_add_runtime(struct state *state, struct process *process) {
        struct process **larger =
                reallocarray(state->runtime, state->runtime_count + 1, sizeof(struct process *));

        if (!larger) {
                process_free(process);
                return -ENOMEM;
        }
        state->runtime = larger;
        larger[state->runtime_count++] = process;
        return 0;
}

void state_set_vmm(struct state *state, struct process *process, bool threads, struct vcpus *vcpus) {
        if (state->vmm.process != process)
                process_free(state->vmm.process);
        vcpus_free(state->vmm.vcpus);
        pinning_clear(&state->vmm.pinning);
        state->vmm = (struct sandbox_vmm){.process = process, .threads = threads, .vcpus = vcpus};
}

static struct process *copy_process(const struct process *process) {
        return process_recorded(process->pid, process->start_time, process->former);
}

/* Copies the parts that the copy must not share with the state. */
static bool copy_owned(struct state *copy, const struct state *state) {
        copy->owner.id = strdup(state->owner.id);
        for (size_t i = 0; i < state->owner.unmarked_count; i++)
                if (owner_remember(&copy->owner, state->owner.unmarked[i]) < 0)
                        return false;
        copy->sandbox.path = cgroup_path_copy(state->sandbox.path);
        copy->overhead.path = state->overhead.path ? cgroup_path_copy(state->overhead.path) : NULL;
        for (size_t i = 0; i < state->runtime_count; i++) {
                struct process *process = copy_process(state->runtime[i]);

                if (!process || state_add_runtime(copy, process) < 0)
                        return false;
        }
        copy->vmm.process = state->vmm.process ? copy_process(state->vmm.process) : NULL;
        copy->vmm.vcpus = state->vmm.vcpus ? vcpus_copy(state->vmm.vcpus) : NULL;
        if (pinning_copy(&state->vmm.pinning, &copy->vmm.pinning) < 0)
                return false;
        copy->configuration = configuration_copy(state->configuration);
        copy->before = state->before ? configuration_copy(state->before) : NULL;
        return copy->owner.id && copy->sandbox.path && !copy->overhead.path == !state->overhead.path &&
               !copy->vmm.process == !state->vmm.process && !copy->vmm.vcpus == !state->vmm.vcpus &&
               copy->configuration && !copy->before == !state->before;
}

struct state *state_copy(const struct state *state) {
        _cleanup_(state_freep) struct state *copy = calloc(1, sizeof(*copy));

        if (!copy)
                return NULL;
        *copy = *state;
        copy->owner.id = NULL;
        copy->owner.unmarked = NULL;
        copy->owner.unmarked_count = 0;
        copy->sandbox.path = copy->overhead.path = NULL;
        copy->runtime = NULL;
        copy->runtime_count = 0;
        copy->vmm.process = NULL;
        copy->vmm.vcpus = NULL;
        copy->vmm.pinning = (struct pinning){0};
        copy->configuration = copy->before = NULL;
        return copy_owned(copy, state) ? TAKE(copy) : NULL;
}

int state_enter_boot(struct state *state, struct error *error) {
        char boot_id[BOOT_ID_SIZE];
        int r;

        r = proc_boot_id(boot_id);
        if (r < 0)
                return error_fail(error, -r, "cannot read the boot ID");
        if (strcmp(state->boot_id, boot_id) == 0)
                return 0;
        state->earlier_boot = state->boot_id[0] != '\0';
        state->frozen = state->frozen_before = false;
        forget_processes(state);
        memcpy(state->boot_id, boot_id, sizeof(boot_id));
        return 0;
}

static json_t *group_to_json(const struct state_group *group) {
        const struct cgroup_path *path = group->path;

        if (!path)
                return json_null();
        return json_pack("{s:s, s:s, s:s*}", "cgroupsPath", path->text, "path", path->path, "invocation",
                         group->invocation[0] != '\0' ? group->invocation : NULL);
}

/* The directories that could not be marked; NULL, which json_pack() leaves out, if there are none. */
static json_t *directories_to_json(const struct owner *owner) {
        json_t *array = owner->unmarked_count > 0 ? json_array() : NULL;

        for (size_t i = 0; array && i < owner->unmarked_count; i++)
                if (json_array_append_new(array, json_pack("[I, I]", (json_int_t)owner->unmarked[i].device,
                                                           (json_int_t)owner->unmarked[i].inode)) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return array;
}

static json_t *runtime_to_json(const struct state *state) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < state->runtime_count; i++) {
                const struct process *process = state->runtime[i];
                json_t *entry = json_pack("{s:i, s:I, s:s}", "pid", process->pid, "startTime",
                                          (json_int_t)process->start_time, "cgroups", process->former);

                /* Fails for a cgroup's name that is not UTF-8. It is better to write no state than one without the name. */
                if (!entry || json_array_append_new(array, entry) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

static json_t *vmm_to_json(const struct sandbox_vmm *vmm) {
        json_t *vcpus;

        if (!vmm->process)
                return json_null();
        vcpus = json_array();
        for (size_t i = 0; vcpus && vmm->vcpus && i < vmm->vcpus->count; i++) {
                const struct vcpu *vcpu = &vmm->vcpus->vcpus[i];
                json_t *entry = json_pack("{s:I, s:i}", "index", (json_int_t)vcpu->index, "tid", vcpu->tid);

                if (!entry || json_array_append_new(vcpus, entry) < 0)
                        break;
        }
        return json_pack("{s:i, s:I, s:b, s:b, s:b, s:o*, s:o}", "pid", vmm->process->pid, "startTime",
                         (json_int_t)vmm->process->start_time, "threads", vmm->threads, "pin",
                         vmm->pinning.one_each, "pinned", vmm->pinning.in_force, "pinMap",
                         vmm->pinning.map_count > 0 ? pinning_map_to_json(&vmm->pinning) : NULL, "vcpus",
                         vcpus);
}

static json_t *basics_to_json(const struct state *state) {
        const struct owner *owner = &state->owner;

        return json_pack(
                "{s:i, s:s, s:s, s:s*, s:o*, s:s, s:s, s:b, s:b, s:b, s:b, s:I, s:o, s:o, s:o, s:o, s:o*}",
                "version", STATE_VERSION, "phase", phase_name(state->phase), "id", owner->id, "token",
                owner->token[0] != '\0' ? owner->token : NULL, "directories", directories_to_json(owner),
                "createdAt", state->created_at, "bootId", state->boot_id, "sandboxCgroupOnly",
                state->sandbox_cgroup_only, "vcpuSubtree", state->vcpu_subtree, "frozen", state->frozen,
                "frozenBefore", state->frozen_before, "stopTimeout", (json_int_t)state->stop_timeout, "sandbox",
                group_to_json(&state->sandbox), "overhead", group_to_json(&state->overhead), "runtime",
                runtime_to_json(state), "vmm", vmm_to_json(&state->vmm), "before",
                state->before ? configuration_to_json(state->before) : NULL);
}

json_t *state_to_json(const struct state *state) {
        _cleanup_json_ json_t *json = basics_to_json(state);
        _cleanup_json_ json_t *configuration = configuration_to_json(state->configuration);

        return json && configuration && json_object_update(json, configuration) == 0 ? TAKE(json) : NULL;
}

/* Reads a member that is an integer within these bounds. */
static bool read_integer(const json_t *object, const char *name, json_int_t min, json_int_t max,
                         json_int_t *out) {
        const json_t *value = json_object_get(object, name);

        *out = json_integer_value(value);
        return json_is_integer(value) && *out >= min && *out <= max;
}

/* The path is parsed again, so that a tampered state cannot lead anywhere that the command line could not. The path
 * that systemd has used is restored. */
static int path_from_json(const json_t *json, struct cgroup_path **out, struct error *error) {
        _cleanup_(cgroup_path_freep) struct cgroup_path *path = NULL;
        const char *text = json_string_value(json_object_get(json, "cgroupsPath"));
        const char *place = json_string_value(json_object_get(json, "path"));

        if (!text || !place)
                return configuration_fail_file(error, "a cgroup path is missing");
        if (cgroup_path_parse(text, "cgroupsPath", &path, NULL) < 0)
                return configuration_fail_file(error, "a cgroup path is not valid");
        if (strcmp(place, path->path) != 0) {
                if (path->driver != DRIVER_SYSTEMD || !cgroup_place_is_valid(place))
                        return configuration_fail_file(error, "a cgroup path is not valid");
                free(path->path);
                path->path = strdup(place);
                if (!path->path)
                        return error_oom(error);
        }
        *out = TAKE(path);
        return 0;
}

static int group_from_json(const json_t *json, struct state_group *group, struct error *error) {
        const json_t *invocation = json_object_get(json, "invocation");

        if (invocation) {
                const char *text = json_string_value(invocation);

                if (!text || strlen(text) >= sizeof(group->invocation))
                        return configuration_fail_file(error, "an invocation is not valid");
                (void)snprintf(group->invocation, sizeof(group->invocation), "%s", text);
        }
        return path_from_json(json, &group->path, error);
}

/* States of older builds have neither member. */
static int owner_from_json(const json_t *json, struct owner *owner, struct error *error) {
        const json_t *token = json_object_get(json, "token"),
                     *directories = json_object_get(json, "directories");
        const json_t *entry;
        size_t i;

        if (token) {
                const char *text = json_string_value(token);

                if (!text || !owner_token_is_valid(text))
                        return configuration_fail_file(error, "token");
                (void)snprintf(owner->token, sizeof(owner->token), "%s", text);
        }
        if (!token && owner->life == OWNER_WHOLE)
                owner->life = OWNER_CHANGED;
        if (directories && !json_is_array(directories))
                return configuration_fail_file(error, "directories");
        json_array_foreach((json_t *)directories, i, entry) {
                json_int_t device, inode;

                if (json_unpack((json_t *)entry, "[I, I!]", &device, &inode) < 0)
                        return configuration_fail_file(error, "directories");
                if (owner_remember(owner, (struct directory_id){(dev_t)device, (ino_t)inode}) < 0)
                        return error_oom(error);
        }
        return 0;
}

static int runtime_from_json(const json_t *json, struct state *state, struct error *error) {
        const json_t *entry;
        size_t i;

        if (!json_is_array(json))
                return configuration_fail_file(error, "runtime");
        json_array_foreach((json_t *)json, i, entry) {
                const char *cgroups = json_string_value(json_object_get(entry, "cgroups"));
                struct process *process;
                json_int_t pid, start;

                if (!read_integer(entry, "pid", 1, INT_MAX, &pid) ||
                    !read_integer(entry, "startTime", 0, INT64_MAX, &start) || !cgroups)
                        return configuration_fail_file(error, "runtime");
                process = process_recorded((pid_t)pid, (uint64_t)start, cgroups);
                if (!process || state_add_runtime(state, process) < 0)
                        return error_oom(error);
        }
        return 0;
}

static int vcpus_from_json(const json_t *json, struct vcpus **out, struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = calloc(1, sizeof(*vcpus));
        const json_t *entry;
        size_t i;

        if (!json_is_array(json))
                return configuration_fail_file(error, "vmm.vcpus");
        if (!vcpus)
                return error_oom(error);
        vcpus->vcpus = calloc(json_array_size(json) + 1, sizeof(*vcpus->vcpus));
        if (!vcpus->vcpus)
                return error_oom(error);
        json_array_foreach((json_t *)json, i, entry) {
                json_int_t index, tid;

                /* The vCPUs are stored by ascending index. */
                if (!read_integer(entry, "index", i > 0 ? vcpus->vcpus[i - 1].index + INT64_C(1) : 0, INT_MAX,
                                  &index) ||
                    !read_integer(entry, "tid", 1, INT_MAX, &tid))
                        return configuration_fail_file(error, "vmm.vcpus");
                vcpus->vcpus[vcpus->count++] = (struct vcpu){(unsigned)index, (pid_t)tid};
        }
        *out = TAKE(vcpus);
        return 0;
}

static int vmm_from_json(const json_t *json, struct sandbox_vmm *vmm, struct error *error) {
        const json_t *map = json_object_get(json, "pinMap"), *pinned = json_object_get(json, "pinned");
        json_int_t pid, start;
        int threads, pin, r;
        json_t *vcpus;

        if (json_is_null(json))
                return 0;
        if (!read_integer(json, "pid", 1, INT_MAX, &pid) ||
            !read_integer(json, "startTime", 0, INT64_MAX, &start) ||
            json_unpack((json_t *)json, "{s:b, s:b, s:o}", "threads", &threads, "pin", &pin, "vcpus", &vcpus) <
                    0)
                return configuration_fail_file(error, "vmm");
        *vmm = (struct sandbox_vmm){.process = process_recorded((pid_t)pid, (uint64_t)start, NULL),
                                    .threads = threads != 0};
        if (!vmm->process)
                return error_oom(error);
        r = map ? pinning_map_from_json(map, &vmm->pinning) : 0;
        if (r < 0)
                return r == -ENOMEM ? error_oom(error) : configuration_fail_file(error, "vmm.pinMap");
        vmm->pinning.one_each = pin != 0;
        /* Older builds always pinned if pinning was wanted. */
        vmm->pinning.in_force = pinned ? json_is_true(pinned) : pin != 0;
        return vcpus_from_json(vcpus, &vmm->vcpus, error);
}

static int phase_from_name(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
                if (strcmp(phases[i], name) == 0)
                        return (int)i;
        return -1;
}

static int basics_from_json(const json_t *json, struct state *state, struct error *error) {
        const char *phase, *id, *created_at, *boot_id;
        int sandbox_cgroup_only, vcpu_subtree = 0, frozen = 0,
                                 frozen_before = 0; /* of a build that had none of them */
        json_int_t version, stop_timeout;

        if (!read_integer(json, "version", 0, INT64_MAX, &version))
                return configuration_fail_file(error, "it has no version");
        if (version != STATE_VERSION)
                return error_fail(error, 0,
                                  "the state file is of version %" JSON_INTEGER_FORMAT
                                  ", this kata-cgroup knows version %d",
                                  version, STATE_VERSION);
        if (!read_integer(json, "stopTimeout", 0, STOP_TIMEOUT_MAX, &stop_timeout) ||
            json_unpack((json_t *)json, "{s:s, s:s, s:s, s:s, s:b, s?b, s?b, s?b}", "phase", &phase, "id", &id,
                        "createdAt", &created_at, "bootId", &boot_id, "sandboxCgroupOnly", &sandbox_cgroup_only,
                        "vcpuSubtree", &vcpu_subtree, "frozen", &frozen, "frozenBefore", &frozen_before) < 0 ||
            phase_from_name(phase) < 0 || !sandbox_id_is_valid(id) || strlen(created_at) >= TIMESTAMP_SIZE ||
            strlen(boot_id) >= BOOT_ID_SIZE)
                return configuration_fail_file(error, "a member is missing or wrong");
        state->phase = (enum phase)phase_from_name(phase);
        state->sandbox_cgroup_only = sandbox_cgroup_only != 0;
        state->vcpu_subtree = vcpu_subtree != 0;
        state->frozen = frozen != 0;
        state->frozen_before = frozen_before != 0;
        state->stop_timeout = (uint64_t)stop_timeout;
        (void)snprintf(state->created_at, sizeof(state->created_at), "%s", created_at);
        (void)snprintf(state->boot_id, sizeof(state->boot_id), "%s", boot_id);
        state->owner.id = strdup(id);
        if (!state->owner.id)
                return error_oom(error);
        state->owner.life = life_in(state->phase);
        return owner_from_json(json, &state->owner, error);
}

/* A changing state of an older build has no "before". */
static int configurations_from_json(const json_t *json, struct state *state, struct error *error) {
        const json_t *before = json_object_get(json, "before");
        struct configuration *configuration;
        int r;

        r = configuration_from_json(json, &configuration, error);
        if (r < 0)
                return r;
        configuration_free(state->configuration);
        state->configuration = configuration;
        return before ? configuration_from_json(before, &state->before, error) : 0;
}

int state_from_json(const json_t *json, struct state **out, struct error *error) {
        _cleanup_(state_freep) struct state *state = state_new();
        int r;

        if (!state)
                return error_oom(error);
        r = basics_from_json(json, state, error);
        if (r == 0)
                r = group_from_json(json_object_get(json, "sandbox"), &state->sandbox, error);
        if (r == 0 && !state->sandbox_cgroup_only)
                r = group_from_json(json_object_get(json, "overhead"), &state->overhead, error);
        if (r == 0)
                r = runtime_from_json(json_object_get(json, "runtime"), state, error);
        if (r == 0)
                r = vmm_from_json(json_object_get(json, "vmm"), &state->vmm, error);
        if (r == 0)
                r = configurations_from_json(json, state, error);
        if (r < 0)
                return r;
        *out = TAKE(state);
        return 0;
}

int state_check_size(const struct state *state, struct error *error) {
        _cleanup_json_ json_t *configuration = configuration_to_json(state->configuration);
        size_t size = configuration ? json_dumpb(configuration, NULL, 0, STATE_FORMAT) : 0;

        if (size == 0)
                return error_oom(error);
        if (size > CONFIGURATION_SIZE_MAX)
                return error_refuse(error, "resources",
                                    "the state of \"%s\" would have %zu bytes of them, more than %lu",
                                    state->owner.id, size, CONFIGURATION_SIZE_MAX);
        return 0;
}

/* Replaces a configuration by a copy of another. */
static int replace(struct configuration **place, const struct configuration *configuration,
                   struct error *error) {
        struct configuration *copy = configuration_copy(configuration);

        if (!copy)
                return error_oom(error);
        configuration_free(*place);
        *place = copy;
        return 0;
}

int state_keep_before(struct state *state, const struct state *former, struct error *error) {
        state->frozen_before = former->frozen;
        return replace(&state->before, former->configuration, error);
}

void state_forget_before(struct state *state) {
        state->before = configuration_free(state->before);
        state->frozen_before = false;
}

int state_go_back(struct state *state, struct error *error) {
        state->frozen = state->frozen_before;
        return replace(&state->configuration, state->before, error);
}
