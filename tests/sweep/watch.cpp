#include "tests/sweep/watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>

namespace onnxray::sweep {

namespace {

constexpr int kThrew = 3;

void limit_memory(int64_t bytes) {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto limit = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + bytes);
  const rlimit both{limit, limit}, no_core{0, 0};
  setrlimit(RLIMIT_AS, &both);
  setrlimit(RLIMIT_CORE, &no_core);
}

void start_clock(double seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  timer.it_value.tv_usec =
      static_cast<suseconds_t>((seconds - static_cast<double>(timer.it_value.tv_sec)) * 1e6);
  setitimer(ITIMER_PROF, &timer, nullptr);
  alarm(static_cast<unsigned>(20 * seconds) + 10);  // what sleeps forever
}

/// Shared with the child: how many pieces of work are done.
class Progress {
 public:
  Progress()
      : done_(static_cast<size_t*>(
            mmap(nullptr, sizeof(size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Progress() { munmap(done_, sizeof(size_t)); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  volatile size_t& done() { return *done_; }

 private:
  size_t* done_;
};

[[noreturn]] void work_on(const std::vector<size_t>& numbers, const std::function<void(size_t)>& work,
                          const Limits& limits, Progress& progress, int errors) {
  dup2(errors, STDERR_FILENO);
  limit_memory(limits.bytes);
  for (size_t k = progress.done(); k < numbers.size(); ++k) {
    start_clock(limits.seconds);
    try {
      work(numbers[k]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", typeid(error).name(), error.what());
      std::fflush(stderr);
      _exit(kThrew);
    }
    progress.done() = k + 1;
  }
  _exit(0);
}

/// The line of what the child wrote that says most.
std::string telling_line(int errors) {
  std::string text(1 << 16, '\0');
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, pread(errors, text.data(), text.size(), 0))));
  for (const char* sign : {"runtime error:", "ERROR: AddressSanitizer", "ssertion"}) {
    const size_t at = text.find(sign);
    if (at == std::string::npos) continue;
    const size_t begin = text.rfind('\n', at) + 1;
    std::string line = text.substr(begin, text.find('\n', at) - begin);
    for (size_t frame = text.find(" in onnxray::", at), k = 0; frame != std::string::npos && k < 2;
         frame = text.find(" in onnxray::", frame + 1), ++k)
      line += " <-" + text.substr(frame + 3, std::min<size_t>(text.find('\n', frame) - frame - 3, 200));
    return line;
  }
  return text.substr(0, text.find('\n'));
}

bool timed_out(int status) {
  return WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM);
}

bool wants_memory(const std::string& line) {
  for (const char* sign : {"bad_alloc", "no memory", "out of memory", "out-of-memory"}) {
    if (line.find(sign) != std::string::npos) return true;
  }
  return false;
}

std::string ending(int status) {
  if (timed_out(status)) return "takes too long";
  if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
  return WEXITSTATUS(status) == kThrew ? "an exception" : fmt::format("exit {}", WEXITSTATUS(status));
}

}  // namespace

std::vector<Finding> watch(const std::vector<size_t>& numbers, const std::function<void(size_t)>& work,
                           const Limits& limits) {
  std::vector<Finding> findings;
  Progress progress;
  std::FILE* errors = std::tmpfile();
  while (progress.done() < numbers.size()) {
    if (ftruncate(fileno(errors), 0) != 0) break;
    lseek(fileno(errors), 0, SEEK_SET);
    const pid_t child = fork();
    if (child == 0) work_on(numbers, work, limits, progress, fileno(errors));
    int status = 0;
    waitpid(child, &status, 0);
    if (progress.done() == numbers.size()) break;
    const std::string line = telling_line(fileno(errors));
    findings.push_back({numbers[progress.done()], timed_out(status) || wants_memory(line),
                        fmt::format("{}: {}", ending(status), line)});
    progress.done() = progress.done() + 1;
  }
  std::fclose(errors);
  return findings;
}

}  // namespace onnxray::sweep
