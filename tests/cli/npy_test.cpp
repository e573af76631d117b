#include "cli/npy.h"

#include "core/error.h"
#include "tests/catch.h"

namespace onnxray::cli {
namespace {

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/// A version 1 file with this header and payload.
Bytes npy(std::string header, const std::string& payload) {
  std::string file("\x93NUMPY\x01\x00", 8);
  header += '\n';
  file += static_cast<char>(header.size() & 255);
  file += static_cast<char>(header.size() >> 8);
  return bytes_of(file + header + payload);
}

TEST_CASE("arrays of every type survive the trip through .npy") {
  for (const DType dtype : {DType::f16, DType::f32, DType::f64, DType::i8, DType::i16, DType::i32, DType::i64,
                            DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean}) {
    const Tensor t = Tensor::of<int64_t>({2, 3}, {0, 1, 2, 3, 5, 7}).to(dtype);
    const Tensor back = decode_npy(encode_npy(t), "test");
    CHECK(back.dtype() == dtype);
    CHECK(back.shape() == t.shape());
    CHECK(back.to_doubles() == t.to_doubles());
  }
  CHECK(decode_npy(encode_npy(Tensor::scalar(2.5)), "test").shape().empty());
}

TEST_CASE("Fortran order is turned into C order") {
  const std::string payload("\x01\x02\x03\x04\x05\x06", 6);  // columns (1 2) (3 4) (5 6)
  const Tensor t =
      decode_npy(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", payload), "test");
  CHECK(t.to_int64s() == std::vector<int64_t>{1, 3, 5, 2, 4, 6});
}

TEST_CASE("a .npy file cut anywhere is refused") {
  const Bytes whole = encode_npy(Tensor::of<float>({3}, {1, 2, 3}));
  for (size_t n = 0; n < whole.size(); ++n)
    CHECK_THROWS_AS(decode_npy(std::span(whole).first(n), "test"), Error);
}

TEST_CASE("a .npy header that promises more than the file holds is refused before anything is allocated") {
  CHECK_THROWS_AS(
      decode_npy(
          npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1099511627776), }", ""),
          "test"),
      Error);
  CHECK_THROWS_AS(
      decode_npy(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,), }", "12345678"), "test"),
      Error);
}

TEST_CASE("big-endian and structured arrays are refused") {
  CHECK_THROWS_AS(
      decode_npy(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "1234"), "test"), Error);
  CHECK_THROWS_AS(
      decode_npy(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"), "test"),
      Error);
}

}  // namespace
}  // namespace onnxray::cli
