# Prints how many times longer each contender takes than the library: awk -f lines.awk -f ratios.awk. Below 1 the library loses.
END {
    for (j = 1; j <= job_count; j++) {
        job = jobs[j]
        if (!((job, "libknn") in least))
            continue
        for (w = 1; w <= who_count[job]; w++) {
            name = who[job, w]
            if (name != "libknn")
                printf "ratio %s against=\"%s\" times=%.2f times_by_median=%.2f ours=%.4g ms=%.4g\n", job, name,
                    least[job, name] / least[job, "libknn"], median[job, name] / median[job, "libknn"], least[job, "libknn"],
                    least[job, name]
        }
    }
}
