#include "cli/resident_memory.h"

#include <fstream>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace onnxray::cli {

namespace {

/// A line "NAME:  123 kB" of /proc/self/status, in bytes.
int64_t status_entry(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key; std::getline(status, key)) {
    int64_t kilobytes = 0;
    if (key == name + ":" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

int64_t resident_bytes() { return status_entry("VmRSS"); }
int64_t peak_resident_bytes() { return status_entry("VmHWM"); }

void reset_peak_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): resets VmHWM
}

}  // namespace onnxray::cli
