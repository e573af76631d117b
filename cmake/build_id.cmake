# ONNXRAY_BUILD_ID: what a plug-in and its host must share: the headers of core/ and the compiler.
file(GLOB core_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/*.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${core_headers})
set(digest "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
foreach(header ${core_headers})
  file(SHA256 ${header} hash)
  string(APPEND digest " ${hash}")
endforeach()
string(SHA256 ONNXRAY_BUILD_ID "${digest}")
