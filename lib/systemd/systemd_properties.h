/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A plan's properties as a D-Bus a(sv), both ways; and what a unit says of itself. */

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

/* One debug line a property, before it is sent. */
void systemd_properties_log(const struct log *log, const char *unit, const struct plan *plan);

/* From the reply of GetAll, the present values of the properties that `plan` has. */
int systemd_properties_read(const struct sd_bus_library *sd, sd_bus_message *reply, const struct plan *plan,
                            struct plan **out, struct error *error);

/* From the reply of GetAll on org.freedesktop.systemd1.Unit. */
int unit_identity_read(const struct sd_bus_library *sd, sd_bus_message *reply, struct unit_identity *out,
                       struct error *error);
