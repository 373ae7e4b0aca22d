/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules, one a line: "+c 1:3 rw", "-b *:* m", "+a"
 *
 * For every device that the rules name, and one that they do not, and each kind of access, the same is asked of the rules
 * as OCI means them, of the filter, of its eBPF program and of the exceptions as the v1 controller evaluates
 * them (security/device_cgroup.c).
 */
#include "fuzz.h"

#include <linux/bpf.h>

#include "cgroup/bpf.h"
#include "plan/device_filter.h"

#define RULES_MAX 12

struct query {
        char type;
        int64_t major, minor;
        unsigned access;
};

static void *or_any(struct oci_i64 *out, const char *text) {
        *out = (struct oci_i64){text[0] != '*', strtol(text, NULL, 10) & 0xfff};
        return out;
}

/* False where the line is no rule. */
static bool parse_rule(const char *line, struct oci_device *out) {
        char sign, type, major[8], minor[8], access[4];
        int n = sscanf(line, "%c%c %7[0-9*]:%7[0-9*] %3[rwm]", &sign, &type, major, minor, access);

        if (n < 2 || (sign != '+' && sign != '-') || !strchr("abc", type) || (type != 'a' && n != 5))
                return false;
        *out = (struct oci_device){.allow = {true, sign == '+'}, .type = fuzz_text((const uint8_t *)&type, 1)};
        if (type == 'a')
                return true;
        or_any(&out->major, major);
        or_any(&out->minor, minor);
        out->access = strdup(access);
        CHECK(out->access);
        return true;
}

static size_t parse_rules(char *text, struct oci_device *rules) {
        size_t count = 0;
        char *line;

        while (count < RULES_MAX && (line = strsep(&text, "\n")))
                if (parse_rule(line, &rules[count]))
                        count++;
        return count;
}

static bool number_matches(const struct oci_i64 *number, int64_t wanted) {
        return !number->given || number->value == wanted;
}

/* The specification: the last rule that matches wins, for each kind of access by itself; none is "no". */
static bool by_rules(const struct oci_device *rules, size_t count, const struct query *query) {
        for (unsigned kind = OCI_DEVICE_READ; kind <= OCI_DEVICE_MKNOD; kind <<= 1) {
                bool allow = false;

                for (size_t i = 0; i < count; i++)
                        if (rules[i].type[0] == 'a' ||
                            (rules[i].type[0] == query->type && number_matches(&rules[i].major, query->major) &&
                             number_matches(&rules[i].minor, query->minor) &&
                             (oci_device_access(&rules[i]) & kind) != 0))
                                allow = rules[i].allow.value;
                if ((query->access & kind) != 0 && !allow)
                        return false;
        }
        return true;
}

static bool rule_matches(const struct device_rule *rule, const struct query *query) {
        return rule->type == query->type && (rule->major < 0 || rule->major == query->major) &&
               (rule->minor < 0 || rule->minor == query->minor);
}

/* match_exception() for a default to deny, match_exception_partial() for one to allow. */
static bool by_v1(const struct device_filter *exceptions, const struct query *query) {
        for (size_t i = 0; i < exceptions->count; i++) {
                const struct device_rule *exception = &exceptions->rules[i];

                if (!rule_matches(exception, query))
                        continue;
                if (exceptions->allow ? (query->access & exception->access) != 0
                                      : (query->access & ~exception->access) == 0)
                        return !exceptions->allow;
        }
        return exceptions->allow;
}

static uint64_t load(const struct bpf_cgroup_dev_ctx *context, int offset) {
        uint32_t value;

        CHECK(offset >= 0 && (size_t)offset + sizeof(value) <= sizeof(*context));
        memcpy(&value, (const char *)context + offset, sizeof(value));
        return value;
}

/* The few instructions that the program is made of; it only ever jumps forwards. */
static bool run(const struct bpf_insn *program, size_t count, const struct bpf_cgroup_dev_ctx *context) {
        uint64_t registers[11] = {0};

        for (size_t i = 0; i < count; i++) {
                const struct bpf_insn *step = &program[i];
                uint64_t *to = &registers[step->dst_reg], number = (uint64_t)(int64_t)step->imm;
                bool jump = false;

                switch (step->code) {
                case BPF_LDX | BPF_MEM | BPF_W:
                        *to = load(context, step->off);
                        break;
                case BPF_ALU64 | BPF_MOV | BPF_K:
                        *to = number;
                        break;
                case BPF_ALU64 | BPF_MOV | BPF_X:
                        *to = registers[step->src_reg];
                        break;
                case BPF_ALU64 | BPF_AND | BPF_K:
                        *to &= number;
                        break;
                case BPF_ALU64 | BPF_RSH | BPF_K:
                        *to >>= number;
                        break;
                case BPF_JMP | BPF_JNE | BPF_K:
                        jump = *to != number;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        jump = *to == number;
                        break;
                case BPF_JMP | BPF_EXIT:
                        CHECK(registers[0] <= 1);
                        return registers[0] == 1;
                default:
                        CHECK(false); /* none of ours */
                }
                if (jump) {
                        CHECK(step->off >= 0);
                        i += (size_t)step->off;
                }
        }
        CHECK(false); /* it does not end */
        return false;
}

static bool by_program(const struct bpf_insn *program, size_t count, const struct query *query) {
        const unsigned access = ((query->access & OCI_DEVICE_READ) != 0 ? BPF_DEVCG_ACC_READ : 0U) |
                                ((query->access & OCI_DEVICE_WRITE) != 0 ? BPF_DEVCG_ACC_WRITE : 0U) |
                                ((query->access & OCI_DEVICE_MKNOD) != 0 ? BPF_DEVCG_ACC_MKNOD : 0U);
        const struct bpf_cgroup_dev_ctx context = {
                .access_type = access << 16 | (query->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
                .major = (uint32_t)query->major,
                .minor = (uint32_t)query->minor};

        return run(program, count, &context);
}

struct answers {
        const struct oci_device *rules;
        size_t count;
        struct device_filter *exceptions; /* or NULL */
        struct bpf_insn *program;
        size_t length;
};

static void check_device(const struct answers *answers, char type, int64_t major, int64_t minor) {
        for (unsigned access = 1; access <= OCI_DEVICE_ALL; access++) {
                const struct query query = {type, major, minor, access};
                bool allowed = by_rules(answers->rules, answers->count, &query);

                CHECK(by_program(answers->program, answers->length, &query) == allowed);
                if (!answers->exceptions)
                        continue;
                /* Two exceptions that overlap, neither within the other, are not taken together by the kernel. */
                if (answers->exceptions->allow || (access & (access - 1)) == 0)
                        CHECK(by_v1(answers->exceptions, &query) == allowed);
                else
                        CHECK(allowed || !by_v1(answers->exceptions, &query));
        }
}

/* The number that the rule names, or one that none names. */
static int64_t number_of(const struct answers *answers, size_t i, bool major) {
        const struct oci_i64 *number;

        if (i == answers->count)
                return 0x1000;
        number = major ? &answers->rules[i].major : &answers->rules[i].minor;
        return number->given ? number->value : 0x1000;
}

static void check_devices(const struct answers *answers) {
        for (size_t i = 0; i <= answers->count; i++)
                for (size_t k = 0; k <= answers->count; k++) {
                        check_device(answers, 'b', number_of(answers, i, true), number_of(answers, k, false));
                        check_device(answers, 'c', number_of(answers, i, true), number_of(answers, k, false));
                }
}

static void check_exceptions(const struct device_filter *exceptions) {
        for (size_t i = 0; i < exceptions->count; i++) {
                CHECK(exceptions->rules[i].allow == !exceptions->allow && exceptions->rules[i].access != 0);
                for (size_t k = 0; k < i; k++)
                        CHECK(!device_rule_includes(&exceptions->rules[i], &exceptions->rules[k]) ||
                              !device_rule_includes(&exceptions->rules[k], &exceptions->rules[i]));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(device_filter_freep) struct device_filter *filter = NULL, *copy = NULL;
        _cleanup_free_ char *text = fuzz_text(data, size);
        struct oci_device rules[RULES_MAX] = {0};
        const struct oci_array array = {rules, parse_rules(text, rules)};
        struct answers answers = {.rules = rules, .count = array.count};

        filter = device_filter_new(&array);
        CHECK(filter);
        copy = device_filter_copy(filter);
        CHECK(device_filter_equal(filter, copy));
        if (device_filter_exceptions(filter, &answers.exceptions) == 0)
                check_exceptions(answers.exceptions);
        answers.program = bpf_devices_compile(filter, &answers.length);
        CHECK(answers.program);
        check_devices(&answers);
        device_filter_free(answers.exceptions);
        free(answers.program);
        for (size_t i = 0; i < array.count; i++) {
                free(rules[i].type);
                free(rules[i].access);
        }
        return 0;
}
