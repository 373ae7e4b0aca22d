/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The drivers, and what they share; for lib/manager only. */

#include "manager/manager.h"

extern const struct manager_ops manager_cgroupfs_ops;
extern const struct manager_ops manager_systemd_ops;

/* The controllers (1 << enum controller) whose files the plan writes. */
unsigned manager_required(const struct plan *plan);

/* Makes the vCPUs' group, where the manager has one. */
int manager_make_subtree(struct manager *manager, const struct plan *plan, struct journal *journal,
                         struct error *error);

/* Moves the processes into the group in every hierarchy where they are not yet. */
int manager_move(struct manager *manager, const struct task *tasks, size_t count, struct journal *journal,
                 struct error *error);
