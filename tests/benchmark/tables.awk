# Writes one section of docs/performance.md: awk -f lines.awk -f tables.awk LINES.

/^# measured / { measured = substr($0, 12) }
/ isa=/ && isa == "" { isa = value("isa"); machine = value("machine"); blas = value("blas"); version = value("version") }
$1 == "fma" { peak = peak sprintf("%s%.0f GFLOP/s with %s on %s thread%s", peak == "" ? "" : ", ", value("gflops"), value("registers"),
    value("threads"), value("threads") == 1 ? "" : "s") }

function part(job, key) {
    return match(job, " " key "=[^ ]*") ? substr(job, RSTART + length(key) + 2, RLENGTH - length(key) - 2) : ""
}

# The fastest variant of a peer; "" where it was not measured.
function best(job, peer,    w, name, found) {
    if ((job, peer) in least)
        return peer
    for (w = 1; w <= who_count[job]; w++) {
        name = who[job, w]
        if (family(name) == peer && (found == "" || least[job, name] < least[job, found]))
            found = name
    }
    return found
}

# Three digits, but whole numbers in full.
function digits(x) {
    return sprintf(x < 1000 ? "%.3g" : "%.0f", x)
}

function cell(job, peer,    name, variant) {
    name = best(job, peer)
    if (name == "")
        return "-"
    variant = name
    if (!sub(/^[^,]*, /, "", variant))
        variant = ""
    gsub(/(graph|eager|primitives)(, )?/, "", variant)
    return digits(least[job, name]) " (" digits(median[job, name]) ")" (variant == "" ? "" : " " variant)
}

function times(job, peer,    name) {
    name = best(job, peer)
    return name == "" ? "-" : sprintf("%.2f", least[job, name] / least[job, "libknn"])
}

function net_table(figure, title,    j, job) {
    printf "\n### %s\n\n", title
    print "| net | threads | libknn | im2col + OpenBLAS | oneDNN | PyTorch | Keras | PyTorch / libknn | Keras / libknn |"
    print "|---|---|---|---|---|---|---|---|---|"
    for (j = 1; j <= job_count; j++) {
        job = jobs[j]
        if (job ~ "^figure=" figure " ")
            printf "| %s | %s | **%s** | %s | %s | %s | %s | %s | %s |\n", part(job, "net"), part(job, "threads"), cell(job, "libknn"),
                cell(job, "im2col"), cell(job, "oneDNN"), cell(job, "PyTorch"), cell(job, "Keras"), times(job, "PyTorch"), times(job, "Keras")
    }
}

function slices_table(    j, job, name) {
    name = "a slice a thread"
    print "\n### What the same bits on any number of threads cost: training step, ms an image\n"
    print "| net | threads | libknn: four slices or more | as many slices as threads | libknn's excess |"
    print "|---|---|---|---|---|"
    for (j = 1; j <= job_count; j++) {
        job = jobs[j]
        if ((job, name) in least)
            printf "| %s | %s | **%s** | %s | %+.1f %% (median %+.1f %%) |\n", part(job, "net"), part(job, "threads"), cell(job, "libknn"),
                cell(job, name), 100 * (least[job, "libknn"] / least[job, name] - 1), 100 * (median[job, "libknn"] / median[job, name] - 1)
    }
}

function memory_cell(job, peer,    name) {
    name = best(job, peer)
    return name == "" || job !~ /^figure=epoch / ? "-" : sprintf("%d MB", memory[job, name])
}

function job_table(    j, job, text) {
    print "\n### The whole job: catdog's net, pictures from files\n"
    print "| ms | libknn | Keras | Keras / libknn | peak memory: libknn | Keras |"
    print "|---|---|---|---|---|---|"
    for (j = 1; j <= job_count; j++) {
        job = jobs[j]
        if (job !~ /^figure=(epoch|cold|pictures) /)
            continue
        text = job
        gsub(/figure=|net=catdog /, "", text)
        printf "| %s | **%s** | %s | %s | %s | %s |\n", text, cell(job, "libknn"), cell(job, "Keras"), times(job, "Keras"),
            memory_cell(job, "libknn"), memory_cell(job, "Keras")
    }
}

function losses(    j, w, job, name, text) {
    print "\n### Where libknn loses\n"
    for (j = 1; j <= job_count; j++) {
        job = jobs[j]
        text = job
        sub(/figure=/, "", text)
        for (w = 1; w <= who_count[job]; w++) {
            name = who[job, w]
            if (name != "a slice a thread" && ((job, "libknn") in least) && least[job, name] < least[job, "libknn"] && ++lost)
                printf "- %s: %s takes %s ms, libknn %s ms\n", text, name, digits(least[job, name]),
                    digits(least[job, "libknn"])
        }
    }
    if (!lost)
        print "In none of these lines."
}

END {
    printf "## %s: %s\n\n", isa, machine
    printf "Measured %s, libknn %s, %s by default. Multiply-adds of the processor at their best: %s. ", measured, version, blas, peak
    printf "All lines: [performance-%s.txt](performance-%s.txt).\n", isa, isa
    net_table("train", "Training step, batch 32, ms an image")
    net_table("predict", "Inference, batch 32, ms an image")
    net_table("one", "Inference, one image, ms")
    job_table()
    slices_table()
    losses()
}
