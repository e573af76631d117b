# Flags that every target of this project is compiled with.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

add_library(onnxray_flags INTERFACE)
target_compile_options(onnxray_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow>"
  "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${ONNXRAY_WERROR}>>:-Werror>"
  # GCC 12 sees overlapping copies inside std::string's operator+ (GCC bug 105651).
  "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>"
  # Neither changes a result: no kernel reads errno, none relies on floating-point traps.
  "$<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno;-fno-trapping-math>")
