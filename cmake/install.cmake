# What is installed: the libraries, the headers, libknn.pc and the CMake package knn. No path of this machine is in them, so that
# the installed tree can be moved.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/knn)

install(DIRECTORY include/knn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS knn EXPORT knnTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS knn_static EXPORT knnStaticTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT knnTargets NAMESPACE knn:: DESTINATION ${package_folder})
install(EXPORT knnStaticTargets NAMESPACE knn:: DESTINATION ${package_folder})

configure_package_config_file(cmake/knnConfig.cmake.in knnConfig.cmake INSTALL_DESTINATION ${package_folder}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(knnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/knnConfig.cmake ${PROJECT_BINARY_DIR}/knnConfigVersion.cmake DESTINATION ${package_folder})

# openblas.pc asks users of a static libopenblas for libgfortran, which who links the shared one does not need and may not have: so
# OpenBLAS stands in Libs.private.
set(pc_folder ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix ${pc_folder} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH pc_includedir ${pc_folder} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
set(pc_requires "${KNN_HDF5_MODULE_NAME} libcjson")
if(KNN_JPEG_FOUND)
    string(APPEND pc_requires " libjpeg")
endif()
if(KNN_ZIP_FOUND)
    string(APPEND pc_requires " libzip")
endif()
set(pc_libs ${KNN_OPENBLAS_LDFLAGS})
if(OpenMP_C_FOUND)
    list(APPEND pc_libs ${OpenMP_C_FLAGS})
endif()
if(KNN_HAVE_CUDA)
    list(APPEND pc_libs -L${CUDAToolkit_LIBRARY_DIR} -lcudart -ldl -lstdc++)
endif()
list(APPEND pc_libs -pthread -lm)
list(JOIN pc_libs " " pc_libs)
configure_file(cmake/libknn.pc.in libknn.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libknn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
