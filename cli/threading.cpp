#include "cli/threading.h"

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace onnxray::cli {

namespace {

bool has_any(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::getenv(name)) return true;
  }
  return false;
}

bool set(const char* name, const char* value) { return setenv(name, value, 1) == 0; }

/// What --threads asks for, before the command line is parsed; 0: every core.
int requested_threads(int argc, char** argv) {
  constexpr std::string_view kOption = "--threads";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kOption)) continue;
    if (argument.size() == kOption.size()) return i + 1 < argc ? std::atoi(argv[i + 1]) : 0;
    if (argument[kOption.size()] == '=') return std::atoi(argv[i] + kOption.size() + 1);
  }
  return 0;
}

bool uses_every_core(int argc, char** argv) {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return false;
  const int threads = requested_threads(argc, argv);
  return threads == 0 || threads == CPU_COUNT(&cores);
}

}  // namespace

void settle_threads(int argc, char** argv) {
  bool changed = false;
  if (!has_any({"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"})) changed |= set("GOMP_SPINCOUNT", "1000");
  const bool is_placed = has_any({"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "OMP_NUM_THREADS"});
  if (!is_placed && uses_every_core(argc, argv)) changed |= set("OMP_PROC_BIND", "true");
  if (changed) execv("/proc/self/exe", argv);
}

}  // namespace onnxray::cli
