#!/usr/bin/env bash
# The direction of the includes: a file may include from its own room and from those that are listed for it here, and a
# room's inner headers from nowhere else.
#
# usage: check-includes.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -A may=(
    [util]=""
    [report]="util"
    [oci]="util"
    [plan]="oci util"
    [host]="plan util"
    [cgroup]="host plan oci util"
    [systemd]="host plan util"
    [vmm]="host util"
    [manager]="cgroup systemd host plan oci util"
    [sandbox]="manager vmm host plan oci util"
    [cmd]="sandbox report oci util"
)
# Headers that are a room's own, though it has to let others see the rest.
inner="plan/builder.h plan/field.h plan/field_plans.h plan/convert.h manager/manager_internal.h"
# What only the rooms below lib/sandbox are to know: where a controller is mounted.
hidden_from_sandbox="host/hierarchy.h host/facts.h"

status=0
complain() { echo "$1 includes $2: $3" && status=1; }

while IFS=: read -r file line; do
    header=${line#*\"} header=${header%%\"*}
    room=${file#lib/} room=${room%%/*}
    [[ $file != cmd/* ]] || room=cmd
    [[ $header == */* ]] || continue
    target=${header%%/*}
    [ "$target" = "$room" ] && continue
    [[ " ${may[$room]-} " == *" $target "* ]] || complain "$file" "$header" "lib/$room may include from: ${may[$room]-nothing}"
    [[ " $inner " != *" $header "* ]] || complain "$file" "$header" "it is lib/$target's own"
    [[ $room != sandbox || " $hidden_from_sandbox " != *" $header "* ]] || complain "$file" "$header" "that is for lib/manager"
done < <(grep -rE --include='*.[ch]' '^#include "' lib cmd)
exit $status
