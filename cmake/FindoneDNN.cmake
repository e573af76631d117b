# Finds oneDNN 2.6 or 3.x by its header and library alone and gives the target oneDNN::dnnl. Its own config file is not
# used: Debian's demands the OpenCL headers, which nothing here needs. Hint: -DoneDNN_ROOT=<prefix>.
find_path(oneDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(oneDNN_LIBRARY NAMES dnnl)

set(oneDNN_VERSION)
set(oneDNN_version_header ${oneDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h)
if(EXISTS ${oneDNN_version_header})
  file(STRINGS ${oneDNN_version_header} lines REGEX "#define DNNL_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
  string(REGEX REPLACE "[^;0-9]+" "" lines "${lines}")
  string(REPLACE ";" "." oneDNN_VERSION "${lines}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(oneDNN
  REQUIRED_VARS oneDNN_LIBRARY oneDNN_INCLUDE_DIR
  VERSION_VAR oneDNN_VERSION
  REASON_FAILURE_MESSAGE "install libdnnl-dev, or set oneDNN_ROOT to the prefix of oneDNN 2.6 or newer")
mark_as_advanced(oneDNN_INCLUDE_DIR oneDNN_LIBRARY)

if(oneDNN_FOUND AND NOT TARGET oneDNN::dnnl)
  add_library(oneDNN::dnnl UNKNOWN IMPORTED)
  set_target_properties(oneDNN::dnnl PROPERTIES
    IMPORTED_LOCATION ${oneDNN_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${oneDNN_INCLUDE_DIR})
endif()
