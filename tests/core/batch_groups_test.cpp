#include "core/batch_groups.h"

#include "core/builder.h"
#include "tests/catch.h"

namespace onnxray {

namespace {

constexpr int64_t kMegabyte = 1 << 20;

PlanOptions with_cache(int64_t megabytes, int64_t least = 2) {
  PlanOptions options;
  options.cache_bytes = megabytes * kMegabyte;
  options.least_group = least;
  return options;
}

/// A chain of elementwise steps over `samples` rows of `width` floats: exponentials, which do not fuse into
/// one step before the optimiser runs.
Plan chain(int64_t samples, int64_t width, const PlanOptions& options) {
  Program program;
  Builder b(program);
  Var x = b.input("x", {samples, width}, DType::f32);
  for (int i = 0; i < 8; ++i) x = b.exp(x);
  b.output("y", x);
  return make_plan(std::move(program), options);
}

/// One product with a `width` x `width` matrix.
Plan product(int64_t samples, int64_t width, const PlanOptions& options) {
  Program program;
  Builder b(program);
  const Var x = b.input("x", {samples, width}, DType::f32);
  b.output("y", b.matmul(x, b.constant(Tensor(DType::f32, {width, width}))));
  return make_plan(std::move(program), options);
}

}  // namespace

TEST_CASE("a batch stays whole where no cache is known") {
  CHECK(samples_per_group(chain(8, kMegabyte, {}), 8) == 8);
}

TEST_CASE("a batch whose steps leave the cache is split so that they stay in it") {
  // Operand and result are 8 MB per sample: two samples fit 20 MB, four do not.
  CHECK(samples_per_group(chain(8, kMegabyte, with_cache(20)), 8) == 2);
  // Where one does not fit either, fewer cost no less time but less memory.
  CHECK(samples_per_group(chain(8, 8 * kMegabyte, with_cache(20)), 8) == 2);
}

TEST_CASE("small samples stay together, for every group starts its steps again") {
  CHECK(samples_per_group(chain(32, 100, with_cache(20)), 32) == 32);
}

TEST_CASE("large weights keep a batch together, for every group reads them again") {
  CHECK(samples_per_group(product(8, 4096, with_cache(20)), 8) == 8);
}

TEST_CASE("groups are equal where the batch can be divided, and busy for all threads") {
  CHECK(samples_per_group(chain(9, kMegabyte, with_cache(20)), 9) == 3);
  CHECK(samples_per_group(chain(7, kMegabyte, with_cache(20)), 7) == 2);
  CHECK(samples_per_group(chain(8, kMegabyte, with_cache(20, 4)), 8) == 4);
  CHECK(samples_per_group(chain(2, kMegabyte, with_cache(20, 4)), 2) == 2);
}

}  // namespace onnxray
