#include "tests/cli/run_command.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>

#include "tests/catch.h"

namespace onnxray::cli {

Outcome onnxray(const std::string& arguments, const std::string& environment) {
  FILE* pipe = popen((environment + " " + ONNXRAY_COMMAND + " " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  Outcome outcome;
  std::array<char, 4096> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe))
    outcome.output.append(buffer.data(), n);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

}  // namespace onnxray::cli
