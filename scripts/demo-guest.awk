# Draws what demo-guest.sh has recorded as an SVG: the guest's count and the CPUs in use, a second a bar, above the memory.
#
# usage: awk -f demo-guest.awk SAMPLES
#   host TEXT CPUS
#   PHASE BEGIN END COUNT CPUS CPU-LIMIT MEMORY MEMORY-LIMIT   (cs, permille of the unlimited rate, permille of a CPU, bytes)
#   killed TIME
BEGIN {
    FS = "\t"
    left = 64; right = 896; upper_top = 128; upper_bottom = 348; lower_top = 404; lower_bottom = 504
}
$1 == "host" { host = $2; all_cpus = $3; next }
$1 == "killed" { killed = $2; next }
{
    n++
    phase[n] = $1; begin[n] = $2; end[n] = $3; count[n] = $4; cpus[n] = $5 / 1000
    cpu_limit[n] = $6 / 1000; memory[n] = $7 / 1048576; memory_limit[n] = $8 / 1048576
    if ($1 == "no limit") { free_cpus += cpus[n] * ($3 - $2); free_time += $3 - $2 }
    if (memory[n] > most) most = memory[n]
    if (memory_limit[n] > most) most = memory_limit[n]
}

function x(time) { return left + (time - begin[1]) * (right - left) / (end[n] + 40 - begin[1]) }
function cpu_y(value) { return upper_bottom - value * (upper_bottom - upper_top) / (all_cpus * 1.1) }
function memory_y(value) { return lower_bottom - value * (lower_bottom - lower_top) / (most * 1.1) }
# The guest's rate is drawn where the CPU time is that it cost without a limit.
function count_y(permille) { return cpu_y(permille / 1000 * free_cpus / free_time) }
function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }
function text(at_x, at_y, class, what) {
    printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", at_x, at_y, class, escaped(what)
}
function line(x1, y1, x2, y2, class) {
    printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class
}
function box(at_x, at_y, width, height, class) {
    printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>\n", at_x, at_y, width, height, class
}

function head() {
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 560\" width=\"960\" height=\"560\" role=\"img\">"
    print "<title>A guest's count under its sandbox's limits</title>"
    print "<style>"
    print "text { font: 12px system-ui, sans-serif; fill: #1f2933; } .title { font-size: 18px; font-weight: 600; }"
    print ".phase { font-weight: 600; text-anchor: middle; } .soft, .end, .middle { fill: #66727f; }"
    print ".end { text-anchor: end; } .middle { text-anchor: middle; }"
    print ".guest-text, .kill, .dot { fill: #b3261e; } .kill { text-anchor: end; font-weight: 600; }"
    print ".ground { fill: #ffffff; } .band { fill: #f1f4f7; } .host { fill: #a9c7e6; } .memory { fill: #a8d5ba; }"
    print ".rule { stroke: #d9dee4; } .axis { stroke: #66727f; }"
    print ".limit { stroke: #3f4a56; stroke-width: 1.5; stroke-dasharray: 5 4; }"
    print ".guest { stroke: #b3261e; stroke-width: 2; fill: none; stroke-linejoin: round; }"
    print "@media (prefers-color-scheme: dark) {"
    print "text { fill: #e6eaee; } .soft, .end, .middle { fill: #9aa5b1; } .guest-text, .kill, .dot { fill: #ff9d8f; }"
    print ".ground { fill: #14181d; } .band { fill: #1d242b; } .host { fill: #34618c; } .memory { fill: #2f6b4a; }"
    print ".rule { stroke: #323a43; } .axis { stroke: #9aa5b1; } .limit { stroke: #c3ccd6; } .guest { stroke: #ff9d8f; }"
    print "}"
    print "</style>"
    box(0, 0, 960, 560, "ground")
    text(left, 34, "title", "What a guest gets done, and what the host accounts")
    text(left, 54, "soft", "two vCPUs that count as fast as they can, a line a second; " host)
}

function legend() {
    box(left, 68, 14, 12, "host")
    text(left + 20, 78, "", "host: CPUs in use by the cgroup")
    line(left + 240, 74, left + 262, 74, "guest")
    printf "<circle cx=\"%d\" cy=\"74\" r=\"3\" class=\"dot\"/>\n", left + 251
    text(left + 268, 78, "", "guest: its count, relative to no limit")
    box(left + 520, 68, 14, 12, "memory")
    text(left + 540, 78, "", "host: memory of the cgroup")
    line(left + 736, 74, left + 760, 74, "limit")
    text(left + 766, 78, "", "limit")
}

# A band for each phase, every other one tinted, with its name.
function phases(    i, first, odd) {
    for (i = first = 1; i <= n; i++) {
        if (i < n && phase[i + 1] == phase[first])
            continue
        if ((odd = !odd))
            box(x(begin[first]), 94, (i == n ? right : x(end[i])) - x(begin[first]), lower_bottom - 94, "band")
        text((x(begin[first]) + (i == n ? right : x(end[i]))) / 2, 112, "phase", phase[first])
        first = i + 1
    }
}

function axes(    i, step, percent) {
    for (i = 0; i <= all_cpus * 2; i++) {
        line(left, cpu_y(i / 2), right, cpu_y(i / 2), i ? "rule" : "axis")
        text(left - 8, cpu_y(i / 2) + 4, "end", sprintf("%.1f", i / 2))
    }
    text(left, upper_top - 8, "soft", "CPUs")
    for (percent = 0; count_y(percent * 10) >= upper_top; percent += 25) {
        line(right, count_y(percent * 10), right + 4, count_y(percent * 10), "axis")
        text(right + 8, count_y(percent * 10) + 4, "guest-text", percent " %")
    }
    line(right, upper_top, right, upper_bottom, "axis")
    step = most > 400 ? 200 : 100
    for (i = 0; i <= most; i += step) {
        line(left, memory_y(i), right, memory_y(i), i ? "rule" : "axis")
        text(left - 8, memory_y(i) + 4, "end", i)
    }
    text(left, lower_top - 8, "soft", "MiB")
    for (i = 0; i * 100 <= end[n] - begin[1]; i += 5) {
        line(x(begin[1] + i * 100), lower_bottom, x(begin[1] + i * 100), lower_bottom + 4, "axis")
        text(x(begin[1] + i * 100), lower_bottom + 18, "middle", i)
    }
    text((left + right) / 2, lower_bottom + 36, "middle", "seconds on the host")
}

function bars(    i, width) {
    for (i = 1; i <= n; i++) {
        width = x(end[i]) - x(begin[i])
        box(x(begin[i]) + 1, cpu_y(cpus[i]), width - 2, upper_bottom - cpu_y(cpus[i]), "host")
        box(x(begin[i]) + 1, memory_y(memory[i]), width - 2, lower_bottom - memory_y(memory[i]), "memory")
    }
}

# A limit, as long as it lasts.
function limit(first, last, at_y) { line(x(begin[first]), at_y, last == n ? right : x(end[last]), at_y, "limit") }
function limits(    i, first) {
    for (i = first = 1; i <= n; i++) {
        if (i < n && phase[i + 1] == phase[first])
            continue
        if (cpu_limit[first] < all_cpus)
            limit(first, i, cpu_y(cpu_limit[first]))
        if (memory_limit[first] > 0)
            limit(first, i, memory_y(memory_limit[first]))
        first = i + 1
    }
}

function guest(    i, points, middle) {
    for (i = 1; i <= n; i++)
        points = points sprintf("%s%.1f,%.1f", i > 1 ? " " : "", x((begin[i] + end[i]) / 2), count_y(count[i]))
    printf "<polyline points=\"%s\" class=\"guest\"/>\n", points
    for (i = 1; i <= n; i++) {
        middle = x((begin[i] + end[i]) / 2)
        printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" class=\"dot\"/>\n", middle, count_y(count[i])
    }
    if (!killed)
        return
    line(x(killed) + 2, lower_top, x(killed) + 2, lower_bottom, "guest")
    text(right, lower_top - 8, "kill", "killed: out of memory")
}

END {
    if (n == 0 || free_cpus == 0)
        exit 1
    head()
    phases()
    axes()
    bars()
    limits()
    guest()
    legend()
    print "</svg>"
}
