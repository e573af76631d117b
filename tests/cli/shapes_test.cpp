#include "cli/npy.h"
#include "cli/npz.h"
#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/cli/run_command.h"

// Inputs that a command makes up, and models that have none.

namespace onnxray::cli {
namespace {

using test::ModelBuilder;
using test::ModelFile;

void declare(onnx::ValueInfoProto& info, const std::string& name, const std::vector<std::string>& extents) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  tensor.mutable_shape();
  for (const std::string& extent : extents) {
    auto& dim = *tensor.mutable_shape()->add_dim();
    if (std::isdigit(static_cast<unsigned char>(extent[0])))
      dim.set_dim_value(std::stoll(extent));
    else
      dim.set_dim_param(extent);
  }
}

/// audio [N, 1, time] and context [N, width] -> their sums.
ModelBuilder two_inputs() {
  ModelBuilder b(13);
  declare(*b.graph().add_input(), "audio", {"N", "1", "time"});
  declare(*b.graph().add_input(), "context", {"N", "width"});
  b.output("a").output("c");
  b.node("ReduceSum", {"audio"}, {"a"});
  b.node("Neg", {"context"}, {"c"});
  return b;
}

Outcome inspect(const ModelFile& file, const std::string& options) {
  return onnxray("inspect " + file.path().string() + " " + options);
}

TEST_CASE("--shape says what a model leaves open, by input or by symbol") {
  const ModelFile file(two_inputs());
  for (const char* options :
       {"--shape audio=2x1x800 --shape context=2x7", "--shape audio=2,1,800 --shape width=7 --batch 2",
        "--shape N=2 --shape time=800 --shape width=7"}) {
    INFO(options);
    const Outcome outcome = inspect(file, options);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.output.find("[2,7]") != std::string::npos);
  }
  CHECK(onnxray("bench " + file.path().string() + " --repeats 1 --shape time=80 --shape width=7").exit_code ==
        0);
}

TEST_CASE("an extent that stays open, or does not fit, is an error that says what to write") {
  const ModelFile file(two_inputs());
  const auto says = [&](const std::string& options, const std::string& text) {
    const Outcome outcome = inspect(file, options);
    INFO(outcome.output);
    return outcome.exit_code == 2 && outcome.output.find(text) != std::string::npos;
  };
  CHECK(says("", "input 'audio' leaves extent 2 open; give -i audio=FILE or --shape audio=1x1x100"));
  CHECK(says("--shape audio=2x3x8", "[2,3,8] does not fit input 'audio', which declares [N,1,time]"));
  CHECK(says("--shape audio=2x1", "does not fit"));
  CHECK(says("--shape sound=1x2", "no input and no open extent 'sound'"));
  CHECK(says("--shape 1x2", "say which by NAME=1x2"));
  CHECK(says("--shape time=2x3", "is one number"));
  CHECK(says("--shape time=two", "expected NAME=NUMBER"));
  CHECK(says("--shape time=2 --shape time=3", "twice"));
}

TEST_CASE("a model without inputs is run without -i, and one with them asks for each") {
  ModelBuilder b;
  b.initialiser("c", {2}, {1, -2});
  b.node("Relu", {"c"}, {"y"});
  b.output("y");
  const ModelFile none(b), some(two_inputs());
  const std::string out = none.path().string() + ".npy";
  CHECK(onnxray("run " + none.path().string() + " -o " + out).exit_code == 0);
  CHECK(read_npy(out).to_doubles() == std::vector<double>{1, 0});
  std::filesystem::remove(out);
  const Outcome outcome = onnxray("run " + some.path().string());
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.output.find("input 'audio' f32") != std::string::npos);
}

TEST_CASE("files hold outputs in their declared types; bfloat16 as float32, and that is said") {
  for (const auto& [proto, type] : {std::pair{onnx::TensorProto::DOUBLE, DType::f64},
                                    {onnx::TensorProto::FLOAT16, DType::f16},
                                    {onnx::TensorProto::UINT16, DType::u16},
                                    {onnx::TensorProto::BOOL, DType::boolean},
                                    {onnx::TensorProto::BFLOAT16, DType::f32}}) {
    INFO(name_of(type));
    ModelBuilder b;
    b.initialiser("c", {2}, {1, 2});
    ModelBuilder::declare(*b.graph().add_output(), "y", {2}, proto);
    test::set_int(b.node("Cast", {"c"}, {"y"}), "to", proto);
    const ModelFile file(b);
    const std::string out = file.path().string();
    const Outcome outcome = onnxray("run " + out + " -o " + out + ".npy");
    CHECK(outcome.exit_code == 0);
    CHECK((outcome.output.find("bfloat16") != std::string::npos) == (proto == onnx::TensorProto::BFLOAT16));
    CHECK(read_npy(out + ".npy").dtype() == type);
    CHECK(onnxray("run " + out + " -o " + out + ".npz").exit_code == 0);
    CHECK(read_npz(out + ".npz")[0].value.dtype() == type);
    for (const char* extension : {".npy", ".npz"}) std::filesystem::remove(out + extension);
  }
}

}  // namespace
}  // namespace onnxray::cli
