/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random-resources SEED COUNT 1|2 MAJOR MINOR
 *
 * Prints COUNT lines, each with two LinuxResources documents separated by a tab: one to create a cgroup of that
 * version with, and one to update it. The same seed gives the same lines everywhere. MAJOR and MINOR name a
 * block device for throttles. Values are such as the kernel takes.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

/* splitmix64 (Steele, Lea, Flood 2014): short, and the same everywhere. */
static uint64_t next(void) {
        uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static uint64_t below(uint64_t limit) {
        return next() % limit;
}

static bool one_in(uint64_t n) {
        return below(n) == 0;
}

static void set(json_t *object, const char *name, int64_t value) {
        (void)json_object_set_new(object, name, json_integer(value));
}

static json_t *make_cpu(void) {
        static const int64_t shares[] = {2, 3, 10, 512, 1000, 1024, 2048, 5000, 102400, 262144};
        static const int64_t periods[] = {10000, 50000, 100000, 250000};
        static const char *const cpus[] = {"0", "1", "0-1"};
        json_t *cpu = json_object();

        if (!one_in(3))
                set(cpu, "shares", shares[below(10)]);
        if (!one_in(3)) {
                int64_t period = periods[below(4)];

                set(cpu, "quota", one_in(6) ? -1 : (int64_t)(1000 + below(200) * 1000 + below(1000)));
                set(cpu, "period", period);
        }
        if (one_in(2)) {
                (void)json_object_set_new(cpu, "cpus", json_string(cpus[below(3)]));
                (void)json_object_set_new(cpu, "mems", json_string("0"));
        }
        return cpu;
}

/* A new limit without a word on swap could be above the one for both that is there. */
static json_t *make_memory(bool update) {
        json_t *memory = json_object();
        int64_t limit = (int64_t)(64 + below(2000)) * 1048576;

        set(memory, "limit", limit);
        if (one_in(2))
                set(memory, "reservation", limit / 2);
        if (update || one_in(2))
                set(memory, "swap", one_in(4) ? -1 : limit + (int64_t)below(3) * 104857600);
        return memory;
}

static json_t *make_block_io(int major_number, int minor_number) {
        static const char *const names[] = {"throttleReadBpsDevice", "throttleWriteBpsDevice",
                                            "throttleReadIOPSDevice", "throttleWriteIOPSDevice"};
        json_t *block_io = json_object();

        if (one_in(2))
                set(block_io, "weight", (int64_t)(10 + below(991)));
        for (int i = 0; i < 4; i++)
                if (one_in(3))
                        (void)json_object_set_new(block_io, names[i],
                                                  json_pack("[{s:i, s:i, s:I}]", "major", major_number, "minor",
                                                            minor_number, "rate",
                                                            1024 + (json_int_t)below(1000000)));
        return block_io;
}

/* 1 GiB, in the forms that the kernel reads. runc and crun write them as they are. */
static const char *size_text(void) {
        static const char *const texts[] = {"1073741824", "1G", " 1048576k\n", "0x40000000", "010000000000"};

        return texts[below(sizeof(texts) / sizeof(texts[0]))];
}

static json_t *make_unified(void) {
        json_t *unified = json_object();

        if (one_in(2))
                (void)json_object_set_new(unified, "memory.high", json_string("1073741824"));
        if (one_in(2))
                (void)json_object_set_new(unified, "memory.swap.high", json_string(size_text()));
        if (one_in(2))
                (void)json_object_set_new(unified, "cgroup.max.depth", json_string("7"));
        return unified;
}

static json_t *make(int version, int major_number, int minor_number, bool update) {
        json_t *document = json_object();

        if (!one_in(4))
                (void)json_object_set_new(document, "cpu", make_cpu());
        if (!one_in(3))
                (void)json_object_set_new(document, "memory", make_memory(update));
        if (!one_in(3))
                (void)json_object_set_new(
                        document, "pids",
                        json_pack("{s:I}", "limit",
                                  one_in(6) ? (json_int_t)-1 : (json_int_t)(20 + below(3000))));
        if (one_in(2))
                (void)json_object_set_new(document, "blockIO", make_block_io(major_number, minor_number));
        if (one_in(3))
                (void)json_object_set_new(
                        document, "hugepageLimits",
                        json_pack("[{s:s, s:I}]", "pageSize", "2MB", "limit", (json_int_t)below(8) * 2097152));
        if (version == 1 && one_in(4))
                (void)json_object_set_new(document, "network",
                                          json_pack("{s:I}", "classID", 1 + (json_int_t)below(UINT32_MAX)));
        if (version == 2 && one_in(4))
                (void)json_object_set_new(document, "unified", make_unified());
        return document;
}

static void print(json_t *document, const char *end) {
        (void)json_dumpf(document, stdout, JSON_COMPACT);
        fputs(end, stdout);
        json_decref(document);
}

int main(int argc, char **argv) {
        unsigned long count;

        if (argc != 6)
                return 2;
        state = strtoull(argv[1], NULL, 10);
        count = strtoul(argv[2], NULL, 10);
        for (unsigned long i = 0; i < count; i++)
                for (int update = 0; update < 2; update++)
                        print(make(argv[3][0] - '0', (int)strtol(argv[4], NULL, 10),
                                   (int)strtol(argv[5], NULL, 10), update == 1),
                              update == 1 ? "\n" : "\t");
        return 0;
}
