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

TEST_CASE("an error in a table names its line") {
  CHECK_THROWS_WITH(decode_csv("1,2\n3,x\n", "beat.csv"),
                    Catch::Contains("beat.csv") && Catch::Contains("2"));
  CHECK_THROWS_WITH(decode_csv("1,2\n3,4\n5\n", "beat.csv"), Catch::Contains("3"));
  CHECK_THROWS_AS(decode_csv("", "beat.csv"), Error);
}

}  // namespace
}  // namespace onnxray::cli
