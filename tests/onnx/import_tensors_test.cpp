#include <cstring>

#include "onnx/tensor_proto.h"
#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;
using namespace onnxray::test;

namespace {

onnx::TensorProto proto_of(int type, const Shape& shape) {
  onnx::TensorProto proto;
  proto.set_name("t");
  proto.set_data_type(type);
  for (const int64_t extent : shape) proto.add_dims(extent);
  return proto;
}

Tensor read(const onnx::TensorProto& proto) {
  return tensor_from_proto_bytes(as_bytes(proto.SerializeAsString()));
}

std::string error_text(const onnx::TensorProto& proto) {
  try {
    read(proto);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <class T>
void check_raw(int type, DType dtype, const std::vector<T>& values, const std::vector<double>& expected) {
  auto proto = proto_of(type, {static_cast<int64_t>(values.size())});
  proto.set_raw_data(values.data(), values.size() * sizeof(T));
  const Tensor tensor = read(proto);
  CHECK(tensor.dtype() == dtype);
  CHECK(tensor.to_doubles() == expected);
}

}  // namespace

TEST_CASE("Raw data is read in its own element type", "[onnx]") {
  using T = onnx::TensorProto;
  check_raw<float>(T::FLOAT, DType::f32, {1.5F, -2}, {1.5, -2});
  check_raw<double>(T::DOUBLE, DType::f64, {1e300}, {1e300});
  check_raw<uint16_t>(T::FLOAT16, DType::f16, {0x3e00, 0xc000}, {1.5, -2});
  check_raw<uint16_t>(T::BFLOAT16, DType::bf16, {0x3fc0}, {1.5});
  check_raw<int8_t>(T::INT8, DType::i8, {-1, 2, 3}, {-1, 2, 3});
  check_raw<uint8_t>(T::UINT8, DType::u8, {255}, {255});
  check_raw<int16_t>(T::INT16, DType::i16, {-300}, {-300});
  check_raw<uint16_t>(T::UINT16, DType::u16, {65535}, {65535});
  check_raw<int32_t>(T::INT32, DType::i32, {-70000}, {-70000});
  check_raw<uint32_t>(T::UINT32, DType::u32, {4000000000U}, {4e9});
  check_raw<int64_t>(T::INT64, DType::i64, {int64_t{-1} << 40}, {-1099511627776.0});
  check_raw<uint64_t>(T::UINT64, DType::u64, {7}, {7});
  check_raw<uint8_t>(T::BOOL, DType::boolean, {0, 1, 2}, {0, 1, 1});
}

TEST_CASE("Typed data is read in its own element type", "[onnx]") {
  for (const auto& [type, dtype] :
       std::vector<std::pair<int, DType>>{{onnx::TensorProto::INT8, DType::i8},
                                          {onnx::TensorProto::INT16, DType::i16},
                                          {onnx::TensorProto::INT32, DType::i32}}) {
    auto proto = proto_of(type, {2});
    proto.add_int32_data(-5), proto.add_int32_data(6);
    CHECK(read(proto).dtype() == dtype);
    CHECK(read(proto).to_int64s() == std::vector<int64_t>{-5, 6});
  }
  auto half = proto_of(onnx::TensorProto::FLOAT16, {1});
  half.add_int32_data(0x3e00);
  CHECK(read(half).as_double(0) == 1.5);
  auto flag = proto_of(onnx::TensorProto::BOOL, {1});
  flag.add_int32_data(256);
  CHECK(read(flag).as_int64(0) == 1);
  auto wide = proto_of(onnx::TensorProto::UINT32, {1});
  wide.add_uint64_data(4000000000U);
  CHECK(read(wide).as_int64(0) == 4000000000);
  auto scalar = proto_of(onnx::TensorProto::INT64, {});
  scalar.add_int64_data(3);
  CHECK(read(scalar).shape().empty());
}

TEST_CASE("An empty tensor needs no data", "[onnx]") {
  const Tensor tensor = read(proto_of(onnx::TensorProto::FLOAT, {0, 3}));
  CHECK(tensor.size() == 0);
  CHECK(tensor.shape() == Shape{0, 3});
}

TEST_CASE("Tensors whose data does not fit their shape are errors", "[onnx]") {
  auto proto = proto_of(onnx::TensorProto::FLOAT, {2, 2});
  CHECK(error_text(proto).find("tensor 't' holds 0 values where shape [2,2] needs 4") != std::string::npos);
  proto.set_raw_data("abc");
  CHECK(error_text(proto).find("holds 3 bytes where f32 of shape [2,2] needs 16") != std::string::npos);
  proto.add_float_data(1);
  CHECK(error_text(proto).find("twice") != std::string::npos);
}

TEST_CASE("Absurd shapes are refused before anything is allocated", "[onnx]") {
  constexpr int64_t kHuge = int64_t{1} << 40;
  CHECK(error_text(proto_of(onnx::TensorProto::FLOAT, {kHuge, kHuge})).find("absurd") != std::string::npos);
  CHECK(error_text(proto_of(onnx::TensorProto::FLOAT, {0, INT64_MAX, 3})).find("absurd") !=
        std::string::npos);
  CHECK(error_text(proto_of(onnx::TensorProto::DOUBLE, {kHuge})).find("0 values") != std::string::npos);
  CHECK(error_text(proto_of(onnx::TensorProto::FLOAT, {-1})).find("negative extent") != std::string::npos);
  CHECK(error_text(proto_of(onnx::TensorProto::FLOAT, Shape(100, 1))).find("100 dimensions") !=
        std::string::npos);
}

TEST_CASE("Element types that cannot be held are refused by name", "[onnx]") {
  CHECK(error_text(proto_of(onnx::TensorProto::STRING, {1})).find("STRING") != std::string::npos);
  CHECK(error_text(proto_of(22, {1})).find("INT4") != std::string::npos);
  CHECK(error_text(proto_of(0, {1})).find("unknown element type 0") != std::string::npos);
  CHECK_THROWS_AS(tensor_from_proto_bytes(as_bytes("\xff\xff")), Error);
}
