#include <atomic>
#include <thread>

#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

namespace onnxray::test {
namespace {

const SessionOptions kDouble{.backend = "reference", .precision = "double"};
const ExplainOptions kLong{.method = "smoothgrad", .parameters = {{"samples", "64"}}};

TEST_CASE("a session that is at work refuses another thread, and goes on") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const Tensor alone = session.explain(image(1), kLong).attribution;
  Error refused(ErrorCode::failed, "not called");
  bool asked = false;
  session.on_progress = [&](int64_t, int64_t) {
    if (std::exchange(asked, true)) return;
    std::thread([&] { refused = error_of([&] { session.run({image(1)}); }); }).join();
  };
  const Tensor both = session.explain(image(1), kLong).attribution;
  CHECK(says(refused, ErrorCode::usage, "at work for another call"));
  CHECK(both.to_doubles() == alone.to_doubles());
  session.on_progress = {};
  CHECK(session.run({image(1)}).size() == 1);
}

TEST_CASE("a session refuses to be called from its own progress") {
  Session session(ModelFile(classifier()).load(), kDouble);
  Error refused(ErrorCode::failed, "not called");
  session.on_progress = [&](int64_t, int64_t) { refused = error_of([&] { session.explain(image(1)); }); };
  session.explain(image(1), kLong);
  CHECK(says(refused, ErrorCode::usage, "a session of its own"));
}

TEST_CASE("an error of one call leaves the session free for the next") {
  Session session(ModelFile(classifier()).load(), kDouble);
  CHECK(says(error_of([&] { session.explain(image(1), {.method = "none such"}); }), ErrorCode::usage, ""));
  CHECK(session.run({image(1)}).size() == 1);
}

TEST_CASE("sessions of one model work side by side") {
  const Model model = ModelFile(classifier()).load();
  const std::vector<double> alone = Session(model, kDouble).explain(image(1)).attribution.to_doubles();
  std::atomic<int> same = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Session session(model, kDouble);
      if (session.explain(image(1)).attribution.to_doubles() == alone) ++same;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(same == 4);
}

TEST_CASE("an output that no machine holds is refused before anything is made for it") {
  ModelBuilder builder;
  builder.input("x", {1, 4}).output("y");
  auto& shape = *builder.graph().add_initializer();
  shape.set_name("shape");
  shape.set_data_type(onnx::TensorProto::INT64);
  shape.add_dims(3);
  for (const int64_t extent : {int64_t{1} << 24, int64_t{1} << 24, int64_t{4}}) shape.add_int64_data(extent);
  builder.node("Expand", {"x", "shape"}, {"y"});
  Session session(ModelFile(builder).load(), kDouble);
  const Tensor x(DType::f32, {1, 4});
  CHECK(says(error_of([&] { session.run({x}); }), ErrorCode::unsupported, "'y' [16777216,16777216,4] takes"));
  CHECK(says(error_of([&] { session.explain(x); }), ErrorCode::unsupported, "smaller inputs"));
}

TEST_CASE("what the library throws is an Error, whatever goes wrong inside") {
  ModelBuilder builder;
  builder.input("x", {1, 4}).output("y");
  auto& choice = builder.node("If", {""}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto& attribute = *choice.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    attribute.mutable_g()->add_output()->set_name("x");
  }
  const Error error = error_of([&] {
    Session(ModelFile(builder).load(), kDouble).run({Tensor(DType::f32, {1, 4})});
  });
  CHECK(error.code() == ErrorCode::bad_file);
  CHECK(std::string(error.what()) != "no error");
}

}  // namespace
}  // namespace onnxray::test
