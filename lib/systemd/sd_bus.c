/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsystemd's D-Bus functions, loaded when the first one is needed
 *
 * The addresses are static variables: they are facts of the process, not state.
 */
#include "systemd/sd_bus.h"

#include "util/library.h"

#define SYMBOL(member)                                                                                         \
        { "sd_bus_" #member, (void **)&library.member }

int sd_bus_load(const struct sd_bus_library **out, struct error *error) {
        static struct sd_bus_library library;
        static const struct library_symbol symbols[] = {
                SYMBOL(open_system),
                SYMBOL(flush_close_unref),
                SYMBOL(set_method_call_timeout),
                SYMBOL(message_new_method_call),
                SYMBOL(message_append),
                SYMBOL(message_append_array),
                SYMBOL(message_open_container),
                SYMBOL(message_close_container),
                SYMBOL(message_read),
                SYMBOL(message_read_array),
                SYMBOL(message_enter_container),
                SYMBOL(message_exit_container),
                SYMBOL(message_peek_type),
                SYMBOL(message_skip),
                SYMBOL(message_unref),
                SYMBOL(call),
                SYMBOL(match_signal),
                SYMBOL(process),
                SYMBOL(wait),
                SYMBOL(error_free),
                SYMBOL(path_encode),
                SYMBOL(slot_unref),
        };
        int r;

        if (!library.slot_unref) {
                r = library_open("libsystemd.so.0", symbols, ARRAY_SIZE(symbols), error);
                if (r < 0)
                        return r;
        }
        *out = &library;
        return 0;
}
