# Reads the lines of a benchmark, and merges those of several rounds. For other scripts to begin with: awk -f lines.awk -f OTHER.
# What it leaves behind: jobs[1..job_count], who[job, 1..who_count[job]], least[job, who], median[job, who], memory[job, who].

# The value of a key of the line at hand, without quotes; "" where there is none.
function value(key,    text) {
    if (!match($0, " " key "=(\"[^\"]*\"|[^ ]*)"))
        return ""
    text = substr($0, RSTART + length(key) + 2, RLENGTH - length(key) - 2)
    gsub(/"/, "", text)
    return text
}

function with(key) {
    return value(key) == "" ? "" : " " key "=" value(key)
}

# What is compared: lines of the same job.
function job_of_line() {
    return "figure=" $1 with("net") with("data") with("pictures") with("cached") with("augmented") with("which") with("threads")
}

function who_of_line() {
    if (value("peer") != "")
        return value("peer") ", " value("variant") (value("malloc") == "tuned" ? ", tuned malloc" : "")
    if (value("slices") != "")
        return "a slice a thread"
    return value("kernels") == "general" ? "im2col, " value("blas") : "libknn"
}

# PyTorch, Keras, ..: variants of one peer.
function family(name) {
    return substr(name, 1, match(name, /[ ,]|$/) - 1)
}

/ ms=/ && !/^ratio/ {
    job = job_of_line()
    name = who_of_line()
    if (!(job in who_count))
        jobs[++job_count] = job
    if (!((job, name) in rounds)) {
        who[job, ++who_count[job]] = name
        least[job, name] = value("ms") + 0
    }
    rounds[job, name]++
    sum[job, name] += value("median")
    median[job, name] = sum[job, name] / rounds[job, name]
    if (value("ms") + 0 < least[job, name])
        least[job, name] = value("ms") + 0
    if (value("peak_mb") + 0 > memory[job, name])
        memory[job, name] = value("peak_mb") + 0
}
