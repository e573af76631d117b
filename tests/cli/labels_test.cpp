#include "cli/labels.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::cli {
namespace {

using Labels = std::vector<std::string>;

TEST_CASE("labels are one a line, with any line ends") {
  CHECK(parse_labels("cat\ndog\n", "l.txt") == Labels{"cat", "dog"});
  CHECK(parse_labels("\xEF\xBB\xBF"
                     "cat\r\n\r\ndog\r\n\r\n",
                     "l.txt") == Labels{"cat", "", "dog"});
  CHECK(parse_labels("[unused]\ndog", "l.txt") == Labels{"[unused]", "dog"});
}

TEST_CASE("labels are a JSON list, or an object either way round, or inside a model's config") {
  CHECK(parse_labels(R"(["cat", "dog"])", "l.json") == Labels{"cat", "dog"});
  CHECK(parse_labels(R"({"1": "dog", "0": "cat"})", "l.json") == Labels{"cat", "dog"});
  CHECK(parse_labels(R"({"dog": 1, "cat": 0})", "l.json") == Labels{"cat", "dog"});
  CHECK(parse_labels(R"({"0": ["n01440764", "tench"], "2": ["n01484850", "great_white_shark"]})", "l.json") ==
        Labels{"tench", "1", "great_white_shark"});
  CHECK(parse_labels(R"({"model_type": "vit", "id2label": {"0": "cat", "1": "dog"}})", "config.json") ==
        Labels{"cat", "dog"});
  CHECK(parse_labels(R"({"layout": "NCHW", "labels": ["cat", "dog"]})", "m.json") == Labels{"cat", "dog"});
}

TEST_CASE("a file that holds no labels is an error that names it") {
  const auto error = [](const char* text) { return test::error_of([&] { parse_labels(text, "l.json"); }); };
  CHECK(test::says(error(""), ErrorCode::bad_file, "l.json"));
  CHECK(test::says(error("[1, 2]"), ErrorCode::bad_file, "[0] must be the name of a class"));
  CHECK(test::says(error(R"({"cat": "dog"})"), ErrorCode::bad_file, "the number of a class"));
  CHECK(test::says(error(R"({"cat": -1})"), ErrorCode::bad_file, "not -1"));
  CHECK(test::says(error(R"({"cat": 99999999999})"), ErrorCode::bad_file, "not 99999999999"));
  CHECK(test::says(error("[\"cat\""), ErrorCode::bad_file, "not valid JSON"));
}

}  // namespace
}  // namespace onnxray::cli
