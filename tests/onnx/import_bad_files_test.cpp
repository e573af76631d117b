#include <random>

#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;
using namespace onnxray::test;

namespace {

/// A model with a bit of everything that the importer reads.
std::string rich_model() {
  ModelBuilder builder;
  builder.input("x", {-1, 2}).input("w", {2}).output("y").output("h");
  builder.initialiser("w", {2}, {1, 2});
  auto& raw = builder.initialiser("raw", {2, 2}, {});
  raw.set_raw_data(std::string(16, 'a'));
  auto& function = builder.function("F", {"a"}, {"r"});
  auto& softmax = ModelBuilder::fill(*function.add_node(), "Softmax", {"a"}, {"r"});
  set_int(softmax, "axis", 1).set_ref_attr_name("axis");
  onnx::AttributeProto fallback;
  fallback.set_name("axis");
  fallback.set_type(onnx::AttributeProto::INT);
  add_unknown(function, 11, fallback.SerializeAsString());
  auto& constant = *builder.node("Constant", {}, {"c"}).add_attribute();
  constant.set_name("value_floats");
  constant.set_type(onnx::AttributeProto::FLOATS);
  constant.add_floats(3);
  builder.node("Add", {"x", "w"}, {"a"});
  builder.node("Add", {"a", "raw"}, {"b"});
  builder.node("Add", {"b", "c"}, {"h"});
  builder.node("F", {"h"}, {"y"}, "local");
  return builder.bytes();
}

/// Importing may fail with an Error and with nothing else.
bool survives(const std::string& bytes) {
  try {
    import_onnx(as_bytes(bytes), {}, few_ops());
  } catch (const Error& error) {
    return std::string(error.what()).size() > 10;
  }
  return true;
}

}  // namespace

TEST_CASE("A model that is cut short anywhere gives an error or imports", "[onnx]") {
  const std::string bytes = rich_model();
  REQUIRE_NOTHROW(import_onnx(as_bytes(bytes), {}, few_ops()));
  for (size_t length = 0; length < bytes.size(); ++length) {
    INFO("length " << length);
    CHECK(survives(bytes.substr(0, length)));
  }
}

TEST_CASE("A model with random bytes changed gives an error or imports", "[onnx]") {
  const std::string bytes = rich_model();
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string changed = bytes;
    for (auto edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % changed.size();
      switch (random() % 3) {
        case 0: changed[at] = static_cast<char>(random()); break;
        case 1: changed.erase(at, 1 + random() % 8); break;
        default: changed.insert(at, bytes.substr(random() % bytes.size(), random() % 16)); break;
      }
      if (changed.empty()) changed = "x";
    }
    if (!survives(changed)) FAIL("round " << round);
  }
}

TEST_CASE("Random bytes are not a model", "[onnx]") {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    REQUIRE_THROWS_AS(import_onnx(as_bytes(bytes), {}, few_ops()), Error);
  }
}

TEST_CASE("Files that are no models say so", "[onnx]") {
  const auto text = [](const std::string& bytes) {
    try {
      import_onnx(as_bytes(bytes), {}, few_ops());
    } catch (const Error& error) {
      return error.code() == ErrorCode::bad_file ? std::string(error.what()) : "wrong code";
    }
    return std::string();
  };
  CHECK(text("").find("empty") != std::string::npos);
  CHECK(text("version https://git-lfs.github.com/spec/v1\n").find("git lfs pull") != std::string::npos);
  CHECK(text("<html>not found</html>").find("not an ONNX file") != std::string::npos);
}

TEST_CASE("A malformed header is an error", "[onnx]") {
  ModelBuilder builder = relu_model();
  SECTION("no graph") {
    builder.model.clear_graph();
    CHECK(says(error_of(builder), ErrorCode::bad_file, "no graph"));
  }
  SECTION("no opset") {
    builder.model.clear_opset_import();
    CHECK(says(error_of(builder), ErrorCode::bad_file, "imports no opset"));
  }
  SECTION("only a foreign opset") {
    builder.model.mutable_opset_import(0)->set_domain("other");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "imports no opset"));
  }
  SECTION("two versions of one domain, under both of its names") {
    ModelBuilder::add_opset(builder.model, "ai.onnx", 18);
    CHECK(says(error_of(builder), ErrorCode::bad_file, "opsets 17 and 18"));
  }
  SECTION("a negative opset") {
    builder.model.mutable_opset_import(0)->set_version(-1);
    CHECK(says(error_of(builder), ErrorCode::bad_file, "opset -1"));
  }
  SECTION("no IR version") {
    builder.model.clear_ir_version();
    CHECK(says(error_of(builder), ErrorCode::bad_file, "IR version 0"));
  }
}

TEST_CASE("A malformed graph is an error that says where", "[onnx]") {
  ModelBuilder builder = relu_model();
  auto& graph = builder.graph();
  auto& node = *graph.mutable_node(0);
  SECTION("a cycle") {
    node.set_input(0, "z");
    builder.node("Relu", {"y"}, {"z"});
    CHECK(says(error_of(builder), ErrorCode::bad_file, "cycle"));
  }
  SECTION("a node that reads itself") {
    node.set_input(0, "y");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "cycle through node Relu-17 'relu'"));
  }
  SECTION("an undefined input") {
    node.set_input(0, "nowhere");
    CHECK(says(error_of(builder), ErrorCode::bad_file,
               "'Relu' node 'relu' reads 'nowhere', which nothing defines"));
  }
  SECTION("a value written twice") {
    builder.node("Relu", {"x"}, {"y"});
    CHECK(says(error_of(builder), ErrorCode::bad_file,
               "'y', which the 'Relu' node that writes 'y' writes, is defined twice"));
  }
  SECTION("a node that overwrites an input") {
    node.set_output(0, "x");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "defined twice"));
  }
  SECTION("no outputs") {
    graph.clear_output();
    CHECK(says(error_of(builder), ErrorCode::bad_file, "no outputs"));
  }
  SECTION("an output that nothing computes") {
    builder.output("nothing");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "nothing computes the graph output 'nothing'"));
  }
  SECTION("a node without an operator") {
    node.clear_op_type();
    CHECK(says(error_of(builder), ErrorCode::bad_file, "has no operator type"));
  }
  SECTION("one input declared twice") {
    builder.input("x", {2});
    CHECK(says(error_of(builder), ErrorCode::bad_file, "'x' is declared twice"));
  }
  SECTION("one initialiser given twice") {
    builder.initialiser("w", {}, {1});
    builder.initialiser("w", {}, {1});
    CHECK(says(error_of(builder), ErrorCode::bad_file, "'w' is defined twice"));
  }
  SECTION("one attribute given twice") {
    set_int(node, "axis", 1);
    set_int(node, "axis", 1);
    CHECK(says(error_of(builder), ErrorCode::bad_file, "is given twice"));
  }
}

TEST_CASE("A malformed input declaration is an error that names the input", "[onnx]") {
  ModelBuilder builder = relu_model();
  auto& info = *builder.graph().mutable_input(0);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  SECTION("no type") {
    info.clear_type();
    CHECK(says(error_of(builder), ErrorCode::bad_file, "input 'x' has no type"));
  }
  SECTION("an unknown element type") {
    tensor.set_elem_type(77);
    CHECK(says(error_of(builder), ErrorCode::bad_file, "input 'x' has the unknown element type 77"));
  }
  SECTION("a negative extent") {
    tensor.mutable_shape()->mutable_dim(1)->set_dim_value(-5);
    CHECK(says(error_of(builder), ErrorCode::bad_file, "negative extent -5"));
  }
  SECTION("absurd extents") {
    for (int i = 0; i < 3; ++i) tensor.mutable_shape()->add_dim()->set_dim_value(int64_t{1} << 30);
    CHECK(says(error_of(builder), ErrorCode::bad_file, "absurdly large"));
  }
  SECTION("an initialiser of another type or shape") {
    builder.input("w", {2, 2});
    auto& w = builder.initialiser("w", {2}, {1, 2});
    CHECK(says(error_of(builder), ErrorCode::bad_file, "'w' is declared with another shape"));
    w.set_data_type(onnx::TensorProto::DOUBLE);
    CHECK(
        says(error_of(builder), ErrorCode::bad_file, "'w' is declared FLOAT but its initialiser is DOUBLE"));
  }
}

TEST_CASE("Text of a file is escaped and shortened in messages", "[onnx]") {
  ModelBuilder builder = relu_model();
  builder.graph().mutable_node(0)->set_input(0, "\x1b[31m" + std::string(5000, 'a'));
  const Error error = error_of(builder);
  CHECK(says(error, ErrorCode::bad_file, "'\\x1b[31maaa"));
  CHECK(std::string(error.what()).size() < 400);
}

TEST_CASE("A message nested without end is refused", "[onnx]") {
  // attribute 5 of a node holds graph 6, which holds node 1, and so on.
  std::string node;
  for (int depth = 0; depth < 5000; ++depth) {
    for (const char tag : {'\x0a', '\x32', '\x2a'}) {
      std::string length;
      for (size_t n = node.size();; n >>= 7) {
        length += static_cast<char>(n < 128 ? n : (n & 127) | 128);
        if (n < 128) break;
      }
      node = tag + length + node;
    }
  }
  ModelBuilder builder = relu_model();
  std::string bytes = builder.bytes();
  onnx::ModelProto wrapper;
  add_unknown(wrapper, 7, node);
  CHECK_THROWS_AS(import_onnx(as_bytes(bytes + wrapper.SerializeAsString()), {}, few_ops()), Error);
}
