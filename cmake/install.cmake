include(CMakePackageConfigHelpers)

install(TARGETS onnxray EXPORT onnxray-targets)
install(TARGETS onnxray_command)
install(FILES api/onnxray.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/onnxray)
install(FILES core/assumption.h core/error.h core/dtype.h core/range.h core/shape.h core/step_time.h core/tensor.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/onnxray/core)

install(EXPORT onnxray-targets NAMESPACE onnxray:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/onnxray FILE onnxray-config.cmake)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/onnxray-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/onnxray-config-version.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/onnxray)
