# Writes a gnuplot program that draws a bar chart: awk -v picture=FILE.png -f lines.awk -f chart.awk LINES | gnuplot. A panel for each figure
# and number of threads, in it a group of bars for each net: the contenders' times divided by the library's.

# The fastest variant of a peer, relative to the library; "?" where it was not measured.
function relative(job, peer,    w, name, fastest) {
    for (w = 1; w <= who_count[job]; w++) {
        name = who[job, w]
        if (family(name) == peer && (fastest == "" || least[job, name] < fastest))
            fastest = least[job, name]
    }
    return fastest == "" ? "?" : sprintf("%.3f", fastest / least[job, "libknn"])
}

function panel(figure, title, threads,    j, job, net) {
    printf "$panel << END\nnet libknn \"im2col + OpenBLAS\" PyTorch Keras\n"
    for (j = 1; j <= job_count; j++) {
        job = jobs[j]
        if (job ~ "^figure=" figure " .* threads=" threads "$") {
            net = job
            gsub(/.* net=| threads=.*/, "", net)
            print net, 1, relative(job, "im2col"), relative(job, "PyTorch"), relative(job, "Keras")
        }
    }
    printf "END\nset title \"%s, %s thread%s\"\n", title, threads, threads == 1 ? "" : "s"
    print "plot for [c = 2:5] $panel using c:xtic(1) lc rgb word('#2a6f97 #a9b4c2 #e07a5f #f2cc8f', c - 1)"
}

/ isa=/ { machine = value("machine") }
$1 == "train" && !seen[value("threads")]++ { threads[++count] = value("threads") }

END {
    printf "set terminal pngcairo size 1200, %d noenhanced font 'sans,11'\n", 60 + 380 * count
    printf "set output '%s'\n", picture
    print "set style data histograms"
    print "set style histogram clustered gap 1"
    print "set style fill solid 0.9 noborder"
    print "set boxwidth 0.9"
    print "set grid ytics"
    print "set yrange [0:*]"
    print "set ylabel 'time / time of libknn'"
    print "set datafile missing '?'"
    print "set key below autotitle columnhead"
    printf "set multiplot layout %d, 2 title \"%s: time relative to libknn (lower is faster)\"\n", count, machine
    for (t = 1; t <= count; t++) {
        panel("train", "training step, batch 32", threads[t])
        panel("predict", "inference, batch 32", threads[t])
    }
    print "unset multiplot"
}
