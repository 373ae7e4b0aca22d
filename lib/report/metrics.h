/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The statistics of sandboxes as text for Prometheus
 *
 * Names follow the rules of OpenMetrics 1.0 (github.com/OpenObservability/OpenMetrics): base units, the unit as a suffix, and
 * counters end in _total.
 */

#include <jansson.h>
#include <stdio.h>

/*
 * The two formats disagree on the metadata of a counter. The text format of Prometheus 0.0.4, which node exporter's textfile
 * collector and promtool read, has the name of the samples there (# TYPE x_total counter); OpenMetrics has the name of the
 * family (# TYPE x counter). # UNIT and # EOF are comments to the former. All else is the same.
 */
enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS };

/* Writes all families, up to "# EOF". `sandboxes` is the array of sandbox_list() with statistics. Errors of the stream are for
 * the caller to ask for. */
void metrics_write(FILE *stream, const json_t *sandboxes, enum metrics_format format);
