# find_package(backplane-sdk 1.0 REQUIRED) gives the target backplane::sdk and the function backplane_add_plugin().
include(${CMAKE_CURRENT_LIST_DIR}/backplane-sdk-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/BackplanePlugin.cmake)
