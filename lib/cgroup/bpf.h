/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Programs that decide which devices a v2 cgroup may use (BPF_PROG_TYPE_CGROUP_DEVICE)
 *
 * A cgroup can have several programs of different owners; a device may be used if all of them allow it. Our program is
 * distinguished from systemd's by its name. libbpf is loaded when the first function is called.
 */

#include <stdbool.h>

#include "plan/device_filter.h"
#include "util/error.h"

struct bpf_insn;

/* The program for the filter: a new array of `*count` instructions, or NULL without memory. */
struct bpf_insn *bpf_devices_compile(const struct device_filter *filter, size_t *count);

/* Results that are not errors. */
enum {
        BPF_E_NO_PROGRAM = 1, /* none of the cgroup's programs is ours */
};

/* Finds our program on this cgroup (an open directory, not O_PATH): `*out` is a new descriptor of it. 0, BPF_E_NO_PROGRAM, or
 * status 1. */
int bpf_devices_find(int directory, int *out, struct error *error);

/* Whether such a program can be loaded on this host. */
bool bpf_is_available(void);

/* Loads a program for the filter. Returns its descriptor. Errors: status 1. */
int bpf_devices_load(const struct device_filter *filter, struct error *error);

/*
 * Replaces `former` by `program`, in one step (BPF_F_REPLACE, Linux 5.6). On older kernels the new program is attached
 * before the old one is detached, so that what both allow stays allowed. Either may be -1.
 */
int bpf_devices_replace(int directory, int program, int former, struct error *error);
