/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinning vCPU threads
 *
 * Subtle: sched_setaffinity(2) takes a number. A thread is checked to be the VMM's before and after the call; a number that passes
 * both checks was the same thread in between.
 */
#include "vmm/pinning.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/facts.h"
#include "util/number.h"
#include "vmm/affinity.h"

#define FIELD "--pin-map"

void pinning_clear(struct pinning *pinning) {
        for (size_t i = 0; i < pinning->map_count; i++)
                free(pinning->map[i].cpus);
        free(pinning->map);
        *pinning = (struct pinning){0};
}

/* Inserts a pin by index; owns `cpus`. -EEXIST if the vCPU has one already. */
static int add_pin(struct pinning *pinning, unsigned index, char *cpus) {
        struct pin *larger = reallocarray(pinning->map, pinning->map_count + 1, sizeof(*larger));
        size_t i = 0;

        if (!larger) {
                free(cpus);
                return -ENOMEM;
        }
        pinning->map = larger;
        while (i < pinning->map_count && larger[i].index < index)
                i++;
        if (i < pinning->map_count && larger[i].index == index) {
                free(cpus);
                return -EEXIST;
        }
        memmove(&larger[i + 1], &larger[i], (pinning->map_count - i) * sizeof(*larger));
        larger[i] = (struct pin){index, cpus};
        pinning->map_count++;
        return 0;
}

int pinning_copy(const struct pinning *pinning, struct pinning *out) {
        struct pinning copy = {.one_each = pinning->one_each, .in_force = pinning->in_force};

        for (size_t i = 0; i < pinning->map_count; i++) {
                char *cpus = strdup(pinning->map[i].cpus);

                if (!cpus || add_pin(&copy, pinning->map[i].index, cpus) < 0) {
                        pinning_clear(&copy);
                        return -ENOMEM;
                }
        }
        *out = copy;
        return 0;
}

/* Adds a pin from the texts of index and CPUs. -EINVAL, -EEXIST or -ENOMEM. */
static int add_texts(struct pinning *pinning, const char *index_text, const char *cpus_text) {
        struct cpulist cpus;
        uint32_t index;
        char *canonical;

        if (number_parse_u32(index_text, &index) < 0 || index > INT_MAX ||
            cpulist_parse(cpus_text, &cpus) < 0 || cpulist_is_empty(&cpus))
                return -EINVAL;
        canonical = cpulist_format(&cpus);
        return canonical ? add_pin(pinning, index, canonical) : -ENOMEM;
}

/* The end of an entry: where the next one, with a "=" in it, begins. */
static char *end_of_entry(char *entry) {
        char *equals = strchr(entry, '='), *next = equals ? strchr(equals + 1, '=') : NULL;

        if (!next)
                return NULL;
        while (next > equals && *next != ',')
                next--;
        return next > equals ? next : NULL;
}

static int parse_entry(struct pinning *pinning, char *entry, struct error *error) {
        char *equals = strchr(entry, '=');
        int r = -EINVAL;

        if (equals) {
                *equals = '\0';
                r = add_texts(pinning, entry, equals + 1);
                *equals = '=';
        }
        if (r == -ENOMEM)
                return error_oom(error);
        if (r == -EEXIST)
                return error_refuse(error, FIELD, "\"%s\": this vCPU is named before", entry);
        return r < 0 ? error_refuse(error, FIELD, "\"%s\" is not INDEX=CPUS", entry) : 0;
}

int pinning_parse_map(const char *text, struct pinning *out, struct error *error) {
        _cleanup_free_ char *copy = strdup(text);
        char *entry = copy;
        int r = copy ? 0 : error_oom(error);

        while (r == 0 && entry) {
                char *end = end_of_entry(entry);

                if (end)
                        *end = '\0';
                r = parse_entry(out, entry, error);
                entry = end ? end + 1 : NULL;
        }
        return r;
}

json_t *pinning_map_to_json(const struct pinning *pinning) {
        _cleanup_json_ json_t *object = json_object();

        for (size_t i = 0; object && i < pinning->map_count; i++) {
                char index[16];

                (void)snprintf(index, sizeof(index), "%u", pinning->map[i].index);
                if (json_object_set_new(object, index, json_string(pinning->map[i].cpus)) < 0)
                        return NULL;
        }
        return TAKE(object);
}

int pinning_map_from_json(const json_t *json, struct pinning *out) {
        _cleanup_(pinning_clear) struct pinning pinning = {0};
        const char *index;
        json_t *value;

        if (!json_is_object(json))
                return -EINVAL;
        json_object_foreach((json_t *)json, index, value) {
                const char *cpus = json_string_value(value);
                int r = cpus ? add_texts(&pinning, index, cpus) : -EINVAL;

                if (r < 0)
                        return r == -ENOMEM ? r : -EINVAL;
        }
        *out = pinning;
        pinning = (struct pinning){0};
        return 0;
}

static bool has_vcpu(const struct vcpus *vcpus, unsigned index) {
        for (size_t i = 0; i < vcpus->count; i++)
                if (vcpus->vcpus[i].index == index)
                        return true;
        return false;
}

int pinning_check_map(const struct pinning *pinning, const struct vcpus *vcpus, const struct cpulist *cpus,
                      struct error *error) {
        for (size_t i = 0; i < pinning->map_count; i++) {
                const struct pin *pin = &pinning->map[i];
                _cleanup_free_ char *all = NULL;
                struct cpulist missing;

                if (!has_vcpu(vcpus, pin->index))
                        return error_refuse(error, FIELD, "there is no vCPU %u", pin->index);
                (void)cpulist_parse(pin->cpus, &missing);
                cpulist_subtract(&missing, cpus);
                if (cpulist_is_empty(&missing))
                        continue;
                all = cpulist_format(cpus);
                return error_refuse(error, FIELD,
                                    "the sandbox may use the CPUs %s, which CPU %d of vCPU %u is not among",
                                    all ? all : "?", cpulist_nth(&missing, 0), pin->index);
        }
        return 0;
}

/* The CPUs of the node that are among these CPUs. */
static struct cpulist part_of(const struct cpulist *cpus, const struct cpulist *node) {
        struct cpulist part = *cpus, rest = *cpus;

        cpulist_subtract(&rest, node);
        cpulist_subtract(&part, &rest);
        return part;
}

/* The CPUs in the first node that has `count` of them, or else in the node that has the most. */
static struct cpulist best_part(const struct cpulist *cpus, const struct cpulist *nodes, size_t node_count,
                                size_t count) {
        struct cpulist best = {0};

        for (size_t i = 0; i < node_count && cpulist_count(&best) < count; i++) {
                struct cpulist part = part_of(cpus, &nodes[i]);

                if (cpulist_count(&part) > cpulist_count(&best))
                        best = part;
        }
        /* If no known node has any of them, all are used. */
        return cpulist_is_empty(&best) ? *cpus : best;
}

void pinning_choose(const struct cpulist *cpus, const struct cpulist *nodes, size_t node_count, size_t count,
                    struct cpulist *out) {
        struct cpulist left = *cpus, chosen = {0};

        while (count > 0) {
                struct cpulist part = best_part(&left, nodes, node_count, count);

                for (int cpu; count > 0 && (cpu = cpulist_nth(&part, 0)) >= 0; count--) {
                        struct cpulist one = {0};

                        cpulist_add(&one, (unsigned)cpu);
                        cpulist_subtract(&part, &one);
                        cpulist_subtract(&left, &one);
                        cpulist_union(&chosen, &one);
                }
        }
        *out = chosen;
}

/* A number that belongs to the thread before and after the call belonged to it during the call. */
static int set_thread(const struct process *vmm, const struct vcpu *vcpu, const struct cpulist *cpus,
                      struct error *error) {
        int r = process_has_thread(vmm, vcpu->tid) ? affinity_set(vcpu->tid, cpus) : -ESRCH;

        if (r == 0 && !process_has_thread(vmm, vcpu->tid))
                r = -ESRCH;
        return r < 0 ? error_fail(error, -r, "cannot set the CPUs of vCPU %u, thread %d", vcpu->index,
                                  vcpu->tid)
                     : 0;
}

static int choose_on_host(const struct pinning_place *place, struct cpulist *out, struct error *error) {
        _cleanup_free_ struct cpulist *nodes = NULL;
        size_t count;

        if (cpulist_count(place->cpus) == place->vcpus->count) {
                *out = *place->cpus;
                return 0;
        }
        if (facts_numa_nodes(&nodes, &count) < 0)
                return error_oom(error);
        pinning_choose(place->cpus, nodes, count, place->vcpus->count, out);
        return 0;
}

static int pin_one_each(const struct pinning_place *place, struct error *error) {
        struct cpulist chosen;
        int r = choose_on_host(place, &chosen, error);

        for (size_t i = 0; r == 0 && i < place->vcpus->count; i++) {
                struct cpulist one = {0};

                cpulist_add(&one, (unsigned)cpulist_nth(&chosen, i));
                r = set_thread(place->vmm, &place->vcpus->vcpus[i], &one, error);
        }
        return r;
}

/* The CPUs of the vCPU's pin that are available now; false if it has no pin, or none of its CPUs is left. */
static bool find_pin(const struct pinning *pinning, const struct pinning_place *place, const struct vcpu *vcpu,
                     struct cpulist *out) {
        for (size_t i = 0; i < pinning->map_count; i++) {
                struct cpulist cpus;

                if (pinning->map[i].index != vcpu->index)
                        continue;
                (void)cpulist_parse(pinning->map[i].cpus, &cpus);
                *out = part_of(place->cpus, &cpus);
                if (!cpulist_is_empty(out))
                        return true;
                log_warning(place->log,
                            "vCPU %u was pinned to CPUs that the sandbox has no more: %s; it may run on all",
                            vcpu->index, pinning->map[i].cpus);
        }
        return false;
}

static int pin_by_map(const struct pinning *pinning, const struct pinning_place *place, bool *pinned,
                      struct error *error) {
        int r = 0;

        *pinned = false;
        for (size_t i = 0; r == 0 && i < place->vcpus->count; i++) {
                const struct vcpu *vcpu = &place->vcpus->vcpus[i];
                struct cpulist cpus;
                bool found = find_pin(pinning, place, vcpu, &cpus);

                r = set_thread(place->vmm, vcpu, found ? &cpus : place->cpus, error);
                *pinned = *pinned || found;
        }
        return r;
}

int pinning_apply(const struct pinning *pinning, const struct pinning_place *place, bool *pinned,
                  struct error *error) {
        if (!pinning->one_each || cpulist_count(place->cpus) < place->vcpus->count)
                return pin_by_map(pinning, place, pinned, error);
        *pinned = true;
        return pin_one_each(place, error);
}
