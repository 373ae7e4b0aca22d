/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device programs
 *
 * Subtle: the last OCI rule that matches decides, separately for each kind of access. So the program evaluates the
 * rules from the last to the first, and keeps the requested kinds of access that are still undecided in a register. A
 * rule that allows removes its kinds from the register; a rule that denies an undecided kind ends the program.
 */
#include "cgroup/bpf.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/library.h"

#define PROGRAM_NAME "kata_devices"

/* The kernel's limit of programs on a cgroup (BPF_CGROUP_MAX_PROGS in kernel/bpf/cgroup.c). A smaller buffer yields ENOSPC
 * and a truncated list. */
#define PROGRAMS_MAX 64

/* The maximum number of instructions for a rule, and the number of those around the rules. */
#define RULE_INSTRUCTIONS 8
#define FRAME_INSTRUCTIONS 8

struct bpf_library {
        __typeof__(bpf_prog_load) *prog_load;
        __typeof__(bpf_prog_attach_opts) *prog_attach_opts;
        __typeof__(bpf_prog_detach2) *prog_detach2;
        __typeof__(bpf_prog_query) *prog_query;
        __typeof__(bpf_prog_get_fd_by_id) *prog_get_fd_by_id;
        __typeof__(bpf_obj_get_info_by_fd) *obj_get_info_by_fd;
};

#define SYMBOL(member)                                                                                         \
        { "bpf_" #member, (void **)&library.member }

static int load_library(const struct bpf_library **out, struct error *error) {
        /* Static, as in sd_bus.c: addresses are facts of the process. */
        static struct bpf_library library;
        static const struct library_symbol symbols[] = {
                SYMBOL(prog_attach_opts),  SYMBOL(prog_detach2),       SYMBOL(prog_query),
                SYMBOL(prog_get_fd_by_id), SYMBOL(obj_get_info_by_fd), SYMBOL(prog_load),
        };
        int r;

        if (!library.prog_load) {
                r = library_open("libbpf.so.1", symbols, ARRAY_SIZE(symbols), error);
                if (r < 0)
                        return r;
        }
        *out = &library;
        return 0;
}

/* Registers: 2 is the device's type, 3 the undecided kinds of access, 4 major, 5 minor. */
#define INSTRUCTION(code_, dst, src, off_, imm_)                                                               \
        ((struct bpf_insn){.code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_)})
#define LOAD(dst, member)                                                                                      \
        INSTRUCTION(BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, member), 0)
#define MOVE(dst, imm) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define COPY(dst, src) INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define AND(dst, imm) INSTRUCTION(BPF_ALU64 | BPF_AND | BPF_K, dst, 0, 0, imm)
#define SHIFT_RIGHT(dst, imm) INSTRUCTION(BPF_ALU64 | BPF_RSH | BPF_K, dst, 0, 0, imm)
#define JUMP_IF(op, dst, imm, off) INSTRUCTION(BPF_JMP | (op) | BPF_K, dst, 0, off, imm)
#define EXIT INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int access_bits(unsigned access) {
        return ((access & OCI_DEVICE_READ) != 0 ? BPF_DEVCG_ACC_READ : 0) |
               ((access & OCI_DEVICE_WRITE) != 0 ? BPF_DEVCG_ACC_WRITE : 0) |
               ((access & OCI_DEVICE_MKNOD) != 0 ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* The rule's instructions; jumps that leave it are filled in once its length is known. */
static size_t emit_rule(const struct device_rule *rule, struct bpf_insn *out) {
        size_t n = 0, tests;

        out[n++] = JUMP_IF(BPF_JNE, BPF_REG_2, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, 0);
        if (rule->major >= 0)
                out[n++] = JUMP_IF(BPF_JNE, BPF_REG_4, (int)rule->major, 0);
        if (rule->minor >= 0)
                out[n++] = JUMP_IF(BPF_JNE, BPF_REG_5, (int)rule->minor, 0);
        if (rule->allow) {
                out[n++] = AND(BPF_REG_3, ~access_bits(rule->access));
                out[n++] = JUMP_IF(BPF_JNE, BPF_REG_3, 0, 0);
                tests = n;
                out[n++] = MOVE(BPF_REG_0, 1);
        } else {
                out[n++] = COPY(BPF_REG_0, BPF_REG_3);
                out[n++] = AND(BPF_REG_0, access_bits(rule->access));
                out[n++] = JUMP_IF(BPF_JEQ, BPF_REG_0, 0, 0);
                tests = n;
                out[n++] = MOVE(BPF_REG_0, 0);
        }
        out[n++] = EXIT;
        for (size_t i = 0; i < tests; i++)
                if (BPF_CLASS(out[i].code) == BPF_JMP)
                        out[i].off = (short)(n - i - 1);
        return n;
}

static size_t emit(const struct device_filter *filter, struct bpf_insn *out) {
        size_t n = 0;

        out[n++] = LOAD(BPF_REG_2, access_type);
        out[n++] = COPY(BPF_REG_3, BPF_REG_2);
        out[n++] = AND(BPF_REG_2, 0xffff);
        out[n++] = SHIFT_RIGHT(BPF_REG_3, 16);
        out[n++] = LOAD(BPF_REG_4, major);
        out[n++] = LOAD(BPF_REG_5, minor);
        for (size_t i = filter->count; i > 0; i--)
                n += emit_rule(&filter->rules[i - 1], out + n);
        out[n++] = MOVE(BPF_REG_0, filter->allow);
        out[n++] = EXIT;
        return n;
}

struct bpf_insn *bpf_devices_compile(const struct device_filter *filter, size_t *count) {
        struct bpf_insn *instructions =
                calloc(FRAME_INSTRUCTIONS + filter->count * RULE_INSTRUCTIONS, sizeof(*instructions));

        if (instructions)
                *count = emit(filter, instructions);
        return instructions;
}

int bpf_devices_load(const struct device_filter *filter, struct error *error) {
        _cleanup_free_ struct bpf_insn *instructions = NULL;
        const struct bpf_library *bpf;
        size_t count;
        int r, program;

        instructions = bpf_devices_compile(filter, &count);
        if (!instructions)
                return error_oom(error);
        r = load_library(&bpf, error);
        if (r < 0)
                return r;
        program = bpf->prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, PROGRAM_NAME, "Apache-2.0", instructions, count,
                                 NULL);
        return program < 0 ? error_fail(error, -program, "devices: the kernel does not take the eBPF program")
                           : program;
}

bool bpf_is_available(void) {
        const struct device_filter all = {.allow = true};
        _cleanup_close_ int program = bpf_devices_load(&all, NULL);

        return program >= 0;
}

static bool is_ours(const struct bpf_library *bpf, int program) {
        struct bpf_prog_info info = {0};
        unsigned size = sizeof(info);

        return bpf->obj_get_info_by_fd(program, &info, &size) == 0 && strcmp(info.name, PROGRAM_NAME) == 0;
}

int bpf_devices_find(int directory, int *out, struct error *error) {
        unsigned ids[PROGRAMS_MAX] = {0}, count = PROGRAMS_MAX, flags = 0;
        const struct bpf_library *bpf;
        int r;

        r = load_library(&bpf, error);
        if (r < 0)
                return r;
        r = bpf->prog_query(directory, BPF_CGROUP_DEVICE, 0, &flags, ids, &count);
        if (r < 0)
                return error_fail(error, -r, "devices: the cgroup's eBPF programs cannot be listed");
        for (unsigned i = 0; i < count; i++) {
                _cleanup_close_ int program = bpf->prog_get_fd_by_id(ids[i]);

                if (program >= 0 && is_ours(bpf, program)) {
                        *out = TAKE_FD(program);
                        return 0;
                }
        }
        return BPF_E_NO_PROGRAM;
}

static int detach(const struct bpf_library *bpf, int directory, int program, struct error *error) {
        int r = bpf->prog_detach2(program, directory, BPF_CGROUP_DEVICE);

        return r < 0 && r != -ENOENT ? error_fail(error, -r, "devices: an eBPF program cannot be detached") : 0;
}

int bpf_devices_replace(int directory, int program, int former, struct error *error) {
        LIBBPF_OPTS(bpf_prog_attach_opts, options, .flags = BPF_F_ALLOW_MULTI);
        const struct bpf_library *bpf;
        int r;

        r = load_library(&bpf, error);
        if (r < 0)
                return r;
        if (program < 0)
                return former < 0 ? 0 : detach(bpf, directory, former, error);
        if (former >= 0) {
                options.flags |= BPF_F_REPLACE;
                options.replace_prog_fd = former;
                if (bpf->prog_attach_opts(program, directory, BPF_CGROUP_DEVICE, &options) == 0)
                        return 0;
                options.flags = BPF_F_ALLOW_MULTI;
                options.replace_prog_fd = 0;
        }
        r = bpf->prog_attach_opts(program, directory, BPF_CGROUP_DEVICE, &options);
        if (r == -E2BIG)
                return error_fail(
                        error, -r,
                        "devices: an eBPF program cannot be attached: the cgroup has %d programs, the "
                        "kernel's limit, already",
                        PROGRAMS_MAX);
        if (r < 0)
                return error_fail(error, -r, "devices: an eBPF program cannot be attached");
        return former < 0 ? 0 : detach(bpf, directory, former, error);
}
