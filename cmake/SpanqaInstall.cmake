include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/spanqa-config.cmake.in "${PROJECT_BINARY_DIR}/spanqa-config.cmake"
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spanqa)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/spanqa-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(EXPORT spanqa-targets NAMESPACE spanqa:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spanqa)
install(FILES "${PROJECT_BINARY_DIR}/spanqa-config.cmake" "${PROJECT_BINARY_DIR}/spanqa-config-version.cmake"
              cmake/FindUtf8proc.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spanqa)
# Beside the library: the default model where the program can find it.
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/spanqa/models COMPONENT program)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
