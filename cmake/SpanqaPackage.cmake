# The Debian package (`cpack --config build/release/CPackConfig.cmake`): the program, its model and its unit, not the library.
install(FILES packaging/systemd/spanqa.service DESTINATION lib/systemd/system COMPONENT program)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/spanqa COMPONENT program RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "spanqa developers <spanqa@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME spanqa)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
    "Finds the answer to a question in a text, with its exact place: on the command line, as a filter, and over HTTP "
    "(spanqa serve) with a page. Holds a default model for English.")
string(CONCAT CPACK_DEBIAN_PROGRAM_DESCRIPTION ${CPACK_DEBIAN_PROGRAM_DESCRIPTION})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
include(CPack)
