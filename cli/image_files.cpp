#include <png.h>

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs size_t and FILE before it
#include <cstring>

#include <jpeglib.h>

#include "cli/image.h"
#include "cli/npy.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 28;

Image read_png(const std::vector<std::byte>& bytes, const std::string& what) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  require(png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) != 0, ErrorCode::bad_file, "{}: {}", what, png.message);
  const bool color = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
  png.format = color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Image image{png.height, png.width, color ? 3 : 1, {}};
  if (image.height * image.width > kMaxPixels) {
    png_image_free(&png);
    fail(ErrorCode::bad_file, "{}: {}x{} pixels are too many", what, image.width, image.height);
  }
  image.pixels.resize(PNG_IMAGE_SIZE(png));
  const png_color white{255, 255, 255};
  require(png_image_finish_read(&png, &white, image.pixels.data(), 0, nullptr) != 0, ErrorCode::bad_file, "{}: {}", what, png.message);
  return image;
}

struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

void on_jpeg_error(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

/// libjpeg reports errors by longjmp, which must not cross an object with a destructor: everything that owns memory
/// belongs to the caller. Returns whether `image` was read; then the message is in `errors`.
bool decode_jpeg(const std::byte* bytes, size_t size, Image& image, JpegErrors& errors) {
  jpeg_decompress_struct jpeg;
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_jpeg_error;
  errors.manager.output_message = [](j_common_ptr) {};
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes), static_cast<unsigned long>(size));
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&jpeg);
  image.height = jpeg.output_height;
  image.width = jpeg.output_width;
  image.channels = jpeg.output_components;
  if (image.height * image.width > kMaxPixels) {
    std::strcpy(errors.message, "too many pixels");
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  image.pixels.resize(static_cast<size_t>(image.height * image.width * image.channels));
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = image.pixels.data() + static_cast<size_t>(jpeg.output_scanline) * static_cast<size_t>(image.width * image.channels);
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return true;
}

}  // namespace

Image read_image(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  const auto starts_with = [&](std::string_view magic) { return bytes.size() > magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0; };
  if (starts_with("\x89PNG")) return read_png(bytes, path.string());
  require(starts_with("\xff\xd8"), ErrorCode::bad_file, "{} is neither a PNG nor a JPEG image", path.string());
  Image image;
  JpegErrors errors{};
  require(decode_jpeg(bytes.data(), bytes.size(), image, errors), ErrorCode::bad_file, "{}: {}", path.string(), std::string(errors.message));
  return image;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  require(png_image_write_to_file(&png, path.c_str(), 0, image.pixels.data(), 0, nullptr) != 0, ErrorCode::failed, "cannot write '{}': {}",
          path.string(), png.message);
}

}  // namespace onnxray::cli
