/* A C program with libknn in it: says what is on pictures. Trains nothing; the model is any that libknn or Keras wrote, with class names. */
#include <knn/knn.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL.h5 PICTURE...\n", argv[0]);
        return 2;
    }
    knn_model *model = knn_load_model(argv[1], .no_compile = true);
    if (model == NULL) {
        fprintf(stderr, "%s\n", knn_last_error());
        return EXIT_FAILURE;
    }
    int status = EXIT_SUCCESS;
    for (int i = 2; i < argc; i++) {
        const char *class_name;
        double probability;
        if (knn_classify_file(model, argv[i], &class_name, &probability) == KNN_OK) {
            printf("%s: %s %.4f\n", argv[i], class_name, probability);
        } else {
            fprintf(stderr, "%s\n", knn_last_error());
            status = EXIT_FAILURE;
        }
    }
    knn_model_free(model);
    return status;
}
