# What every target of this project is compiled with. Target properties only: nothing reaches a project that adds this one.
set(KNN_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(KNN_WERROR)
    list(APPEND KNN_WARNINGS -Werror)
endif()
if(KNN_SANITIZE)
    set(KNN_SANITIZE_FLAGS -fsanitize=${KNN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()

# knn_setup(TARGET): C11 without extensions, warnings, sanitizers.
function(knn_setup target)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_compile_options(${target} PRIVATE ${KNN_WARNINGS} ${KNN_SANITIZE_FLAGS})
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "OBJECT_LIBRARY" AND NOT type STREQUAL "STATIC_LIBRARY")
        target_link_options(${target} PRIVATE ${KNN_SANITIZE_FLAGS})
    endif()
endfunction()
