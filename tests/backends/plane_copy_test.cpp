#include "backends/onednn/plane_copy.h"

#include <numeric>
#include <vector>

#include "tests/catch.h"

namespace onnxray::onednn {

namespace {

/// Copies into a field of -1, and says whether exactly the plane arrived.
template <class E>
bool copies(const Plane& p) {
  std::vector<E> src(static_cast<size_t>((p.rows - 1) * p.src_row + (p.n - 1) * p.src_step + 1));
  std::iota(src.begin(), src.end(), E{1});
  std::vector<E> dst(static_cast<size_t>(p.rows * p.dst_row) + 20, static_cast<E>(-1)), expected = dst;
  copy_plane(dst.data(), src.data(), p);
  for (int64_t r = 0; r < p.rows; ++r) {
    for (int64_t i = 0; i < p.n; ++i)
      expected[static_cast<size_t>(r * p.dst_row + i)] =
          src[static_cast<size_t>(r * p.src_row + i * p.src_step)];
  }
  return dst == expected;
}

}  // namespace

TEST_CASE("a plane is copied whatever its sides, and nothing beside it is written") {
  for (int64_t rows = 1; rows <= 35; ++rows) {
    for (int64_t n = 1; n <= 35; ++n) {
      for (const int64_t gap : {0, 3}) {
        const Plane turned{rows, n, n + gap, 1, rows}, apart{rows, n, n + gap, 1, rows + 2},
            as_it_lies{rows, n, n + gap, n + 1, 1}, repeated{rows, n, n + gap, 2, 0},
            strided{rows, n, n + gap, 3 * n, 2};
        for (const Plane& p : {turned, apart, as_it_lies, repeated, strided}) {
          INFO(rows << " x " << n << ", gap " << gap << ", source " << p.src_row << ", " << p.src_step);
          REQUIRE(copies<float>(p));
          REQUIRE(copies<int64_t>(p));
          REQUIRE(copies<uint8_t>(p));
        }
      }
    }
  }
}

}  // namespace onnxray::onednn
