#include "core/json_value.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

JsonValue parsed(const std::string& text) { return JsonValue::parse(text, "a.json", ErrorCode::bad_file); }

TEST_CASE("lists and objects nest 64 deep") {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK_NOTHROW(parsed(nested(64)));
  CHECK(says(error_of([&] { parsed(nested(65)); }), ErrorCode::bad_file, "deeper than 64"));
  CHECK(says(error_of([&] { parsed(std::string(200000, '[')); }), ErrorCode::bad_file, "deeper than 64"));
}

TEST_CASE("what a value should be is said with its path") {
  const JsonValue json = parsed(R"({"a": [{"b": 1.5}], "s": "text"})");
  const JsonValue b = json.at("a").items()[0].at("b");
  CHECK(b.number({1, 2}) == 1.5);
  CHECK(says(error_of([&] { b.whole(0, 9); }), ErrorCode::bad_file,
             "'a.json': a[0].b must be a whole number from 0 to 9, not 1.5"));
  CHECK(says(error_of([&] { json.at("s").items(); }), ErrorCode::bad_file, "s must be a list, not \"text\""));
  CHECK(says(error_of([&] { json.at("c"); }), ErrorCode::bad_file, "lacks the key 'c'"));
  CHECK(says(error_of([&] {
               json.allow_keys({"a", "size"});
             }),
             ErrorCode::bad_file, "has no key 's'; did you mean"));
}

TEST_CASE("text that is no JSON or no UTF-8 is an error, and such names are written all the same") {
  CHECK(says(error_of([] { parsed("{"); }), ErrorCode::bad_file, "'a.json' is not valid JSON"));
  CHECK(says(error_of([] { parsed("[\"\xff\"]"); }), ErrorCode::bad_file, "UTF-8"));
  CHECK(says(error_of([] { parsed("[1e999]"); }), ErrorCode::bad_file, "not valid JSON"));
}

}  // namespace
}  // namespace onnxray::test
