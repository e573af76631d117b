#include "cli/csv.h"

#include "core/error.h"
#include "tests/catch.h"

namespace onnxray::cli {
namespace {

TEST_CASE("tables are read whatever parts their columns, with a header or without") {
  for (const char* text : {"1,2\n3,4\n", "a;b\n1;2\n3;4", "1\t2\r\n3\t4\r\n", "1 2\n\n3 4\n"}) {
    const Tensor t = decode_csv(text, "test");
    CHECK(t.shape() == Shape{2, 2});
    CHECK(t.to_doubles() == std::vector<double>{1, 2, 3, 4});
  }
}

TEST_CASE("where commas do not part fields they are decimal") {
  for (const char* text : {"a;b\n1,5;2\n-3;4,25e1\n", "1,5\t2\n-3\t4,25e1\n"})
    CHECK(decode_csv(text, "test").to_doubles() == std::vector<double>{1.5, 2, -3, 42.5});
  CHECK_THROWS_AS(decode_csv("1,5,2;3\n", "test"), Error);
}

TEST_CASE("columns are chosen by their names, their numbers or ranges") {
  const char* beats = "time,lead I,lead II,rest\n2020-01-01 00:00,1,2,a\n2020-01-01 00:01,3,4,b\n";
  const auto chosen = [&](const std::string& columns) {
    return decode_csv(beats, "beat.csv", columns).to_doubles();
  };
  CHECK(chosen("lead I,lead II") == std::vector<double>{1, 2, 3, 4});
  CHECK(chosen("2,1") == std::vector<double>{2, 1, 4, 3});
  CHECK(chosen("1:3") == std::vector<double>{1, 2, 3, 4});
  CHECK(chosen("-2") == std::vector<double>{2, 4});
  CHECK(decode_csv("10:30;1,5\n10:31;2\n", "t", "1:").to_doubles() == std::vector<double>{1.5, 2});
  CHECK_THROWS_WITH(decode_csv(beats, "beat.csv"), Catch::Contains("--columns"));
  CHECK_THROWS_WITH(chosen("lead X"), Catch::Contains("lead I, lead II"));
  CHECK_THROWS_WITH(chosen("7"), Catch::Contains("no column"));
}

TEST_CASE("an error in a table names its line") {
  CHECK_THROWS_WITH(decode_csv("1,2\n3,x\n", "beat.csv"),
                    Catch::Contains("beat.csv") && Catch::Contains("2"));
  CHECK_THROWS_WITH(decode_csv("1,2\n3,4\n5\n", "beat.csv"), Catch::Contains("3"));
  CHECK_THROWS_AS(decode_csv("", "beat.csv"), Error);
}

}  // namespace
}  // namespace onnxray::cli
