/* SPDX-License-Identifier: Apache-2.0 */
/* attach-vcpus: options, and the checks of which of them go together */
#include <limits.h>
#include <stdlib.h>

#include "command.h"
#include "util/cleanup.h"
#include "util/number.h"

enum {
        KEY_QMP = 0x100,
        KEY_QMP_FD,
        KEY_VCPU,
        KEY_VCPUS,
        KEY_VMM_PID,
        KEY_EXPECT,
        KEY_TIMEOUT,
        KEY_PIN,
        KEY_PIN_MAP,
        KEY_NO_PIN,
};

static const struct command_option options[] = {
        {"qmp", KEY_QMP, "SOCKET", "ask the QEMU at this unix socket for its vCPU threads", COMPLETE_FILE},
        {"qmp-fd", KEY_QMP_FD, "FD", "the same over an inherited, connected descriptor", COMPLETE_NONE},
        {"vcpu", KEY_VCPU, "INDEX:TID", "a vCPU thread of --vmm-pid, as the caller knows it; repeatable",
         COMPLETE_NONE},
        {"vcpus", KEY_VCPUS, "FILE",
         "all of them, as QEMU has answered query-cpus-fast to the caller; - is standard input", COMPLETE_FILE},
        {"vmm-pid", KEY_VMM_PID, "PID", "the VMM; alone, its vCPU threads are found by name", COMPLETE_PID},
        {"expect", KEY_EXPECT, "N", "wait until at least N vCPUs are there", COMPLETE_NONE},
        {"timeout", KEY_TIMEOUT, "SECONDS", "for the socket, the answer and --expect together (default: 25)",
         COMPLETE_NONE},
        {"pin", KEY_PIN, NULL, "a CPU of the cpuset for each vCPU, if there are enough", COMPLETE_NONE},
        {"pin-map", KEY_PIN_MAP, "INDEX=CPUS,...", "these CPUs for these vCPUs: 0=2,1=3,2=4-5", COMPLETE_NONE},
        {"no-pin", KEY_NO_PIN, NULL, "undo an earlier pinning", COMPLETE_NONE},
        {0},
};

struct attach_options {
        struct parsed parsed;
        struct sandbox_attach attach;
        struct pinning pinning;
        bool pin, no_pin;
        const char **pairs; /* of --vcpu */
        size_t pair_count;
        const char *vcpus; /* of --vcpus */
};

static int parse_numbers(struct attach_options *o, int key, const char *argument) {
        uint32_t number = 0;
        int r;

        switch (key) {
        case KEY_QMP_FD:
                r = command_number("--qmp-fd", argument, 0, INT_MAX, &number, o->parsed.error);
                o->attach.qmp_fd = (int)number;
                return r;
        case KEY_EXPECT:
                r = command_number("--expect", argument, 0, 4096, &number, o->parsed.error);
                o->attach.expect = number;
                return r;
        case KEY_TIMEOUT:
                r = command_number("--timeout", argument, 0, 86400, &number, o->parsed.error);
                o->attach.timeout = number;
                return r;
        default:
                if (number_parse_pid(argument, &o->attach.vmm_pid) < 0)
                        return error_refuse(o->parsed.error, "--vmm-pid", "\"%s\" is not a process ID",
                                            argument);
                return 0;
        }
}

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct attach_options *o = (struct attach_options *)parsed;

        switch (key) {
        case KEY_QMP:
                o->attach.qmp = argument;
                break;
        case KEY_VCPU:
                return command_add_text(&o->pairs, &o->pair_count, argument, parsed->error);
        case KEY_VCPUS:
                o->vcpus = argument;
                break;
        case KEY_PIN:
                o->pin = true;
                break;
        case KEY_PIN_MAP:
                return pinning_parse_map(argument, &o->pinning, parsed->error);
        case KEY_NO_PIN:
                o->no_pin = true;
                break;
        case KEY_QMP_FD:
        case KEY_EXPECT:
        case KEY_TIMEOUT:
        case KEY_VMM_PID:
                return parse_numbers(o, key, argument);
        }
        return 0;
}

static int fail_exclusive(const char *which, struct error *error) {
        return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "attach-vcpus: %s exclude each other", which);
}

static int check_options(const struct attach_options *o, struct error *error) {
        bool qmp = o->attach.qmp || o->attach.qmp_fd >= 0;

        if (o->attach.qmp && o->attach.qmp_fd >= 0)
                return fail_exclusive("--qmp and --qmp-fd", error);
        if (o->pairs && o->vcpus)
                return fail_exclusive("--vcpu and --vcpus", error);
        if (qmp && o->pairs)
                return fail_exclusive(o->attach.qmp ? "--qmp and --vcpu" : "--qmp-fd and --vcpu", error);
        if (qmp && o->vcpus)
                return fail_exclusive(o->attach.qmp ? "--qmp and --vcpus" : "--qmp-fd and --vcpus", error);
        if (o->pin + o->no_pin + (o->pinning.map_count > 0) > 1)
                return fail_exclusive("--pin, --pin-map and --no-pin", error);
        if (o->attach.vmm_pid == 0 && (o->pairs || o->vcpus))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "attach-vcpus: %s needs --vmm-pid",
                                 o->pairs ? "--vcpu" : "--vcpus");
        if (o->attach.vmm_pid == 0 && !qmp)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "attach-vcpus: one of --qmp, --qmp-fd and --vmm-pid is needed");
        return 0;
}

/* `out->vcpus` stays NULL where the caller has given none. */
static int read_given(const struct sandbox_environment *environment, const struct attach_options *o,
                      struct vcpus_given *out, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (o->pairs) {
                out->option = "--vcpu";
                return vcpus_parse_pairs(o->pairs, o->pair_count, out->option, &out->vcpus, error);
        }
        if (!o->vcpus)
                return 0;
        out->option = "--vcpus";
        out->inner = true;
        if (command_is_terminal(o->vcpus))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "attach-vcpus: no vCPUs were given: standard input is a terminal");
        r = command_read_file(environment, &(struct command_input){o->vcpus, out->option, QMP_MESSAGE_MAX},
                              &text, &size, error);
        return r < 0 ? r : vcpus_parse_answer(text, size, out->option, &out->vcpus, error);
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct attach_options o = {.attach = {.qmp_fd = -1, .timeout = 25}};
        struct vcpus_given given = {0};
        json_t *out = NULL;
        int r;

        r = command_parse(&command_attach_vcpus, argc, argv, &o.parsed, error);
        if (r == 0)
                r = check_options(&o, error);
        if (r == 0)
                r = read_given(environment, &o, &given, error);
        if (r == 0) {
                o.attach.given = given.vcpus ? &given : NULL;
                o.pinning.one_each = o.pin;
                if (o.no_pin || pinning_is_wanted(&o.pinning))
                        o.attach.pinning = &o.pinning;
                r = sandbox_attach(environment, o.parsed.id, &o.attach, &out, error);
        }
        free(o.pairs);
        vcpus_free(given.vcpus);
        pinning_clear(&o.pinning);
        if (r != 0)
                return r;
        r = command_print(out, error);
        if (r < 0)
                error_append(error, "the vCPUs are attached");
        return r;
}

const struct command command_attach_vcpus = {
        .name = "attach-vcpus",
        .summary = "place the VMM or its vCPU threads",
        .arguments = "ID",
        .description = "Place the VMM or its vCPU threads, and print them as JSON.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run,
};
