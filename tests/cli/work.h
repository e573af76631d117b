#pragma once

#include <map>

#include "cli/npy.h"
#include "cli/npz.h"
#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/cli/run_command.h"

namespace onnxray::cli {

/// A folder with the files of one test.
class Work {
 public:
  Work() { std::filesystem::create_directories(path_); }
  ~Work() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

  void model(const test::ModelBuilder& builder) const {
    std::ofstream(*this / "model.onnx", std::ios::binary) << builder.bytes();
  }
  void array(const std::string& name, const Tensor& tensor) const { write_npy(*this / name, tensor); }

  /// `onnxray explain model.onnx ...` -o maps.npz; the maps by their keys.
  std::map<std::string, Tensor> explain(const std::string& options) {
    REQUIRE(run("explain " + *this / "model.onnx" + " " + options + " -o " + *this / "maps.npz") == 0);
    std::map<std::string, Tensor> maps;
    for (const NamedTensor& map : read_npz(*this / "maps.npz")) maps.emplace(map.name, map.value);
    return maps;
  }
  /// The exit code; what was printed goes to `output`.
  int run(const std::string& arguments) {
    Outcome outcome = onnxray(arguments);
    output = std::move(outcome.output);
    INFO(output);
    return outcome.exit_code;
  }
  std::string output;

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("onnxray_work_" + std::to_string(getpid()));
};

}  // namespace onnxray::cli
