#include "core/growth_budget.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

TEST_CASE("a file may grow by 64 times its size, and by a gigabyte at least") {
  CHECK(GrowthBudget::of_file(100) == int64_t{1} << 30);
  CHECK(GrowthBudget::of_file(int64_t{1} << 30) == int64_t{1} << 36);
}

TEST_CASE("what is spent is gone, and what is more than left is refused with the figures") {
  GrowthBudget budget(10 << 20);
  budget.spend(3, 1 << 20, "a");
  const Error error = error_of([&] { budget.spend(8, 1 << 20, "a table"); });
  CHECK(says(error, ErrorCode::unsupported, "a table would take 8 MB; of the 10 MB"));
  CHECK(says(error, ErrorCode::unsupported, "7 MB are left"));
  budget.spend(7, 1 << 20, "what was left");
  CHECK(says(error_of([&] { budget.spend(1, 1, "a byte"); }), ErrorCode::unsupported, "0 MB are left"));
}

TEST_CASE("counts that no integer holds as bytes are refused like others") {
  GrowthBudget budget(1 << 20);
  const int64_t huge = int64_t{1} << 62;
  CHECK(says(error_of([&] { budget.spend(huge, huge, "a"); }), ErrorCode::unsupported, "a would take"));
  CHECK(says(error_of([&] { budget.spend_flops(1e300, "b"); }), ErrorCode::unsupported, "b would take"));
  budget.spend(1 << 20, 1, "all of it");
}

TEST_CASE("what will be spent piece by piece is only compared") {
  GrowthBudget budget(100);
  budget.expect(10, 10, "pieces");
  CHECK(says(error_of([&] { budget.expect(11, 10, "pieces"); }), ErrorCode::unsupported, "pieces"));
  budget.spend(10, 10, "pieces");
}

}  // namespace
}  // namespace onnxray::test
