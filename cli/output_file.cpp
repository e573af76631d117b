#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/fail.h"

namespace onnxray::cli {

namespace fs = std::filesystem;

namespace {

/// The name of the file that is half written, for the signal handler: one at a time.
char unfinished[PATH_MAX];
std::atomic<bool> is_unfinished = false;

void on_signal(int signal) {
  if (is_unfinished) ::unlink(unfinished);
  ::_exit(128 + signal);
}

/// A new file beside `target`; removed unless it takes its name.
class Unfinished {
 public:
  explicit Unfinished(const fs::path& target) : target_(target) {
    static int count = 0;
    path_ = target.parent_path() / fmt::format(".onnxray-{}-{}.tmp", ::getpid(), count++);
    if (path_.native().size() < sizeof unfinished) {
      std::strcpy(unfinished, path_.c_str());
      is_unfinished = true;  // before it exists: a signal between the two must not leave it
    }
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    check(file_ >= 0);
    struct stat old {};
    if (::stat(target.c_str(), &old) == 0) ::fchmod(file_, old.st_mode & 0777);
  }
  ~Unfinished() {
    if (file_ >= 0) ::close(file_);
    if (!is_done_ && file_ >= 0) ::unlink(path_.c_str());
    is_unfinished = false;
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  void write(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      check(written > 0);
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

  void take_name() {
    // Some file systems tell only now that the disk is full; some cannot sync, and lose nothing by it.
    check(::fsync(file_) == 0 || errno == EINVAL || errno == EROFS);
    check(::rename(path_.c_str(), target_.c_str()) == 0);
    is_done_ = true;
  }

 private:
  void check(bool done) const {
    require(done, ErrorCode::failed, "cannot write '{}': {}", target_.string(), std::strerror(errno));
  }

  fs::path target_, path_;
  int file_ = -1;
  bool is_done_ = false;
};

/// Where a path leads: through links, so that they stay what they are.
fs::path destination(const std::string& path) {
  std::error_code error;
  const fs::path found = fs::canonical(path, error);
  return error ? fs::path(path) : found;
}

/// Whether two paths are one file, or would be one.
bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  const auto absolute = [&](const fs::path& path) {
    return fs::weakly_canonical(fs::absolute(path, error).parent_path(), error) / path.filename();
  };
  return absolute(a) == absolute(b);
}

void check_extension(const Output& output) {
  const bool is_known =
      std::ranges::find(output.extensions, extension_of(output.path)) != output.extensions.end();
  require(is_known, ErrorCode::usage, "{} '{}': the file's name must end in {}", output.option, output.path,
          fmt::join(output.extensions, " or "));
}

void check_writable(const Output& output) {
  const std::string &path = output.path, parent = fs::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  struct stat info {};
  require(::stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode), ErrorCode::failed,
          "{} '{}': there is no folder '{}'", output.option, path, folder);
  const bool takes_files = ::access(folder.c_str(), W_OK | X_OK) == 0;
  require(takes_files, ErrorCode::failed, "{} '{}': nothing can be written into the folder '{}': {}",
          output.option, path, folder, std::strerror(errno));
  if (::stat(path.c_str(), &info) != 0) return;
  require(S_ISREG(info.st_mode), ErrorCode::failed, "{} '{}' is not a file that could be replaced",
          output.option, path);
  const bool is_writable = ::access(path.c_str(), W_OK) == 0;
  require(is_writable, ErrorCode::failed, "{} '{}' may not be replaced: {}", output.option, path,
          std::strerror(errno));
}

}  // namespace

std::string extension_of(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

void check_outputs(std::span<const Output> outputs, std::span<const fs::path> read) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Output& output = outputs[i];
    if (output.path.empty()) continue;
    check_extension(output);
    for (const fs::path& path : read) {
      require(!is_same(output.path, path), ErrorCode::usage,
              "{} '{}' is '{}', which is read: nothing is written over an input", output.option, output.path,
              path.string());
    }
    for (const Output& other : outputs.first(i)) {
      require(other.path.empty() || !is_same(output.path, other.path), ErrorCode::usage,
              "{} and {} name the same file, '{}'", other.option, output.option, output.path);
    }
    check_writable(output);
  }
}

void write_output(const std::string& path, std::span<const uint8_t> bytes) {
  Unfinished file(destination(path));
  file.write(bytes);
  file.take_name();
}

void write_output(const std::string& path, std::string_view text) {
  write_output(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void leave_nothing_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (std::signal(signal, SIG_IGN) != SIG_IGN) std::signal(signal, on_signal);
  }
}

}  // namespace onnxray::cli
