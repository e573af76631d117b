# Flags that every target of this project is compiled with.
add_library(onnxray_flags INTERFACE)
target_compile_options(onnxray_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${ONNXRAY_WERROR}>:-Werror>
  # Neither changes a result: no kernel reads errno, none relies on floating-point traps.
  -fno-math-errno -fno-trapping-math)
install(TARGETS onnxray_flags EXPORT onnxray-targets)
