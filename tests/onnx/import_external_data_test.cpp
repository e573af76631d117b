#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;
using namespace onnxray::test;
namespace fs = std::filesystem;

namespace {

/// A folder with the file "w.bin" (8 floats: 0 to 7) and a model beside it whose weight w[2] lies there.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "onnxray_test_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    fs::create_directory(path_ / "model");
    std::ofstream file(path_ / "model/w.bin", std::ios::binary);
    for (int i = 0; i < 8; ++i) {
      const auto value = static_cast<float>(i);
      file.write(reinterpret_cast<const char*>(&value), sizeof value);
    }
  }
  ~Folder() { fs::remove_all(path_); }

  fs::path root() const { return path_; }
  fs::path model() const { return path_ / "model"; }

  ImportedModel import(const std::string& location, const std::string& offset,
                       const std::string& length) const {
    ModelBuilder builder;
    builder.input("x", {2}).output("y");
    auto& w = builder.initialiser("w", {2}, {});
    w.set_data_location(onnx::TensorProto::EXTERNAL);
    add(w, "location", location);
    add(w, "offset", offset);
    add(w, "length", length);
    builder.node("Add", {"x", "w"}, {"y"});
    std::ofstream(model() / "m.onnx", std::ios::binary) << builder.bytes();
    return import_onnx(model() / "m.onnx", few_ops());
  }

  std::string error(const std::string& location, const std::string& offset = "",
                    const std::string& length = "") const {
    try {
      import(location, offset, length);
    } catch (const Error& error) {
      return error.code() == ErrorCode::bad_file ? error.what() : "wrong code";
    }
    return "none";
  }

 private:
  static void add(onnx::TensorProto& tensor, const std::string& key, const std::string& value) {
    if (value.empty()) return;
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  fs::path path_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<double> weight_of(const ImportedModel& model) {
  return model.graph.constant(model.graph.nodes.at(0).inputs.at(1))->to_doubles();
}

}  // namespace

TEST_CASE("External data is read from the file beside the model", "[onnx]") {
  const Folder folder;
  CHECK(weight_of(folder.import("w.bin", "", "")) == std::vector<double>{0, 1});
  CHECK(weight_of(folder.import("./w.bin", "24", "8")) == std::vector<double>{6, 7});
  fs::create_directory(folder.model() / "sub");
  fs::rename(folder.model() / "w.bin", folder.model() / "sub/w.bin");
  CHECK(weight_of(folder.import("sub/w.bin", "8", "")) == std::vector<double>{2, 3});
}

TEST_CASE("External data may lie beyond the first 2 GB of its file", "[onnx]") {
  const Folder folder;
  const int64_t far = (int64_t{3} << 30) + 8;
  std::error_code full;
  fs::resize_file(folder.model() / "w.bin", static_cast<uintmax_t>(far), full);  // sparse: takes no space
  if (full) {
    WARN("no sparse file of 3 GB can be made here: skipped");
    return;
  }
  std::fstream file(folder.model() / "w.bin", std::ios::binary | std::ios::in | std::ios::out);
  const float values[] = {21, 42};
  file.seekp(far - 8);
  file.write(reinterpret_cast<const char*>(values), sizeof values);
  file.close();
  CHECK(weight_of(folder.import("w.bin", std::to_string(far - 8), "8")) == std::vector<double>{21, 42});
}

TEST_CASE("External data at an unaligned offset is copied", "[onnx]") {
  const Folder folder;
  const ImportedModel model = folder.import("w.bin", "2", "8");
  const Tensor* w = model.graph.constant(model.graph.nodes.at(0).inputs.at(1));
  CHECK(reinterpret_cast<uintptr_t>(w->bytes()) % 4 == 0);
}

TEST_CASE("External data outlives the model's import", "[onnx]") {
  ImportedModel model;
  {
    const Folder folder;
    model = folder.import("w.bin", "4", "8");
  }
  CHECK(weight_of(model) == std::vector<double>{1, 2});
}

TEST_CASE("External data outside of the model's folder is refused", "[onnx]") {
  const Folder folder;
  fs::copy_file(folder.model() / "w.bin", folder.root() / "secret.bin");
  CHECK(contains(folder.error((folder.root() / "secret.bin").string()), "is absolute"));
  CHECK(contains(folder.error("../secret.bin"), "'..'"));
  CHECK(contains(folder.error("sub/../../secret.bin"), "'..'"));
  CHECK(contains(folder.error("..\\secret.bin"), "not a plain relative path"));
  CHECK(contains(folder.error(std::string("w.bin\0x", 7)), "not a plain relative path"));
  CHECK(contains(folder.error("."), "names no file"));
}

TEST_CASE("External data behind links is refused", "[onnx]") {
  const Folder folder;
  fs::copy_file(folder.model() / "w.bin", folder.root() / "secret.bin");
  fs::create_symlink(folder.root() / "secret.bin", folder.model() / "soft.bin");
  CHECK(contains(folder.error("soft.bin"), "symbolic link"));
  fs::create_directory_symlink(folder.root(), folder.model() / "dir");
  CHECK(contains(folder.error("dir/secret.bin"), "symbolic link"));
  fs::create_hard_link(folder.root() / "secret.bin", folder.model() / "hard.bin");
  CHECK(contains(folder.error("hard.bin"), "2 hard links"));
}

TEST_CASE("External data that is no plain file is refused", "[onnx]") {
  const Folder folder;
  fs::create_directory(folder.model() / "sub");
  CHECK(contains(folder.error("sub"), "not a regular file"));
  CHECK(contains(folder.error("missing.bin"), "No such file"));
  CHECK(contains(folder.error("w.bin/x"), "cannot open"));
  CHECK(contains(folder.error(""), "no location"));
}

TEST_CASE("External data past the end of its file is refused", "[onnx]") {
  const Folder folder;
  CHECK(contains(folder.error("w.bin", "28"), "takes 8 bytes from offset 28"));
  CHECK(contains(folder.error("w.bin", "18446744073709551615"), "which has only 32"));
  CHECK(contains(folder.error("w.bin", "18446744073709551616"), "no byte count"));
  CHECK(contains(folder.error("w.bin", "-8"), "no byte count"));
  CHECK(contains(folder.error("w.bin", "0", "16"), "holds 16 bytes"));
}

TEST_CASE("A model in memory without a folder has no external data", "[onnx]") {
  ModelBuilder builder = relu_model();
  builder.initialiser("w", {2}, {}).set_data_location(onnx::TensorProto::EXTERNAL);
  builder.graph().mutable_node(0)->add_input("w");
  CHECK(says(error_of(builder), ErrorCode::bad_file, "there is no folder"));
}

TEST_CASE("A file that cannot be read is an error that names it", "[onnx]") {
  const Folder folder;
  for (const auto& path : {folder.root() / "missing.onnx", folder.model()}) {
    try {
      import_onnx(path, few_ops());
      FAIL("imported " << path);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::bad_file);
      CHECK(contains(error.what(), path.string()));
    }
  }
}
