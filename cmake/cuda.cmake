# Whether the backend "cuda" is built: where CUDA's toolkit is and KNN_CUDA is not OFF. Afterwards KNN_HAVE_CUDA says so, and CMake knows the
# language CUDA. Finds nothing else, downloads nothing.
set(KNN_HAVE_CUDA OFF)
set(KNN_CUDA_OLDEST 12.8)                   # knows compute capability 12.0
set(KNN_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120 CACHE STRING
    "Compute capabilities to compile the CUDA kernels for, as CMAKE_CUDA_ARCHITECTURES takes them")

# knn_no_cuda(WHY): the end of looking for it.
macro(knn_no_cuda why)
    if(KNN_CUDA STREQUAL "AUTO")
        message(STATUS "libknn: without the CUDA backend: ${why}")
    else()
        message(FATAL_ERROR "KNN_CUDA=${KNN_CUDA}: ${why}")
    endif()
endmacro()

if(KNN_CUDA AND CMAKE_CROSSCOMPILING)       # AUTO is true, too
    knn_no_cuda("it is not cross-compiled")
elseif(KNN_CUDA)
    find_package(CUDAToolkit QUIET)
    if(NOT CUDAToolkit_FOUND OR NOT TARGET CUDA::cudart OR NOT TARGET CUDA::cublas)
        knn_no_cuda("no CUDA toolkit with cuBLAS was found")
    elseif(CUDAToolkit_VERSION VERSION_LESS KNN_CUDA_OLDEST)
        knn_no_cuda("CUDA ${CUDAToolkit_VERSION} is too old, ${KNN_CUDA_OLDEST} is needed")
    else()
        include(CheckLanguage)
        set(CMAKE_CUDA_ARCHITECTURES ${KNN_CUDA_ARCHITECTURES})
        check_language(CUDA)
        if(CMAKE_CUDA_COMPILER)
            enable_language(CUDA)
            enable_language(CXX)            # of the emulator in the tests
            set(KNN_HAVE_CUDA ON)
            message(STATUS "libknn: with the CUDA backend, CUDA ${CUDAToolkit_VERSION}")
        else()
            knn_no_cuda("nvcc does not work")
        endif()
    endif()
endif()
