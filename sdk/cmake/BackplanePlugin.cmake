# backplane_add_plugin(name [STABLE] [SDK_MINOR n] source…): a plugin as the host wants it. It sees the SDK's headers and
# nothing of the host; it shows no symbol (the host reads its manifest and its constructor queues its types); it is never
# unloaded. STABLE makes a draft header an error; SDK_MINOR is the minor version of the oldest host that is to load it.
#
# backplane_install_plugin(name…): installs plugins where hosts find them: in BACKPLANE_PLUGIN_DESTINATION, which is the
# host's own folder below the prefix, or with BACKPLANE_INSTALL_FOR_USER the folder of whoever installs.
set(_backplane_sdk_dir ${CMAKE_CURRENT_LIST_DIR})

function(backplane_add_plugin name)
  cmake_parse_arguments(PLUGIN "STABLE" "SDK_MINOR" "" ${ARGN})
  add_library(${name} MODULE ${PLUGIN_UNPARSED_ARGUMENTS})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_link_libraries(${name} PRIVATE backplane::sdk)
  if(PLUGIN_STABLE)
    target_compile_definitions(${name} PRIVATE BACKPLANE_STABLE)
  endif()
  if(DEFINED PLUGIN_SDK_MINOR)
    target_compile_definitions(${name} PRIVATE BACKPLANE_SDK_TARGET_MINOR=${PLUGIN_SDK_MINOR})
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON)
  target_link_options(${name} PRIVATE -Wl,-z,nodelete -Wl,-z,now
                      -Wl,--version-script=${_backplane_sdk_dir}/plugin.version)
endfunction()

function(backplane_install_plugin)
  set(destination ${BACKPLANE_PLUGIN_DESTINATION})
  if(BACKPLANE_INSTALL_FOR_USER)
    set(data "$ENV{XDG_DATA_HOME}")
    if(NOT IS_ABSOLUTE "${data}")
      set(data "$ENV{HOME}/.local/share")
    endif()
    set(destination ${data}/backplane/plugins)
  endif()
  install(TARGETS ${ARGN} LIBRARY DESTINATION ${destination})
endfunction()
