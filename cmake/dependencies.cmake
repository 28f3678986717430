# Finds what the library stands on, all of it from the system; downloads nothing.
# Afterwards there are the targets PkgConfig::KNN_OPENBLAS, KNN_HDF5, KNN_CJSON and, where they were found, KNN_JPEG and KNN_ZIP; Threads::Threads; and
# STB_INCLUDE_DIRS. knnConfig.cmake.in finds the same again for users of the static library.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(KNN_OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_search_module(KNN_HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5)      # hdf5 may be a build for MPI
pkg_check_modules(KNN_CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(KNN_JPEG IMPORTED_TARGET libjpeg)
pkg_check_modules(KNN_ZIP IMPORTED_TARGET libzip)                              # without it there are no .keras archives
pkg_check_modules(STB REQUIRED stb)                                        # only its headers are used

if(NOT KNN_PTHREADS)
    find_package(OpenMP COMPONENTS C)
endif()
