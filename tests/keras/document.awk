# Makes tables of the lines of keras_conformance_test: VERSION <tab> KIND <tab> [training ]CLASS/OPTIONS <tab> values <tab> gradients <tab> remark.
# A row a class: all its cases, and the largest error of each version.
BEGIN { FS = "\t" }

{
    version = $1
    part = $2 == "training" ? "training" : "layer"
    name = $3
    sub(/^training /, "", name)
    class = substr(name, 1, index(name, "/") - 1)
    options = substr(name, index(name, "/") + 1)
    key = part SUBSEP class
    if (!(key in seen)) {
        seen[key] = 1
        classes[part, ++count[part]] = class
    }
    if (!((key, options) in listed)) {
        listed[key, options] = 1
        cases[key] = cases[key] (cases[key] == "" ? "" : "; ") (options == "" ? "defaults" : options)
    }
    if ($6 != "") {
        remarks[++remark_count] = "- " (version == "keras3" ? "Keras 3" : "tf-keras") ", " class (options == "" ? "" : " (" options ")") ": " $6 "."
        next
    }
    known[key, version] = 1
    if ($4 + 0 > values[key, version] + 0)
        values[key, version] = $4
    if ($5 + 0 > gradients[key, version] + 0)
        gradients[key, version] = $5
    inference[key, version] += $2 != "inference"
}

function number(text) { return text + 0 == 0 ? "0" : text }

function cell(key, version) {
    if (!((key, version) in known))
        return "-"
    return number(values[key, version]) " / " (inference[key, version] > 0 ? number(gradients[key, version]) : "-")
}

function table(part,    i, key) {
    for (i = 1; i <= count[part]; i++) {
        key = part SUBSEP classes[part, i]
        printf "| %s | %s | %s | %s |\n", classes[part, i], cases[key], cell(key, "keras3"), cell(key, "keras2")
    }
}

END {
    print "\n### Layers: largest error of values / of gradients and of moved statistics, relative to the largest number\n"
    print "| class | cases | Keras 3 | tf-keras |\n|---|---|---|---|"
    table("layer")
    print "\n### Training: largest error of loss and metrics / of a weight after each of five steps\n"
    print "| class | cases | Keras 3 | tf-keras |\n|---|---|---|---|"
    table("training")
    if (remark_count > 0) {
        print "\n### Where the numbers differ, and why\n"
        for (i = 1; i <= remark_count; i++)
            print remarks[i]
    }
}
