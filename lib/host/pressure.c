/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pressure triggers from text
 *
 * Subtle: the kernel answers EINVAL to each wrong trigger, whatever is wrong, so its limits are checked here.
 */
#include "host/pressure.h"

#include <inttypes.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/number.h"

static const char *const resources[] = {"cpu", "memory", "io"};

static const char *find_resource(const char *text, size_t length) {
        for (size_t i = 0; i < ARRAY_SIZE(resources); i++)
                if (strlen(resources[i]) == length && strncmp(resources[i], text, length) == 0)
                        return resources[i];
        return NULL;
}

/* "150ms". Changes the text. 0 or -EINVAL. */
static int parse_duration(char *text, uint64_t *out) {
        static const struct {
                const char *name;
                uint64_t us;
        } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}};
        char *unit = text + strspn(text, "0123456789");
        uint64_t number;

        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (strcmp(unit, units[i].name) != 0)
                        continue;
                *unit = '\0';
                if (number_parse_u64(text, &number) < 0 || __builtin_mul_overflow(number, units[i].us, &number))
                        return -EINVAL;
                *out = number;
                return 0;
        }
        return -EINVAL;
}

static int check_limits(const struct pressure_trigger *trigger, const char *text, const char *option,
                        struct error *error) {
        if (trigger->window_us < PRESSURE_WINDOW_MIN_US || trigger->window_us > PRESSURE_WINDOW_MAX_US)
                return error_set(error, EXIT_STATUS_USAGE, 0, option,
                                 "\"%s\": the window is not from 500ms to 10s", text);
        if (trigger->threshold_us == 0 || trigger->threshold_us > trigger->window_us)
                return error_set(error, EXIT_STATUS_USAGE, 0, option,
                                 "\"%s\": the threshold is 0, or longer than the window", text);
        return 0;
}

int pressure_parse(const char *text, const char *option, struct pressure_trigger *out, struct error *error) {
        _cleanup_free_ char *copy = strdup(text);
        struct pressure_trigger trigger = {0};
        char *threshold, *window = NULL;
        int r;

        if (!copy)
                return error_oom(error);
        threshold = strchr(copy, ':');
        if (threshold) {
                trigger.resource = find_resource(copy, (size_t)(threshold++ - copy));
                window = strchr(threshold, '/');
        }
        if (window)
                *window++ = '\0';
        if (!trigger.resource || !window || parse_duration(threshold, &trigger.threshold_us) < 0 ||
            parse_duration(window, &trigger.window_us) < 0)
                return error_set(error, EXIT_STATUS_USAGE, 0, option,
                                 "\"%s\" is not cpu|memory|io:THRESHOLD/WINDOW, for example memory:150ms/1s",
                                 text);
        r = check_limits(&trigger, text, option, error);
        if (r == 0)
                *out = trigger;
        return r;
}
