/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the rows of the table of fields do: each adds the settings of its field, if that was given. */

#include "plan/builder.h"

/* A number that has a file, and perhaps a property, of its own. */
int plan_scalar(struct builder *builder, const struct field_row *row);

/* Nothing: another row does it together with its own. */
int plan_elsewhere(struct builder *builder, const struct field_row *row);

int plan_cpus(struct builder *builder, const struct field_row *row);
int plan_mems(struct builder *builder, const struct field_row *row);
int plan_idle(struct builder *builder, const struct field_row *row);
int plan_shares(struct builder *builder, const struct field_row *row);
int plan_period(struct builder *builder, const struct field_row *row);
int plan_quota(struct builder *builder, const struct field_row *row);
int plan_realtime(struct builder *builder, const struct field_row *row);

int plan_memory_limit(struct builder *builder, const struct field_row *row);
int plan_swap(struct builder *builder, const struct field_row *row);

int plan_pids(struct builder *builder, const struct field_row *row);
int plan_hugepages(struct builder *builder, const struct field_row *row);
int plan_priorities(struct builder *builder, const struct field_row *row);
int plan_rdma(struct builder *builder, const struct field_row *row);

int plan_io_weight(struct builder *builder, const struct field_row *row);
int plan_io_weight_device(struct builder *builder, const struct field_row *row);
int plan_throttle_read_bps(struct builder *builder, const struct field_row *row);
int plan_throttle_write_bps(struct builder *builder, const struct field_row *row);
int plan_throttle_read_iops(struct builder *builder, const struct field_row *row);
int plan_throttle_write_iops(struct builder *builder, const struct field_row *row);

int plan_devices(struct builder *builder, const struct field_row *row);

/* Explicit files of v2: they win over what other fields have come to, so this row is the last. */
int plan_unified(struct builder *builder, const struct field_row *row);
