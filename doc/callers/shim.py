#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A shim in Python: one sandbox, from create to delete, by calls of kata-cgroup.

usage: shim.py ID BUNDLE [OPTION-OF-CREATE...]

QEMU's monitor is a socketpair of which the shim keeps one end. The exit status is that of the call that failed.
"""
import json
import os
import signal
import socket
import subprocess
import sys

# The exit statuses of kata-cgroup(8) that this shim tells apart.
FAILED, USAGE, NO_SANDBOX = 1, 2, 3

# The VMM is not trusted: its answers are limited in size and time.
ANSWER_MAX, ANSWER_SECONDS = 1 << 20, 25


class Failure(Exception):
    """What the shim's caller is told, and the status that it gets."""

    def __init__(self, text, status=FAILED):
        super().__init__(text)
        self.status = status


def call(command, *arguments, stdin=""):
    """Runs "kata-cgroup COMMAND ..."; returns what it prints. Its warnings are shown; its error is raised."""
    done = subprocess.run(["kata-cgroup", "--log-format", "json", command, *arguments],
                          input=stdin, capture_output=True, text=True, check=False)
    text = f"{command}: failed without a message"
    for line in done.stderr.splitlines():
        message = json.loads(line)
        if message["level"] == "error":
            field = f", field {message['field']}" if "field" in message else ""
            text = f"{command}: {message['msg']} [status {message['code']}{field}]"
        else:
            print(f"shim: {message['level']}: {command}: {message['msg']}", file=sys.stderr)
    if done.returncode != 0:
        # A negative status is the number of a signal.
        raise Failure(text, done.returncode if done.returncode > 0 else FAILED)
    return done.stdout


def start_vmm(sandbox):
    """The child becomes kata-cgroup, and that the VMM, in its group from the first page on."""
    ours, theirs = socket.socketpair()
    with theirs:
        vmm = subprocess.Popen(
            ["kata-cgroup", "exec", sandbox, "--", "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg",
             "-smp", "2", "-m", "64", "-S", "-nodefaults", "-display", "none",
             "-chardev", f"socket,id=monitor,fd={theirs.fileno()}", "-mon", "chardev=monitor,mode=control"],
            pass_fds=[theirs.fileno()])
    ours.settimeout(ANSWER_SECONDS)
    return vmm, ours


def ask(monitor, lines, command):
    """Sends a command, and reads lines until its answer: events, and the greeting, come in between."""
    try:
        monitor.sendall(json.dumps({"execute": command}).encode())
        while line := lines.readline(ANSWER_MAX):
            message = json.loads(line)
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise Failure(f"the VMM refuses {command}: {message['error']}")
    except (OSError, ValueError) as error:
        raise Failure(f"the VMM does not answer {command}: {error}") from error
    raise Failure(f"the VMM does not answer {command}: it has gone")


def run_pod(sandbox, vmm, monitor):
    """What happens between the VMM's start and its end."""
    with monitor.makefile("rb") as lines:
        ask(monitor, lines, "qmp_capabilities")
        cpus = ask(monitor, lines, "query-cpus-fast")
    # kata-cgroup checks that these are the VMM's threads.
    answer = call("attach-vcpus", sandbox, "--vmm-pid", str(vmm.pid), "--vcpus", "-", stdin=json.dumps(cpus))
    print(answer, end="")
    call("update", sandbox, "--container", "c1", stdin=json.dumps({"cpu": {"cpus": "0"}}))
    print("ready", flush=True)
    sys.stdin.readline()  # the pod runs until a line comes
    call("update", sandbox, "--container", "c1", "--remove")


def delete(sandbox):
    """A sandbox that is not there any more is as good as deleted."""
    # Under systemd, stopping the scope sends SIGTERM to the shim.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        call("delete", sandbox)
    except Failure as failure:
        if failure.status != NO_SANDBOX:
            raise


def main(sandbox, bundle, *options):
    # A create that fails has been rolled back, and an existing sandbox belongs to another shim: delete nothing.
    call("create", sandbox, "--bundle", bundle, "--pid", str(os.getpid()), *options)
    try:
        vmm, monitor = start_vmm(sandbox)
        try:
            with monitor:
                run_pod(sandbox, vmm, monitor)
        finally:
            vmm.kill()
            vmm.wait()
    finally:
        delete(sandbox)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(USAGE)
    try:
        main(*sys.argv[1:])
    except Failure as error:
        print(f"shim: error: {error}", file=sys.stderr)
        sys.exit(error.status)
