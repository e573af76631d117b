#include "core/arena.h"

#include "tests/catch.h"

namespace onnxray {
namespace {

TEST_CASE("lives that do not meet share memory") {
  std::vector<Life> lives{{100, 0, 1, 0}, {100, 2, 3, 0}};
  CHECK(pack_arena(lives) == 128);
  CHECK(lives[0].offset == lives[1].offset);
}

TEST_CASE("lives that meet in one step do not overlap") {
  std::vector<Life> lives{{100, 0, 2, 0}, {300, 2, 3, 0}, {64, 1, 2, 0}, {10, 0, 3, 0}};
  const int64_t size = pack_arena(lives);
  for (size_t i = 0; i < lives.size(); ++i) {
    CHECK(lives[i].offset % 64 == 0);
    CHECK(lives[i].offset + lives[i].bytes <= size);
    for (size_t j = 0; j < i; ++j) {
      const bool meet = lives[i].first <= lives[j].last && lives[j].first <= lives[i].last;
      const bool overlap = lives[i].offset < lives[j].offset + lives[j].bytes &&
                           lives[j].offset < lives[i].offset + lives[i].bytes;
      CHECK_FALSE((meet && overlap));
    }
  }
}

TEST_CASE("a chain of equal buffers needs two of them") {
  std::vector<Life> lives;
  for (int64_t i = 0; i < 50; ++i) lives.push_back({640, i, i + 1, 0});
  CHECK(pack_arena(lives) == 2 * 640);
}

}  // namespace
}  // namespace onnxray
