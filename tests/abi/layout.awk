# From preprocessed headers to a C program that prints the size of every public struct, the offset of each of its members, and the value of
# every enumerator. Reads the declarations as one line each, as `tr` and `sed` in layout.sh leave them.
function emit(text, value) {
    printf "    printf(\"%s %%zu\\n\", %s);\n", text, value
}
function members(struct, body,    count, i, parts, part, names, k) {
    count = split(body, parts, ";")
    for (i = 1; i < count; i++) {
        part = parts[i]
        if (match(part, /\(\*[a-z_0-9]+\)/)) {              # a pointer to a function
            part = substr(part, RSTART + 2, RLENGTH - 3)
            emit(struct "." part, "offsetof(" struct ", " part ")")
            continue
        }
        gsub(/\[[^]]*\]/, "", part)
        k = split(part, names, ",")
        for (j = 1; j <= k; j++) {
            sub(/ +$/, "", names[j])
            sub(/.*[ *]/, "", names[j])
            emit(struct "." names[j], "offsetof(" struct ", " names[j] ")")
        }
    }
}
function enumerators(body,    count, i, parts) {
    count = split(body, parts, ",")
    for (i = 1; i <= count; i++) {
        sub(/=.*/, "", parts[i])
        gsub(/ /, "", parts[i])
        printf "    printf(\"%s %%d\\n\", (int)%s);\n", parts[i], parts[i]
    }
}
BEGIN {
    print "#include <knn/extend.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void)\n{"
}
/^typedef (struct|enum) knn_[a-z_0-9]+ \{/ {
    name = $3
    body = $0
    sub(/^[^{]*\{/, "", body)
    sub(/\}[^}]*$/, "", body)
    if ($2 == "enum") {
        enumerators(body)
    } else {
        emit(name, "sizeof(" name ")")
        members(name, body)
    }
}
END {
    print "    return 0;\n}"
}
