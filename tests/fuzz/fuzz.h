/* What the fuzz targets share. A target is libFuzzer's one function: it feeds hostile bytes to one door of the library; any answer is
 * right but a crash, a leak, a hang, or a failure without a text. */
#ifndef KNN_TESTS_FUZZ_H
#define KNN_TESTS_FUZZ_H

#include <knn/knn.h>

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, for the fuzzer to see, where what must hold does not. */
void fuzz_expect(bool holds, const char *what);

/* What a program does with a model that came from outside, NULL being a failure that must have a text: prints its table, writes and
 * reads its JSON, predicts one sample where that is not much work. Frees it. */
void fuzz_use_model(knn_model *model);

/* The bytes as a text of their own. */
char *fuzz_text(const uint8_t *data, size_t size);

/* Goes to an empty folder of this process' own, once; it is removed when the program ends. */
void fuzz_enter_folder(void);

/* Removes what lies in a folder, which stays. Links are not followed. */
void fuzz_empty_folder(const char *path);

#endif
