# backplane_add_plugin(name source…): a plugin as the host wants it. It sees the SDK's headers and nothing of the
# host; it shows no symbol (the host reads its manifest and its constructor queues its types); it is never unloaded.
set(_backplane_sdk_dir ${CMAKE_CURRENT_LIST_DIR})

function(backplane_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_link_libraries(${name} PRIVATE backplane::sdk)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON)
  target_link_options(${name} PRIVATE -Wl,-z,nodelete -Wl,-z,now
                      -Wl,--version-script=${_backplane_sdk_dir}/plugin.version)
endfunction()
