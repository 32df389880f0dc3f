/* Plays a webcam and a CAN bus to the process that it is preloaded into, with the kernel's own structures.
 *   gcc -shared -fPIC -o play-devices.so play-devices.c -lpthread */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refuse(int code) {
  errno = code;
  return -1;
}

static int is_video(int file, const char *name) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  const char *last = strrchr(path, '/');
  return last != NULL && strcmp(last + 1, name) == 0;
}

static int capability(int file, struct v4l2_capability *capability) {
  memset(capability, 0, sizeof *capability);
  strcpy((char *)capability->driver, "played");
  strcpy((char *)capability->card, "Played camera");
  strcpy((char *)capability->bus_info, "usb-played-1");
  capability->version = (6 << 16) | (12 << 8) | 34;
  capability->device_caps = V4L2_CAP_STREAMING;
  capability->device_caps |= is_video(file, "video10") ? V4L2_CAP_VIDEO_CAPTURE : V4L2_CAP_META_CAPTURE;
  capability->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_META_CAPTURE | V4L2_CAP_DEVICE_CAPS;
  return 0;
}

static int format(struct v4l2_fmtdesc *format) {
  if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || format->index > 1) return refuse(EINVAL);
  format->pixelformat = format->index == 0 ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
  format->flags = format->index == 0 ? 0 : V4L2_FMT_FLAG_COMPRESSED;
  strcpy((char *)format->description, format->index == 0 ? "YUYV 4:2:2" : "Motion-JPEG");
  return 0;
}

static int frame_size(struct v4l2_frmsizeenum *size) {
  unsigned count = size->pixel_format == V4L2_PIX_FMT_YUYV ? 1 : size->pixel_format == V4L2_PIX_FMT_MJPEG ? 3 : 0;
  if (size->index >= count) return refuse(EINVAL);
  size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
  size->discrete.width = 640 * (size->index + 1);
  size->discrete.height = 480 * (size->index + 1);
  return 0;
}

int ioctl(int file, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  switch (request) {
    case VIDIOC_QUERYCAP: return capability(file, argument);
    case VIDIOC_ENUM_FMT: return format(argument);
    case VIDIOC_ENUM_FRAMESIZES: return frame_size(argument);
  }
  int (*real)(int, unsigned long, void *) = dlsym(RTLD_NEXT, "ioctl");
  return real(file, request, argument);
}

/* The socket of the other process and the bus's own end of it. */
static int pair[2] = {-1, -1};
static struct can_filter filter;

static void say(canid_t id, int length, const char *data) {
  struct can_frame frame = {.can_id = id, .can_dlc = (__u8)length};
  memcpy(frame.data, data, (size_t)length);
  if ((id & filter.can_mask) == filter.can_id && write(pair[1], &frame, sizeof frame) < 0) perror("play-devices");
}

static void *nodes(void *unused) {
  struct can_frame frame;
  if (read(pair[1], &frame, sizeof frame) != (ssize_t)sizeof frame) return unused;
  if (frame.can_id != 0x3f0 || frame.can_dlc != 1 || frame.data[0] != 0) return unused;
  say(0x105, 8, "\x20\xff\xff\xff\xff\xff\xff\x01");
  say(0x3f1, 8, "\x20\x11\x22\x33\x44\x55\x66\x01");
  say(0x3f1, 8, "\x20\xaa\xbb\xcc\xdd\xee\xff\x11");
  return unused;
}

int socket(int family, int type, int protocol) {
  int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");
  if (family != AF_CAN) return real(family, type, protocol);
  if (type != (SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC) || protocol != CAN_RAW) return refuse(EINVAL);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return -1;
  return fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0 ? pair[0] : -1;
}

int setsockopt(int file, int level, int name, const void *value, socklen_t length) {
  int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
  if (level != SOL_CAN_RAW) return real(file, level, name, value, length);
  if (file != pair[0] || name != CAN_RAW_FILTER || length != sizeof filter) return refuse(EINVAL);
  memcpy(&filter, value, sizeof filter);
  return 0;
}

int bind(int file, const struct sockaddr *address, socklen_t length) {
  int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
  if (address->sa_family != AF_CAN) return real(file, address, length);
  const struct sockaddr_can *can = (const struct sockaddr_can *)address;
  if (file != pair[0] || length < sizeof *can || can->can_ifindex != 3) return refuse(ENODEV);
  pthread_t thread;
  return pthread_create(&thread, NULL, nodes, NULL) == 0 ? pthread_detach(thread) : refuse(EAGAIN);
}
