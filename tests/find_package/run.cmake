# Installs a build to a folder of its own, then configures, builds and runs the example against it, as a user would.
# -D BUILD=build folder  -D SOURCE=this folder  -D WORK=scratch folder  -D MODEL=an .onnx file  -D CXX=compiler

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\nended with ${status}:\n${text}")
  endif()
  set(text "${text}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${WORK}/prefix/bin/onnxray --version)
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_CXX_FLAGS=-Werror)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/explain_one ${MODEL})
if(NOT text MATCHES "^-?[0-9.e+-]+\n$")
  message(FATAL_ERROR "expected a number, got '${text}'")
endif()
message(STATUS "the attribution adds up to ${text}")
file(REMOVE_RECURSE ${WORK})
