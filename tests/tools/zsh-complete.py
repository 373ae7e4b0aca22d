#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What zsh makes of lines when the tabulator is pressed behind them.

usage: zsh-complete.py FUNCTIONS-DIRECTORY LINE...

Each line is typed into a zsh of its own on a pseudo terminal. A widget prints the line that it has become, in a pair of marks.
"""
import os
import pty
import re
import select
import sys
import time

DEADLINE_SECONDS = 60
SETUP = (
    "fpath=({functions} $fpath); autoload -U compinit; compinit -u -D; PS1=''; "
    "tell() {{ zle expand-or-complete; print -r -- \"<<$BUFFER>>\" }}; zle -N tell; bindkey '^I' tell; print REA''DY\n"
)


def read_until(terminal, pattern):
    """What the shell has printed, up to a match."""
    text = ""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := re.search(pattern, text, re.DOTALL)):
        readable, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            sys.exit(f"zsh says no more than {text!r}")
        text += os.read(terminal, 65536).decode(errors="replace")
    return found.group(1)


def complete(functions, line):
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="dumb", HOME=functions)
        os.execvp("zsh", ["zsh", "-f", "-i"])
    os.write(terminal, SETUP.format(functions=functions).encode())
    read_until(terminal, r"(READY)")
    os.write(terminal, line.encode() + b"\t")
    result = read_until(terminal, r"<<(.*?)>>")
    os.close(terminal)  # the shell hangs up
    os.waitpid(child, 0)
    return result.rstrip()


for argument in sys.argv[2:]:
    print(complete(sys.argv[1], argument))
