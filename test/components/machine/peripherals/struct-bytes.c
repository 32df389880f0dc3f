/* Makes struct-bytes.json: the bytes of the kernel's structures, filled as a camera and a CAN node would fill them.
 *   gcc -o struct-bytes struct-bytes.c && ./struct-bytes > struct-bytes.json
 * gcc -m32 -fsyntax-only checks that the sizes are the same where words have 32 bits. */
#include <linux/can.h>
#include <linux/can/raw.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct v4l2_capability) == 104, "v4l2_capability");
_Static_assert(sizeof(struct v4l2_fmtdesc) == 64, "v4l2_fmtdesc");
_Static_assert(sizeof(struct v4l2_frmsizeenum) == 44, "v4l2_frmsizeenum");
_Static_assert(sizeof(struct can_frame) == 16, "can_frame");
_Static_assert(sizeof(struct can_filter) == 8, "can_filter");
_Static_assert(sizeof(struct sockaddr_can) == 24, "sockaddr_can");

static void bytes(const char *name, const void *data, size_t length, const char *end) {
  printf("  \"%s\": \"", name);
  for (size_t i = 0; i < length; i++) printf("%02x", ((const unsigned char *)data)[i]);
  printf("\"%s\n", end);
}

static void frame(const char *name, canid_t id, int length, const char *data) {
  struct can_frame frame = {.can_id = id, .can_dlc = (__u8)length};
  memcpy(frame.data, data, (size_t)length);
  bytes(name, &frame, sizeof frame, ",");
}

int main(void) {
  struct v4l2_capability capability = {
      .driver = "uvcvideo",
      .card = "UVC Camera (046d:0825)",
      .bus_info = "usb-3f980000.usb-1.1",
      .version = (6 << 16) | (1 << 8) | 63,
      .capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_META_CAPTURE | V4L2_CAP_EXT_PIX_FORMAT |
                      V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS,
      .device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_EXT_PIX_FORMAT | V4L2_CAP_STREAMING};
  struct v4l2_capability metadata = capability;
  metadata.device_caps = V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING;
  struct v4l2_capability old = {.driver = "a driver of 16 b", .card = "Kamera \xc3\xa4", .bus_info = "platform:old",
                                .version = (3 << 16) | (2 << 8) | 255,
                                .capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE | V4L2_CAP_RADIO};
  struct v4l2_fmtdesc mjpeg = {.index = 0, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .flags = V4L2_FMT_FLAG_COMPRESSED,
                               .description = "Motion-JPEG", .pixelformat = V4L2_PIX_FMT_MJPEG};
  struct v4l2_fmtdesc grey = {.index = 1, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
                              .flags = V4L2_FMT_FLAG_EMULATED | V4L2_FMT_FLAG_COMPRESSED,
                              .description = "16-bit Greyscale BE", .pixelformat = V4L2_PIX_FMT_Y16_BE};
  struct v4l2_frmsizeenum size = {.index = 1, .pixel_format = V4L2_PIX_FMT_MJPEG, .type = V4L2_FRMSIZE_TYPE_DISCRETE,
                                  .discrete = {.width = 1280, .height = 720}};
  struct v4l2_frmsizeenum range = {.index = 0, .pixel_format = V4L2_PIX_FMT_MJPEG, .type = V4L2_FRMSIZE_TYPE_STEPWISE,
                                   .stepwise = {16, 1920, 2, 16, 1080, 2}};
  struct sockaddr_can address;
  memset(&address, 0, sizeof address);
  address.can_family = AF_CAN;
  address.can_ifindex = 7;
  struct can_filter filter = {.can_id = 0x3f1, .can_mask = CAN_SFF_MASK | CAN_EFF_FLAG | CAN_RTR_FLAG | CAN_ERR_FLAG};

  printf("{\n");
  printf("  \"VIDIOC_QUERYCAP\": %lu,\n", (unsigned long)VIDIOC_QUERYCAP);
  printf("  \"VIDIOC_ENUM_FMT\": %lu,\n", (unsigned long)VIDIOC_ENUM_FMT);
  printf("  \"VIDIOC_ENUM_FRAMESIZES\": %lu,\n", (unsigned long)VIDIOC_ENUM_FRAMESIZES);
  bytes("capability", &capability, sizeof capability, ",");
  bytes("metadataCapability", &metadata, sizeof metadata, ",");
  bytes("oldCapability", &old, sizeof old, ",");
  bytes("mjpeg", &mjpeg, sizeof mjpeg, ",");
  bytes("grey", &grey, sizeof grey, ",");
  bytes("size", &size, sizeof size, ",");
  bytes("range", &range, sizeof range, ",");
  frame("query", 0x3f0, 1, "\x00");
  frame("klipper", 0x3f1, 8, "\x20\x11\xaa\xbb\xcc\xdd\x0e\x01");
  frame("katapult", 0x3f1, 8, "\x20\x00\x01\x02\x03\x04\x05\x11");
  frame("otherProgram", 0x3f1, 8, "\x20\x01\x01\x01\x01\x01\x01\x7f");
  frame("withoutProgram", 0x3f1, 7, "\x20\x02\x02\x02\x02\x02\x02");
  frame("tooShort", 0x3f1, 6, "\x20\x02\x02\x02\x02\x02");
  frame("otherMessage", 0x3f1, 8, "\x21\x11\xaa\xbb\xcc\xdd\x0e\x01");
  frame("otherId", 0x101, 8, "\x20\x11\xaa\xbb\xcc\xdd\x0e\x01");
  frame("extendedId", 0x3f1 | CAN_EFF_FLAG, 8, "\x20\x11\xaa\xbb\xcc\xdd\x0e\x01");
  bytes("filter", &filter, sizeof filter, ",");
  bytes("address", &address, sizeof address, "");
  printf("}\n");
  return 0;
}
