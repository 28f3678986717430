// A C++17 program with libknn in it, by its plain functions: the macros with .name = are for C and C++20. Trains nothing.
#include <knn/knn.h>

#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>

struct free_model {
    void operator()(knn_model *model) const { knn_model_free(model); }
};

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "usage: " << argv[0] << " MODEL.h5 PICTURE...\n";
        return 2;
    }
    const std::unique_ptr<knn_model, free_model> model(knn_load_model_file(argv[1]));
    if (!model) {
        std::cerr << knn_last_error() << '\n';
        return EXIT_FAILURE;
    }
    int status = EXIT_SUCCESS;
    for (int i = 2; i < argc; i++) {
        const char *class_name = nullptr;
        double probability = 0;
        if (knn_classify_file(model.get(), argv[i], &class_name, &probability) == KNN_OK) {
            std::cout << argv[i] << ": " << class_name << ' ' << std::fixed << std::setprecision(4) << probability << '\n';
        } else {
            std::cerr << knn_last_error() << '\n';
            status = EXIT_FAILURE;
        }
    }
    return status;
}
