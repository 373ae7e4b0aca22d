/* SPDX-License-Identifier: Apache-2.0 */
/* The picture of a sandbox: which line is below which, and what a line says. */
#include "../test.h"

#include <string.h>

#include "report/tree.h"
#include "util/cleanup.h"

static char *draw(const char *document, bool utf8) {
        json_t *json = json_loads(document, 0, NULL);
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        assert_non_null(json);
        assert_int_equal(tree_write(stream, json, utf8), 0);
        assert_int_equal(fclose(stream), 0);
        json_decref(json);
        return text;
}

#define HEAD                                                                                                   \
        "{\"id\":\"sb1\",\"driver\":\"cgroupfs\",\"cgroupVersion\":2,\"createdAt\":\"2026-01-01T00:00:00Z\","

/* Both groups and the vCPUs' below the sandbox's; the VMM with its threads, the shim with their number. */
static const char whole[] =
        HEAD "\"problem\":null,\"resources\":{\"cpu\":{\"quota\":150000}},"
             "\"sandbox\":{\"path\":\"/c/"
             "sb1\",\"exists\":true,\"members\":[{\"pid\":7,\"name\":\"qemu\",\"vmm\":true,\"threads\":["
             "{\"tid\":7,\"name\":\"qemu\",\"vcpu\":null,\"cpus\":null},{\"tid\":8,\"name\":\"IO "
             "io0\",\"vcpu\":null,\"cpus\":null}]}]},"
             "\"vcpuSubtree\":{\"path\":\"/c/sb1/"
             "vcpu\",\"exists\":true,\"members\":[{\"pid\":7,\"name\":\"qemu\",\"vmm\":true,"
             "\"threads\":[{\"tid\":9,\"name\":\"CPU 0/KVM\",\"vcpu\":0,\"cpus\":\"2-3\"}]}]},"
             "\"overhead\":{\"path\":\"/c/"
             "o\",\"exists\":true,\"members\":[{\"pid\":5,\"name\":\"shim\",\"vmm\":false,\"threads\":["
             "{\"tid\":5,\"name\":\"shim\",\"vcpu\":null,\"cpus\":null},{\"tid\":6,\"name\":\"shim\",\"vcpu\":"
             "null,\"cpus\":null}]}]},"
             "\"stats\":{\"sandbox\":{\"cpu\":{\"usageUsec\":61000000,\"throttledUsec\":500000},\"memory\":{"
             "\"current\":67108864,"
             "\"limit\":134217728},\"pids\":{\"current\":3,\"limit\":null}},\"vcpuSubtree\":{\"cpu\":{"
             "\"usageUsec\":5000000,"
             "\"throttledUsec\":0}},\"overhead\":{\"memory\":{\"current\":1024,\"limit\":null}}}}";

static void test_whole(void **state) {
        _cleanup_free_ char *ascii = draw(whole, false), *box = draw(whole, true);

        (void)state;
        assert_string_equal(ascii, "sb1  cgroupfs, cgroup v2, created 2026-01-01T00:00:00Z\n"
                                   "|- overhead  /c/o\n"
                                   "|  |  memory 1KiB\n"
                                   "|  `- 5 shim (2 threads)\n"
                                   "`- sandbox  /c/sb1\n"
                                   "   |  CPU 1m01s, throttled for 0.50s\n"
                                   "   |  memory 64MiB of 128MiB\n"
                                   "   |  tasks 3\n"
                                   "   |- 7 qemu (VMM, 2 threads)\n"
                                   "   |  |- 7 qemu\n"
                                   "   |  `- 8 IO io0\n"
                                   "   `- vCPUs  /c/sb1/vcpu\n"
                                   "      |  CPU 5.00s, limit 1.5 CPUs, throttled for 0.00s\n"
                                   "      `- 7 qemu (VMM, 1 thread)\n"
                                   "         `- 9 vCPU 0, on CPUs 2-3\n");
        assert_non_null(strstr(
                box, "\n├─ overhead  /c/o\n│  │  memory 1KiB\n│  └─ 5 shim (2 threads)\n└─ sandbox  /c/sb1\n"));
}

/* Without a vCPU subtree, the sandbox group has the limit; the host does not tell how long it was throttled. */
static void test_unknown(void **state) {
        _cleanup_free_ char *text = draw(
                HEAD
                "\"problem\":null,\"vcpuSubtree\":null,\"overhead\":null,\"resources\":{\"cpu\":{\"quota\":"
                "50000}},\"sandbox\":{\"path\":\"/c\",\"exists\":true,\"members\":[]},\"stats\":{\"sandbox\":{"
                "\"cpu\":{\"usageUsec\":61000000,\"throttledUsec\":null}}}}",
                false);

        (void)state;
        assert_string_equal(text, "sb1  cgroupfs, cgroup v2, created 2026-01-01T00:00:00Z\n"
                                  "`- sandbox  /c\n"
                                  "      CPU 1m01s, limit 0.5 CPUs\n");
}

/* In sandbox-only mode, with its group gone; a path cannot drive the terminal. */
static void test_broken(void **state) {
        _cleanup_free_ char *text =
                draw(HEAD "\"problem\":\"its VMM has ended: delete it\",\"vcpuSubtree\":null,\"overhead\":null,"
                          "\"sandbox\":{\"path\":\"/c/\\u009b2J\",\"exists\":false,\"members\":[]},"
                          "\"stats\":null}",
                     false);

        (void)state;
        assert_string_equal(text, "sb1  cgroupfs, cgroup v2, created 2026-01-01T00:00:00Z\n"
                                  "|  problem: its VMM has ended: delete it\n"
                                  "`- sandbox (not there)  /c/\\xc2\\x9b2J\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_broken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
