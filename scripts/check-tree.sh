#!/usr/bin/env bash
# What must not be in the tree: paths of somebody's machine, and host names of package mirrors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

found=$(git grep -nIE '(^|[ "=])/(home/[a-z]|root/|work/)|deb\.debian\.[o]rg|snapshot\.debian\.[o]rg' -- . ':!scripts/check-tree.sh' || true)
[ -z "$found" ] || { echo "$found"; exit 1; }
