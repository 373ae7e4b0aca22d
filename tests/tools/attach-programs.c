/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach-programs DIRECTORY COUNT: attaches so many device programs that allow everything to a v2 cgroup, as other
 * managers would, and leaves them there. They go with the cgroup.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
        const struct bpf_insn allow[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
                {.code = BPF_JMP | BPF_EXIT},
        };
        int directory = argc == 3 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

        if (directory < 0) {
                perror("attach-programs");
                return 2;
        }
        for (; count > 0; count--) {
                int program =
                        bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, "other_devices", "GPL", allow, 2, NULL);

                if (program < 0 ||
                    bpf_prog_attach(program, directory, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI) < 0) {
                        perror("attach-programs");
                        return 1;
                }
        }
        return 0;
}
