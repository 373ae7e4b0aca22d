/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writing and reading a plan's properties as a D-Bus a(sv), and reading a unit's identity. */

#include "plan/plan.h"
#include "systemd/sd_bus.h"
#include "systemd/systemd_bus.h"
#include "util/log.h"

/* Whether the plan has a property at all. */
bool systemd_properties_any(const struct plan *plan);

/* Appends the plan's properties to a message whose a(sv) is open. A NULL plan has none. Returns 0 or a
 * negative errno. */
int systemd_properties_append(const struct sd_bus_library *sd, sd_bus_message *message,
                              const struct plan *plan);

/* Logs a debug line for each property, before it is sent. */
void systemd_properties_log(const struct log *log, const char *unit, const struct plan *plan);

/* Reads the present values of the properties in `plan` from the reply of GetAll. */
int systemd_properties_read(const struct sd_bus_library *sd, sd_bus_message *reply, const struct plan *plan,
                            struct plan **out, struct error *error);

/* Reads the identity from the reply of GetAll on org.freedesktop.systemd1.Unit. */
int unit_identity_read(const struct sd_bus_library *sd, sd_bus_message *reply, struct unit_identity *out,
                       struct error *error);
