#include "backends/onednn/packed_constants.h"

#include <array>

#include "backends/onednn/dnnl_call.h"
#include "tests/catch.h"

namespace onnxray::onednn {
namespace {

TEST_CASE("a constant is packed once for all that want it in one order") {
  const std::array<float, 6> w{1, 2, 3, 4, 5, 6};
  Context context;
  int packings = 0;
  const auto pack = [&](const Strides& plain, const Strides& packed,
                        PackedConstants::Arrangement arrangement) {
    const PackedConstants::Wanted wanted{reinterpret_cast<const std::byte*>(w.data()),
                                         describe({2, 3}, plain), describe({2, 3}, packed), arrangement};
    return context.constants->get(wanted, context.engine, context.stream, [&] {
      ++packings;
      return w.data();
    });
  };
  using Arrangement = PackedConstants::Arrangement;
  const auto first = pack({3, 1}, {1, 2}, Arrangement::as_it_lies),
             again = pack({3, 1}, {1, 2}, Arrangement::as_it_lies);
  CHECK(packings == 1);
  CHECK(first.get_data_handle() == again.get_data_handle());
  const auto* data = static_cast<const float*>(first.get_data_handle());
  CHECK(std::vector<float>(data, data + 6) == std::vector<float>{1, 4, 2, 5, 3, 6});
  pack({1, 2}, {3, 1}, Arrangement::as_it_lies);
  pack({3, 1}, {1, 2}, Arrangement::rotated);
  CHECK(packings == 3);
}

}  // namespace
}  // namespace onnxray::onednn
