/* Lists the weights of a file in Keras 3's own layout: a tree of groups that says classes and places, and names since 3.8. Does not
 * pair or read them: see weights.c. */
#include "keras/weights.h"

#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"
#include "keras/description.h"
#include "keras/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A layer with arrays. */
typedef struct entry {
    char *key;                              /* "layers/dense_1" */
    char *path;                             /* of its arrays: "layers/dense_1/vars" */
    char *name;                             /* "features/dense_1", inside a model of that name; NULL: the file does not say it */
    size_t count;
    bool taken;
} entry;

typedef struct tree {
    knn__h5 *file;
    entry *entries;
    size_t count, capacity, groups;
} tree;

static void free_tree(tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        knn__free(t->entries[i].key);
        knn__free(t->entries[i].path);
        knn__free(t->entries[i].name);
    }
    knn__free(t->entries);
}

/* ---- The tree ---- */

/* Keras before 2.14 called them so. */
static const char before_layers[] = "_layer_checkpoint_dependencies";

/* "A/B" as all systems and versions write it: Keras 2.15 on Windows has backslashes within names. */
static char *key_below(const char *key, const char *name)
{
    char *below = knn__h5_path(key, name, ""), *found;

    if (below == NULL)
        return NULL;
    for (char *c = below; *c != '\0'; c++)
        *c = *c == '\\' ? '/' : *c;
    while ((found = strstr(below, before_layers)) != NULL) {
        char *rest = found + sizeof before_layers - 1;
        memcpy(found, "layers", 6);
        memmove(found + 6, rest, strlen(rest) + 1);
    }
    return below;
}

/* "dense_1" of "layers/dense_1" */
static const char *last_part(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash != NULL ? slash + 1 : key;
}

/* Whether a key names a layer of a model, not a part of one, such as the random seed of a Dropout. */
static bool is_layer(const char *key)
{
    const char *last = last_part(key);
    return last - key >= 7 && strncmp(last - 7, "layers/", 7) == 0 && (last - key == 7 || last[-8] == '/');
}

/* What the arrays' group says that they are of, behind the name of the model that it is in. *name NULL: one of them is not said. */
static knn_status read_name(tree *t, const char *path, const char *inside, char **name)
{
    char *own = NULL, *arrays = knn__h5_path(path, "vars", "");
    knn_status status = arrays != NULL ? KNN_OK : KNN_ERROR_MEMORY;

    *name = NULL;
    if (status == KNN_OK && inside != NULL && knn__h5_has_attribute(t->file, arrays, "name"))
        status = knn__h5_read_text(t->file, arrays, "name", &own);
    if (own != NULL) {
        *name = knn__h5_path(inside, own, "");
        status = *name != NULL ? KNN_OK : KNN_ERROR_MEMORY;
    }
    knn__free(own);
    knn__free(arrays);
    return status;
}

/* The arrays of a layer are "0", "1", .. */
static knn_status add_entry(tree *t, const char *key, const char *path, const char *name, size_t count)
{
    if (count > KNN__H5_ARRAYS_LIMIT)
        return knn__fail(KNN_ERROR_FORMAT, "/%s: %zu arrays of a layer, at most %d are supported", path, count, KNN__H5_ARRAYS_LIMIT);
    if (!knn__reserve((void **)&t->entries, &t->capacity, t->count + 1, sizeof *t->entries))
        return KNN_ERROR_MEMORY;
    entry *added = &t->entries[t->count++];
    *added = (entry){knn__copy_text(key), knn__copy_text(path), name != NULL ? knn__copy_text(name) : NULL, count, false};
    return added->key != NULL && added->path != NULL && (added->name != NULL) == (name != NULL) ? KNN_OK : KNN_ERROR_MEMORY;
}

/* `name`: of the layer or model that the group at `path` is, or is a part of; NULL: not known. */
static knn_status walk(tree *t, const char *path, const char *key, const char *name, int depth);

/* The group of a layer, which may be a model, or of a list of layers, which has its model's name. */
static knn_status enter(tree *t, const char *path, const char *key, const char *inside, int depth)
{
    char *name = NULL;

    if (!is_layer(key))
        return walk(t, path, key, inside, depth);
    knn_status status = read_name(t, path, inside, &name);
    if (status == KNN_OK)
        status = walk(t, path, key, name, depth);
    knn__free(name);
    return status;
}

static knn_status visit(tree *t, const char *path, const char *key, const char *name, const char *link, int depth)
{
    knn__names arrays = {0};
    knn_status status = KNN_OK;
    char *below = knn__h5_path(path, link, ""), *key_of_below = key_below(key, link);

    if (below == NULL || key_of_below == NULL)
        status = KNN_ERROR_MEMORY;
    else if (strcmp(link, "vars") == 0 && is_layer(key)) {
        status = knn__h5_list(t->file, below, &arrays);
        if (status == KNN_OK && arrays.count > 0)
            status = add_entry(t, key, below, name, arrays.count);
    } else if (strncmp(key_of_below, "layers", 6) == 0 && knn__h5_is_group(t->file, below))
        status = enter(t, below, key_of_below, name, depth + 1);
    knn__names_free(&arrays);
    knn__free(below);
    knn__free(key_of_below);
    return status;
}

static knn_status walk(tree *t, const char *path, const char *key, const char *name, int depth)
{
    knn__names links = {0};

    if (depth > KNN__H5_DEPTH_LIMIT || t->groups++ > KNN__H5_GROUP_LIMIT)
        return knn__fail(KNN_ERROR_FORMAT, "/%.100s: groups nested more than %d deep, or more than %d", path, KNN__H5_DEPTH_LIMIT, KNN__H5_GROUP_LIMIT);
    knn_status status = knn__h5_list(t->file, path, &links);
    for (size_t i = 0; i < links.count && status == KNN_OK; i++)
        status = visit(t, path, key, name, links.name[i], depth);
    knn__names_free(&links);
    return status;
}

bool knn__is_nested(knn__h5 *file)
{
    knn__names names = {0};
    bool found = false;

    if (knn__h5_list(file, "", &names) == KNN_OK)
        for (size_t i = 0; i < names.count; i++)
            found = found || strncmp(names.name[i], "layers", 6) == 0 ||
                    strncmp(names.name[i], before_layers, sizeof before_layers - 1) == 0;
    knn__names_free(&names);
    return found;
}

/* ---- Finding layers ---- */

static bool is_in(const char *key, const char *container)
{
    size_t length = strlen(container);
    return strncmp(key, container, length) == 0 && strncmp(key + length, "layers/", 7) == 0 && strchr(key + length + 7, '/') == NULL;
}

/* The number of a key's last part among its class, 0 for none: 2 for "layers/dense_2" and the class "dense"; -1: another class. */
static long number_of(const char *key, const char *container, const char *class_name)
{
    size_t length = strlen(container), class_length = strlen(class_name);

    if (!is_in(key, container) || strncmp(key + length + 7, class_name, class_length) != 0)
        return -1;
    const char *number = key + length + 7 + class_length;
    if (*number == '\0')
        return 0;
    if (*number != '_' || number[1 + strspn(number + 1, "0123456789")] != '\0' || strlen(number) < 2 || strlen(number) > 8)
        return -1;
    return strtol(number + 1, NULL, 10);
}

/* The first of the class that is not taken: Keras 2.12 counted some twice, so that numbers are missing in its files. */
static entry *find_by_class(const tree *t, const knn__place *place)
{
    char class_name[128];
    entry *found = NULL;
    long first = 0;

    knn__snake_case(knn__without_package(place->class_name), class_name, sizeof class_name);
    for (size_t i = 0; i < t->count; i++) {
        long number = t->entries[i].taken ? -1 : number_of(t->entries[i].key, place->container, class_name);
        if (number >= 0 && (found == NULL || number < first)) {
            found = &t->entries[i];
            first = number;
        }
    }
    return found;
}

static entry *find_by_name(const tree *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->entries[i].taken && knn__text_equal(t->entries[i].name, name))
            return &t->entries[i];
    return NULL;
}

/* Whether only names can tell: layers of the file in a model that no place is in. What is Sequential here may be Functional there. */
static bool goes_by_name(const tree *t, const knn__place *places, size_t count)
{
    for (size_t i = 0; i < t->count; i++) {
        bool known = false;
        for (size_t k = 0; k < count && !known; k++)
            known = is_in(t->entries[i].key, places[k].container);
        if (!known)
            return true;
    }
    return false;
}

static knn_status add_layer(const tree *t, entry *from, knn__stored *stored)
{
    char index[24];
    knn_status status = knn__stored_add_layer(from->name != NULL ? from->name : last_part(from->key), from->count, stored);

    from->taken = true;
    for (size_t i = 0; i < from->count && status == KNN_OK; i++) {
        snprintf(index, sizeof index, "%zu", i);
        status = knn__stored_add_array(t->file, from->path, index, stored);
    }
    return status;
}

static knn_status add_all(const tree *t, bool nameless, knn__stored *stored)
{
    knn_status status = KNN_OK;

    for (size_t i = 0; i < t->count && status == KNN_OK; i++)
        status = nameless || t->entries[i].name != NULL
                     ? add_layer(t, &t->entries[i], stored)
                     : knn__fail(KNN_ERROR_UNSUPPORTED, "by_name: the file does not say the names of its layers (/%s), Keras does it since "
                                 "3.8; load by order", t->entries[i].path);
    return status;
}

static knn_status not_found(const knn__place *place, bool by_name)
{
    return knn__fail(KNN_ERROR_SHAPE, "layer %s (%s): %s", place->name, place->class_name,
                     by_name ? "no layer of that name in the file, whose models inside are others"
                             : "the file has not as many layers of that class with weights");
}

static knn_status add_places(const tree *t, const knn__place *places, size_t count, knn__stored *stored)
{
    bool by_name = goes_by_name(t, places, count);
    knn_status status = KNN_OK;

    for (size_t i = 0; i < count && status == KNN_OK; i++) {
        entry *found = by_name ? find_by_name(t, places[i].name) : find_by_class(t, &places[i]);
        status = found != NULL ? add_layer(t, found, stored) : not_found(&places[i], by_name);
    }
    for (size_t i = 0; i < t->count && status == KNN_OK; i++)
        if (!t->entries[i].taken)
            status = knn__fail(KNN_ERROR_SHAPE, "layers with weights: expected %zu, got %zu, among them %s (%s)", count, t->count,
                               t->entries[i].key, t->entries[i].name != NULL ? t->entries[i].name : "without a name");
    return status;
}

knn_status knn__stored_read_nested(knn__h5 *file, const knn__place *places, size_t count, knn__stored *stored)
{
    tree t = {.file = file};
    knn_status status = walk(&t, "", "", "", 0);

    *stored = (knn__stored){0};
    if (status == KNN_OK)
        status = places != NULL ? add_places(&t, places, count, stored) : add_all(&t, false, stored);
    free_tree(&t);
    return status;
}

knn_status knn__stored_list_nested(knn__h5 *file, knn__stored *stored)
{
    tree t = {.file = file};
    knn_status status = walk(&t, "", "", "", 0);

    *stored = (knn__stored){0};
    if (status == KNN_OK)
        status = add_all(&t, true, stored);
    free_tree(&t);
    return status;
}
