# How this project's targets are made: warnings, sanitizers, plugins that see the SDK alone, tests.
include(${PROJECT_SOURCE_DIR}/sdk/cmake/BackplanePlugin.cmake)

add_library(backplane_flags INTERFACE)
target_compile_options(backplane_flags INTERFACE -Wall -Wextra -Wpedantic -Werror -fno-strict-aliasing)
if(BACKPLANE_SANITIZE)
  # The rules that debug builds check are checked here as well.
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined -UNDEBUG)
  add_link_options(-fsanitize=address,undefined)
  # Here each file is compiled with what it includes itself, and with all that gcc has to say.
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
else()
  # With precompiled headers, gcc 12 sees overruns inside of its own std::string that are none.
  target_compile_options(backplane_flags INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
endif()

# The parts of the standard library that most files include, compiled once for the core, the plugins, the tests.
set(backplane_precompiled <algorithm> <array> <atomic> <bit> <charconv> <cstring> <deque> <filesystem> <functional> <map>
    <memory> <mutex> <optional> <set> <span> <string> <string_view> <utility> <vector>)

# The files of the core and of most plugins are compiled together, some at a time: half of what a small file costs is spent
# before its own first line. One file that changed costs more so; -DBACKPLANE_TOGETHER=OFF is for who works on many.
# (UNITY_BUILD would name files by where this tree is, so that no two trees could share a compiler's cache.)
option(BACKPLANE_TOGETHER "Compile the files of a target together" ON)
function(backplane_together target)
  if(NOT BACKPLANE_TOGETHER OR BACKPLANE_SANITIZE)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "^[^$]*\\.cpp$")
  set(folders)
  foreach(source ${sources})
    # What is compiled in a way of its own is compiled alone.
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    get_source_file_property(alone ${source} SKIP_UNITY_BUILD_INCLUSION)
    if(options OR alone)
      continue()
    endif()
    # Files of one folder share its words: a name that two of them have is a mistake there, and none elsewhere.
    get_filename_component(folder ${source} DIRECTORY)
    string(MAKE_C_IDENTIFIER "in${folder}" folder)
    list(APPEND folders ${folder})
    list(APPEND ${folder} ${source})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  set(number 0)
  foreach(folder ${folders})
    while(${folder})
      list(SUBLIST ${folder} 0 10 some)
      list(REMOVE_ITEM ${folder} ${some})
      set(text)
      foreach(source ${some})
        get_filename_component(path ${source} ABSOLUTE)
        file(RELATIVE_PATH path ${CMAKE_CURRENT_BINARY_DIR} ${path})
        string(APPEND text "#include \"${path}\"\n")
      endforeach()
      set(unit ${CMAKE_CURRENT_BINARY_DIR}/${target}-${number}.cpp)
      file(CONFIGURE OUTPUT ${unit} CONTENT "${text}" @ONLY)
      target_sources(${target} PRIVATE ${unit})
      set_source_files_properties(${some} PROPERTIES HEADER_FILE_ONLY ON)
      math(EXPR number "${number} + 1")
    endwhile()
  endforeach()
  # What is a file's own stays so when the file is included.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()

# A quicker linker, where there is one that the compiler knows.
find_program(BACKPLANE_MOLD mold)
mark_as_advanced(BACKPLANE_MOLD)
if(BACKPLANE_MOLD AND NOT (CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12.1))
  add_link_options(-fuse-ld=mold)
endif()

file(WRITE ${PROJECT_BINARY_DIR}/objects/nothing.cpp "")
add_library(backplane_plugin_headers OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/objects/nothing.cpp)
target_link_libraries(backplane_plugin_headers PRIVATE backplane_flags)
set_target_properties(backplane_plugin_headers PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_precompile_headers(backplane_plugin_headers PRIVATE ${backplane_precompiled})

# backplane_plugin(NAME goldfish-rtc SOURCES goldfish_rtc.cpp [LIBRARIES fdt …] [APART])
# APART: names of its files are their own (registers of several chips, say); they are compiled one by one.
function(backplane_plugin)
  cmake_parse_arguments(PLUGIN "APART" "NAME" "SOURCES;LIBRARIES" ${ARGN})
  backplane_add_plugin(${PLUGIN_NAME} ${PLUGIN_SOURCES})
  target_link_libraries(${PLUGIN_NAME} PRIVATE backplane_flags ${PLUGIN_LIBRARIES})
  target_precompile_headers(${PLUGIN_NAME} REUSE_FROM backplane_plugin_headers)
  if(NOT PLUGIN_APART)
    backplane_together(${PLUGIN_NAME})
  endif()
  set_target_properties(${PLUGIN_NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins)
  set_property(GLOBAL APPEND PROPERTY BACKPLANE_PLUGINS ${PLUGIN_NAME})
  install(TARGETS ${PLUGIN_NAME} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/backplane/plugins)
endfunction()

# backplane_plugin_parts(goldfish-rtc VARIABLE): a library of what the plugin is compiled to, from which a test takes
# the parts that it names.
function(backplane_plugin_parts plugin result)
  if(NOT TARGET ${plugin}-parts)
    add_library(${plugin}-parts STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${plugin}>)
    set_target_properties(${plugin}-parts PROPERTIES LINKER_LANGUAGE CXX)
    # Files that are compiled together come together, with what any of them needs.
    get_target_property(libraries ${plugin} LINK_LIBRARIES)
    target_link_libraries(${plugin}-parts INTERFACE ${libraries})
  endif()
  set(${result} ${plugin}-parts PARENT_SCOPE)
endfunction()

# What tests are compiled with: an assertion names its own line, so that no other debug information is needed.
add_library(backplane_test_flags INTERFACE)
target_compile_options(backplane_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)
if(NOT BACKPLANE_SANITIZE)
  target_compile_options(backplane_test_flags INTERFACE $<$<CONFIG:Release>:-g0>)
endif()

# backplane_test(NAME x_test LABEL unit|board|guest|fuzz|sdk SOURCES x_test.cpp [PLUGINS whose parts it tests …]
#                [LIBRARIES …] [TIMEOUT seconds])
function(backplane_test)
  cmake_parse_arguments(TEST "" "NAME;LABEL;TIMEOUT" "SOURCES;PLUGINS;LIBRARIES" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_executable(${TEST_NAME} ${TEST_SOURCES})
  target_link_libraries(${TEST_NAME} PRIVATE backplane_flags backplane_test_flags libbackplane GTest::gtest_main
                        ${TEST_LIBRARIES})
  foreach(plugin ${TEST_PLUGINS})
    backplane_plugin_parts(${plugin} parts)
    target_link_libraries(${TEST_NAME} PRIVATE ${parts})
  endforeach()
  target_precompile_headers(${TEST_NAME} REUSE_FROM backplane_test_headers)
  target_include_directories(${TEST_NAME} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
  set_target_properties(${TEST_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${TEST_NAME} COMMAND ${TEST_NAME})
  set_tests_properties(${TEST_NAME} PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT} ENVIRONMENT
    "BACKPLANE_PLUGIN_PATH=${PROJECT_BINARY_DIR}/plugins;BACKPLANE_BINARY=${PROJECT_BINARY_DIR}/bin/backplane;BACKPLANE_SOURCE=${PROJECT_SOURCE_DIR}")
endfunction()

# backplane_fuzz(NAME x_fuzz SOURCES x_fuzz.cpp …): a test that runs a fuzz target (tests/fuzz/fuzz.h).
function(backplane_fuzz)
  cmake_parse_arguments(FUZZ "" "NAME" "SOURCES;PLUGINS;LIBRARIES" ${ARGN})
  backplane_test(NAME ${FUZZ_NAME} LABEL fuzz SOURCES ${FUZZ_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_main.cpp
                 PLUGINS ${FUZZ_PLUGINS} LIBRARIES ${FUZZ_LIBRARIES})
endfunction()

# Adds every folder below this one that has a CMakeLists.txt, but for paths that match EXCLUDE.
function(backplane_add_folders)
  cmake_parse_arguments(FOLDERS "" "EXCLUDE" "" ${ARGN})
  file(GLOB lists CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt
       ${CMAKE_CURRENT_SOURCE_DIR}/*/*/CMakeLists.txt ${CMAKE_CURRENT_SOURCE_DIR}/*/*/*/CMakeLists.txt)
  if(FOLDERS_EXCLUDE)
    list(FILTER lists EXCLUDE REGEX ${FOLDERS_EXCLUDE})
  endif()
  foreach(list ${lists})
    get_filename_component(folder ${list} DIRECTORY)
    add_subdirectory(${folder})
  endforeach()
endfunction()
