/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The functions of libsystemd's sd-bus(3) that are used, looked up when the first is needed
 *
 * The table is valid after sd_bus_load() has succeeded; it is filled once in each process.
 */

#include <systemd/sd-bus.h>

#include "util/cleanup.h"
#include "util/error.h"

struct sd_bus_library {
        __typeof__(sd_bus_open_system) *open_system;
        __typeof__(sd_bus_flush_close_unref) *flush_close_unref;
        __typeof__(sd_bus_set_method_call_timeout) *set_method_call_timeout;
        __typeof__(sd_bus_message_new_method_call) *message_new_method_call;
        __typeof__(sd_bus_message_append) *message_append;
        __typeof__(sd_bus_message_append_array) *message_append_array;
        __typeof__(sd_bus_message_open_container) *message_open_container;
        __typeof__(sd_bus_message_close_container) *message_close_container;
        __typeof__(sd_bus_message_read) *message_read;
        __typeof__(sd_bus_message_read_array) *message_read_array;
        __typeof__(sd_bus_message_enter_container) *message_enter_container;
        __typeof__(sd_bus_message_exit_container) *message_exit_container;
        __typeof__(sd_bus_message_peek_type) *message_peek_type;
        __typeof__(sd_bus_message_skip) *message_skip;
        __typeof__(sd_bus_message_unref) *message_unref;
        __typeof__(sd_bus_call) *call;
        __typeof__(sd_bus_match_signal) *match_signal;
        __typeof__(sd_bus_process) *process;
        __typeof__(sd_bus_wait) *wait;
        __typeof__(sd_bus_error_free) *error_free;
        __typeof__(sd_bus_path_encode) *path_encode;
        __typeof__(sd_bus_slot_unref) *slot_unref;
};

/* Loads libsystemd.so.0. Error: status 1. */
int sd_bus_load(const struct sd_bus_library **out, struct error *error);
