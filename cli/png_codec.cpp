#include "cli/png_codec.h"

#include <png.h>

#include <algorithm>
#include <cstring>

#include "cli/exif.h"
#include "core/fail.h"

namespace onnxray::cli {
namespace {

constexpr size_t kSignatureSize = 8;
constexpr size_t kDeflateRatio = 1032;  // no deflate stream expands further
constexpr size_t kMaxSide = 1 << 20;

/// libpng's structures and what its callbacks need. libpng leaves an error by longjmp, which skips
/// destructors; so everything that owns memory lives here, outside of the guarded part.
struct PngReader {
  explicit PngReader(std::span<const uint8_t> file) : input(file) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png != nullptr) info = png_create_info_struct(png);
    require(info != nullptr, ErrorCode::failed, "libpng cannot start");
    png_set_read_fn(png, this, on_read);
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  static void on_error(png_structp png, png_const_charp text) {
    auto* self = static_cast<PngReader*>(png_get_error_ptr(png));
    std::strncpy(self->message, text, sizeof(self->message) - 1);
    png_longjmp(png, 1);
  }

  static void on_read(png_structp png, png_bytep out, size_t count) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->input.size()) png_error(png, "the file is cut short");
    std::copy_n(self->input.data(), count, out);
    self->input = self->input.subspan(count);
  }

  std::span<const uint8_t> input;
  png_structp png = nullptr;
  png_infop info = nullptr;
  char message[100] = "";
  Bytes pixels;
  std::vector<png_bytep> rows;
};

/// Calls `step`, which must own nothing, and turns a jump out of libpng into an Error.
template <class Step>
void guarded(PngReader& reader, const std::string& name, Step step) {
  if (setjmp(png_jmpbuf(reader.png)) == 0) {
    step(reader.png, reader.info);
    return;
  }
  fail(ErrorCode::bad_file, "'{}' is not a readable PNG file: {}", name, reader.message);
}

/// Asks libpng for 8 bits per channel, and for an alpha channel wherever there is transparency.
void request_eight_bits(png_structp png, png_infop info) {
  png_read_info(png, info);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

/// EXIF data may stand before the rows or behind them: ask when all has been read.
int orientation_of(const PngReader& reader) {
  png_uint_32 size = 0;
  png_bytep block = nullptr;
  png_get_eXIf_1(reader.png, reader.info, &size, &block);
  return block == nullptr ? 1 : exif_orientation({block, size});
}

/// `channels` of them without the alpha that may follow them.
Image composited_on_white(const Bytes& pixels, int64_t height, int64_t width, int64_t stored) {
  const int64_t channels = stored <= 2 ? 1 : 3;
  Image image(height, width, channels);
  for (int64_t i = 0; i < height * width; ++i) {
    const uint8_t* from = pixels.data() + i * stored;
    const int alpha = stored > channels ? from[channels] : 255;
    for (int64_t c = 0; c < channels; ++c) {
      image.pixels[static_cast<size_t>(i * channels + c)] =
          static_cast<uint8_t>((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
  return image;
}

}  // namespace

bool is_png(std::span<const uint8_t> bytes) {
  return bytes.size() >= kSignatureSize && png_sig_cmp(bytes.data(), 0, kSignatureSize) == 0;
}

Image decode_png(std::span<const uint8_t> bytes, const std::string& name) {
  PngReader reader(bytes);
  guarded(reader, name, request_eight_bits);
  const size_t height = png_get_image_height(reader.png, reader.info);
  const size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  // Eight pixels of one bit become eight bytes: the ratio grows by as much.
  const bool plausible = height <= kMaxSide && row_bytes / 8 <= kDeflateRatio * bytes.size() / height;
  require(plausible, ErrorCode::bad_file, "'{}' is not a readable PNG file: it is too small for its {} rows",
          name, height);
  check_size_of_picture(height, png_get_image_width(reader.png, reader.info), bytes.size(), name);
  reader.pixels.resize(height * row_bytes);
  for (size_t y = 0; y < height; ++y) reader.rows.push_back(reader.pixels.data() + y * row_bytes);
  guarded(reader, name, [&reader](png_structp png, png_infop info) {
    png_read_image(png, reader.rows.data());
    png_read_end(png, info);
  });
  Image image = composited_on_white(reader.pixels, static_cast<int64_t>(height),
                                    png_get_image_width(reader.png, reader.info),
                                    png_get_channels(reader.png, reader.info));
  return as_seen(std::move(image), orientation_of(reader), name);
}

Bytes encode_png(const Image& image) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  Bytes bytes(PNG_IMAGE_PNG_SIZE_MAX(header));
  size_t size = bytes.size();
  const bool done =
      png_image_write_to_memory(&header, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) != 0;
  require(done, ErrorCode::failed, "cannot encode a picture of {} x {}: {}", image.height, image.width,
          header.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace onnxray::cli
