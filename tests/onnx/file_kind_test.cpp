#include "onnx/file_kind.h"

#include <unistd.h>

#include <fstream>

#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;

namespace {

namespace fs = std::filesystem;

/// A folder that is gone with the object.
struct Folder {
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path file(const std::string& name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
  fs::path path = fs::temp_directory_path() / ("onnxray_kinds_" + std::to_string(getpid()));
};

bool says(const fs::path& path, const std::string& part) {
  return export_advice(path).find(part) != std::string::npos;
}

TEST_CASE("files of other frameworks are told by their bytes, then by their names", "[onnx][import]") {
  const Folder folder;
  CHECK(says(folder.file("a.bin", "PK\x03\x04 archive/data.pkl"), "torch.onnx.export"));
  CHECK(says(folder.file("a.keras", "PK\x03\x04 config.json"), "model.export"));
  CHECK(says(folder.file("weights", "\x89HDF\r\n\x1a\n"), "Keras"));
  CHECK(says(folder.file("lite", std::string("\x1c\0\0\0TFL3", 8)), "--tflite"));
  CHECK(says(folder.file("w", std::string("\x40\0\0\0\0\0\0\0{\"a\"", 12)), "weights without their graph"));
  CHECK(says(folder.file("old.PT", "\x80\x02"), "torch.onnx.export"));
  CHECK(says(folder.file("forest.joblib", "\x80\x04"), "skl2onnx"));
  CHECK(says(folder.file("frozen.pb", "?"), "--graphdef"));
  CHECK(export_advice(folder.file("model.onnx", "nonsense")).empty());
  CHECK(says(folder.path, "this is a folder"));
  folder.file("saved_model.pb", "?");
  CHECK(says(folder.path, "--saved-model"));
}

TEST_CASE("importing what is no ONNX model says what to do with it", "[onnx][import]") {
  const Folder folder;
  const auto path = folder.file("net.pth", "PK\x03\x04 archive/data.pkl");
  const Error error = test::error_of([&] { import_onnx(path, OpRegistry::builtin()); });
  CHECK(test::says(error, ErrorCode::bad_file, "torch.onnx.export"));
  CHECK(test::says(test::error_of([&] { import_onnx(folder.path, OpRegistry::builtin()); }),
                   ErrorCode::bad_file, "this is a folder"));
}

}  // namespace
