/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The functions of the rows of the table of fields: each adds the settings of its field, if the field is given. */

#include "plan/builder.h"

/* A number with its own file and perhaps its own property. */
int plan_scalar(struct builder *builder, const struct field_row *row);

/* Adds nothing: another row handles this field too. */
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

/* Explicit files of v2. They replace settings of other fields, so this row is the last. */
int plan_unified(struct builder *builder, const struct field_row *row);
