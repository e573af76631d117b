#include "cli/output_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/cli/work.h"

namespace onnxray::cli {
namespace {

namespace fs = std::filesystem;

const std::string kModel = ONNXRAY_SOURCE_DIR "/models/fashion_mnist_torch.onnx";
const std::string kBoot = ONNXRAY_SOURCE_DIR "/models/samples/fashion_ankle_boot.png";
const std::string kExplain = "explain " + kModel + " -i " + kBoot + " --preprocess " +
                             ONNXRAY_SOURCE_DIR "/models/fashion_mnist_torch.json";

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t files_in(const std::string& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE("a written file replaces the old one, keeps its mode and its links, and leaves nothing beside") {
  const Work work;
  std::ofstream(work / "a.txt") << "old";
  ::chmod((work / "a.txt").c_str(), 0600);
  fs::create_symlink("a.txt", work / "link.txt");
  write_output(work / "link.txt", std::string_view("new"));
  CHECK(contents(work / "a.txt") == "new");
  CHECK(fs::is_symlink(work / "link.txt"));
  CHECK(fs::status(work / "a.txt").permissions() == fs::perms(0600));
  CHECK(files_in(work / "") == 2);
}

TEST_CASE("paths are refused before anything is computed") {
  const Work work;
  const auto refused = [&](const std::string& options, const std::string& message) {
    const Outcome outcome = onnxray(kExplain + " -m gradient " + options);
    INFO(options << "\n" << outcome.output);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.output.find(message) != std::string::npos);
    CHECK(outcome.output.find("prediction") == std::string::npos);
  };
  refused("-o " + work / "out.txt", ".npy or .npz");
  refused("--picture " + work / "out.pdf", ".png");
  refused("--report " + work / "out.txt", ".json");
  refused("-m lrp_z -o " + work / "out.npy", "FILE.npz");
  refused("--picture " + kBoot, "nothing is written over an input");
  fs::create_symlink(kModel, work / "model.npy");
  refused("-o " + work / "model.npy", "nothing is written over an input");
  std::ofstream(work / "same.npy") << "";
  fs::create_hard_link(work / "same.npy", work / "same.png");
  refused("-o " + work / "same.npy" + " --picture " + work / "same.png", "name the same file");
  CHECK(contents(work / "same.npy").empty());
}

/// Of a command with redirections of its own, which `onnxray()` would override.
int exit_code_of(const std::string& arguments) {
  const int status = std::system(fmt::format("{} {}", ONNXRAY_COMMAND, arguments).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("results that cannot be printed exit with 1, lost complaints change nothing") {
  for (const std::string& command :
       std::vector<std::string>{"methods", "methods --json", "inspect " + kModel, "--help"}) {
    INFO(command);
    CHECK(exit_code_of(command + " > /dev/full 2> /dev/null") == 1);
    CHECK(exit_code_of(command + " >&- 2> /dev/null") == 1);
  }
  CHECK(exit_code_of("inspect none.onnx 2> /dev/full") == 2);
  CHECK(exit_code_of("inspect none.onnx 2>&-") == 2);
}

}  // namespace
}  // namespace onnxray::cli
