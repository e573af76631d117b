#include "cli/print.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/fail.h"

namespace onnxray::cli {

namespace {

/// Keeps the number of a closed stream from the next file that is opened.
void occupy(int descriptor, int flags) {
  if (::fcntl(descriptor, F_GETFD) != -1) return;
  const int opened = ::open("/dev/null", flags);
  if (opened == -1 || opened == descriptor) return;
  ::dup2(opened, descriptor);
  ::close(opened);
}

}  // namespace

void settle_streams() {
  occupy(STDIN_FILENO, O_RDONLY);
  occupy(STDOUT_FILENO, O_RDONLY);  // so that printing fails
  occupy(STDERR_FILENO, O_WRONLY);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void print_text(std::string_view text) {
  errno = 0;
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  require(written == text.size(), ErrorCode::failed, "cannot print the results: {}", std::strerror(errno));
}

void flush_printed() {
  errno = 0;
  const bool is_done = std::fflush(stdout) == 0;
  require(is_done, ErrorCode::failed, "cannot print the results: {}", std::strerror(errno));
}

void tell_text(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace onnxray::cli
