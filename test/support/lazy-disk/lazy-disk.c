// Preloaded into the programs of a test: a disk below one folder that writes late, loses its power, or is full.
//
// Every change below LAZY_DISK_ROOT is counted and logged. At the count `cut_at` the power fails: each program ends at its
// next change. Then lazy-disk.ts takes back what no sync has made durable. From the count `full_at` on the disk is full.
// Syncs are logged, not done: so many of them would take minutes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/** What all programs of a test share; lazy-disk.ts has the same layout. */
struct state {
  _Atomic long count, cut_at, full_at, is_cut, is_full;
};

static struct state *state;
static char root[PATH_MAX], log_file[PATH_MAX], stash[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static pid_t log_owner;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void load(void) {
  const char *folder = getenv("LAZY_DISK"), *place = getenv("LAZY_DISK_ROOT");
  if (!folder || !place) return;
  char file[PATH_MAX];
  snprintf(file, sizeof file, "%s/state", folder);
  snprintf(log_file, sizeof log_file, "%s/log", folder);
  snprintf(stash, sizeof stash, "%s/stash", folder);
  int fd = REAL(open)(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *shared = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  REAL(close)(fd);
  if (shared == MAP_FAILED) return;
  state = shared;
  snprintf(root, sizeof root, "%s", place);
  root_length = strlen(root);
}

/** Makes a path absolute, without `.` and `..`; whether it is below the folder. */
static int inside(int folder, const char *path, char out[PATH_MAX]) {
  if (!root_length || !path || !*path) return 0;
  int saved = errno;
  char joined[2 * PATH_MAX], base[PATH_MAX] = "";
  if (*path != '/') {
    char link[64];
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, base, sizeof base - 1);
    base[length < 0 ? 0 : length] = 0;
  }
  snprintf(joined, sizeof joined, "%s/%s", base, path);
  size_t length = 0;
  char *rest = NULL;
  for (char *part = strtok_r(joined, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
    if (!strcmp(part, ".")) continue;
    if (!strcmp(part, "..")) {
      while (length && out[--length] != '/') {}
      continue;
    }
    size_t size = strlen(part);
    if (length + size + 2 > PATH_MAX) break;
    out[length++] = '/';
    memcpy(out + length, part, size);
    length += size;
  }
  out[length] = 0;
  errno = saved;
  return !strncmp(out, root, root_length) && (out[root_length] == '/' || !out[root_length]);
}

/** Whether an open file, or folder, is below the folder. */
static int is_inside(int fd, struct stat *facts) {
  if (!root_length || fd < 0) return 0;
  int saved = errno;
  char link[64], path[PATH_MAX];
  int yes = 0;
  if (!fstat(fd, facts) && (S_ISREG(facts->st_mode) || S_ISDIR(facts->st_mode))) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    yes = !strncmp(path, root, root_length) && path[root_length] == '/';
  }
  errno = saved;
  return yes;
}

static void end(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/** Waits for the changes of all other threads and programs, and counts one. */
static void enter(void) {
  pthread_mutex_lock(&mutex);
  // A process that has only been forked shares the lock of its parent.
  if (log_owner != getpid()) {
    int fd = REAL(open)(log_file, O_WRONLY | O_APPEND | O_CLOEXEC);
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    REAL(close)(fd);
    log_owner = getpid();
  }
  flock(log_fd, LOCK_EX);
  if (state->is_cut) end();
  long count = ++state->count;
  if (state->cut_at && count >= state->cut_at) {
    state->is_cut = 1;
    end();
  }
  if (state->full_at && count >= state->full_at) state->is_full = 1;
}

static void leave(void) {
  int saved = errno;
  flock(log_fd, LOCK_UN);
  pthread_mutex_unlock(&mutex);
  errno = saved;
}

/** Whether there is no space; `enter` has been called. */
static int is_full(void) {
  if (state->is_full) errno = ENOSPC;
  return state->is_full != 0;
}

/** Writes a line of the log: a letter and up to three texts. */
static void record(char what, const char *a, const char *b, const char *c) {
  int saved = errno;
  char line[3 * PATH_MAX + 8];
  int length = snprintf(line, sizeof line, "%c\1%s\1%s\1%s\2", what, a ? a : "", b ? b : "", c ? c : "");
  if (REAL(write)(log_fd, line, length) != length) abort();
  errno = saved;
}

static void record_number(char what, unsigned long long a, unsigned long long b) {
  char first[24], second[24];
  snprintf(first, sizeof first, "%llu", a);
  snprintf(second, sizeof second, "%llu", b);
  record(what, first, second, NULL);
}

/** Keeps a file that is about to lose its name; '' where there is none. */
static void keep(const char *path, char kept[PATH_MAX]) {
  int saved = errno;
  struct stat facts;
  kept[0] = 0;
  if (!lstat(path, &facts) && !S_ISDIR(facts.st_mode)) {
    if (snprintf(kept, PATH_MAX, "%s/%ld", stash, (long)state->count) >= PATH_MAX) abort();
    if (REAL(linkat)(AT_FDCWD, path, AT_FDCWD, kept, 0)) kept[0] = 0;
  }
  errno = saved;
}

static int exists(const char *path) {
  int saved = errno;
  struct stat facts;
  int yes = !lstat(path, &facts);
  errno = saved;
  return yes;
}

// Opening files.

static void opened(int fd, const char *path, int flags, int existed) {
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) || !S_ISREG(facts.st_mode)) return;
  if (!existed) record('C', path, NULL, NULL);
  if (flags & O_TRUNC) record_number('T', facts.st_ino, 0);
  record_number('W', facts.st_ino, 0);
}

static int open_any(const char *name, int folder, const char *path, int flags, mode_t mode) {
  int (*call)(int, const char *, int, ...) = real(name);
  char full[PATH_MAX];
  int is_change = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
  if (!is_change || !inside(folder, path, full)) return call(folder, path, flags, mode);
  enter();
  int existed = exists(full);
  int fd = !existed && flags & O_CREAT && is_full() ? -1 : call(folder, path, flags, mode);
  opened(fd, full, flags, existed);
  leave();
  return fd;
}

#define MODE(flags)                                   \
  mode_t mode = 0;                                    \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {            \
    va_list list;                                     \
    va_start(list, flags);                            \
    mode = va_arg(list, mode_t);                      \
    va_end(list);                                     \
  }

int open(const char *path, int flags, ...) { MODE(flags) return open_any("openat", AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_any("openat64", AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return open_any("openat", folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return open_any("openat64", folder, path, flags, mode); }
int __open_2(const char *path, int flags) { return open_any("openat", AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_any("openat64", AT_FDCWD, path, flags, 0); }
int __openat_2(int folder, const char *path, int flags) { return open_any("openat", folder, path, flags, 0); }
int __openat64_2(int folder, const char *path, int flags) { return open_any("openat64", folder, path, flags, 0); }
int creat(const char *path, mode_t mode) { return open_any("openat", AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_any("openat64", AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static FILE *fopen_any(const char *name, const char *path, const char *mode) {
  FILE *(*call)(const char *, const char *) = real(name);
  char full[PATH_MAX];
  if (!strpbrk(mode, "wa+") || !inside(AT_FDCWD, path, full)) return call(path, mode);
  enter();
  int existed = exists(full);
  FILE *file = !existed && is_full() ? NULL : call(path, mode);
  if (file) opened(fileno(file), full, *mode == 'w' ? O_TRUNC : 0, existed);
  leave();
  return file;
}
FILE *fopen(const char *path, const char *mode) { return fopen_any("fopen", path, mode); }
FILE *fopen64(const char *path, const char *mode) { return fopen_any("fopen64", path, mode); }

// Content.

/** Runs a change of an open file; `fd` and `result` are names in the caller. */
#define CONTENT(type, fd, call)                       \
  struct stat facts;                                  \
  if (!is_inside(fd, &facts)) return call;            \
  enter();                                            \
  type result = is_full() ? -1 : call;                \
  if (result >= 0) record_number('W', facts.st_ino, 0); \
  leave();                                            \
  return result;

ssize_t write(int fd, const void *data, size_t size) { CONTENT(ssize_t, fd, REAL(write)(fd, data, size)) }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { CONTENT(ssize_t, fd, REAL(pwrite)(fd, data, size, at)) }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { CONTENT(ssize_t, fd, REAL(pwrite64)(fd, data, size, at)) }
ssize_t writev(int fd, const struct iovec *parts, int count) { CONTENT(ssize_t, fd, REAL(writev)(fd, parts, count)) }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { CONTENT(ssize_t, fd, REAL(pwritev)(fd, parts, count, at)) }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { CONTENT(ssize_t, fd, REAL(pwritev64)(fd, parts, count, at)) }
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *where, size_t size, unsigned flags) {
  CONTENT(ssize_t, to, REAL(copy_file_range)(from, at, to, where, size, flags))
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) {
  ssize_t (*call)(int, int, off_t *, size_t) = real("sendfile");
  CONTENT(ssize_t, to, call(to, from, at, size))
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
  ssize_t (*call)(int, int, off64_t *, size_t) = real("sendfile64");
  CONTENT(ssize_t, to, call(to, from, at, size))
}

static int truncate_any(const char *name, int fd, off64_t size) {
  int (*call)(int, off64_t) = real(name);
  struct stat facts;
  if (!is_inside(fd, &facts)) return call(fd, size);
  enter();
  int result = size > facts.st_size && is_full() ? -1 : call(fd, size);
  if (!result) record_number('T', facts.st_ino, size);
  leave();
  return result;
}
int ftruncate(int fd, off_t size) { return truncate_any("ftruncate", fd, size); }
int ftruncate64(int fd, off64_t size) { return truncate_any("ftruncate64", fd, size); }

// Syncs.

static int sync_one(const char *name, int fd) {
  struct stat facts;
  if (!is_inside(fd, &facts)) return ((int (*)(int))real(name))(fd);
  enter();
  record_number(S_ISDIR(facts.st_mode) ? 'F' : 'S', facts.st_ino, facts.st_size);
  leave();
  return 0;
}
int fsync(int fd) { return sync_one("fsync", fd); }
int fdatasync(int fd) { return sync_one("fdatasync", fd); }

int syncfs(int fd) {
  struct stat facts;
  if (!is_inside(fd, &facts)) return REAL(syncfs)(fd);
  enter();
  record('A', NULL, NULL, NULL);
  leave();
  return 0;
}
void sync(void) {
  if (!root_length) return REAL(sync)();
  enter();
  record('A', NULL, NULL, NULL);
  leave();
}

// Names.

static int rename_any(int a, const char *from, int b, const char *to, unsigned flags) {
  int (*call)(int, const char *, int, const char *, unsigned) = real("renameat2");
  char old[PATH_MAX], new[PATH_MAX], kept[PATH_MAX] = "";
  int is_ours = inside(a, from, old);
  if (!inside(b, to, new) || !is_ours) return call(a, from, b, to, flags);
  enter();
  if (!(flags & RENAME_EXCHANGE)) keep(new, kept);
  int result = call(a, from, b, to, flags);
  if (!result) record(flags & RENAME_EXCHANGE ? 'X' : 'R', old, new, kept);
  leave();
  return result;
}
int rename(const char *from, const char *to) { return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return rename_any(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return rename_any(a, from, b, to, flags); }

int unlinkat(int folder, const char *path, int flags) {
  char full[PATH_MAX], kept[PATH_MAX] = "";
  if (!inside(folder, path, full)) return REAL(unlinkat)(folder, path, flags);
  enter();
  struct stat facts = {0};
  lstat(full, &facts);
  if (!(flags & AT_REMOVEDIR)) keep(full, kept);
  int result = REAL(unlinkat)(folder, path, flags);
  char mode[8];
  snprintf(mode, sizeof mode, "%o", facts.st_mode & 07777);
  if (!result) record(flags & AT_REMOVEDIR ? 'Z' : 'U', full, flags & AT_REMOVEDIR ? mode : kept, NULL);
  leave();
  return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
  struct stat facts;
  return unlinkat(AT_FDCWD, path, !lstat(path, &facts) && S_ISDIR(facts.st_mode) ? AT_REMOVEDIR : 0);
}

/** Runs a call that creates a name; `full` is a name in the caller. */
#define CREATION(folder, path, call)                  \
  char full[PATH_MAX];                                \
  if (!inside(folder, path, full)) return call;       \
  enter();                                            \
  int result = is_full() ? -1 : call;                 \
  if (!result) record('C', full, NULL, NULL);         \
  leave();                                            \
  return result;

int mkdirat(int folder, const char *path, mode_t mode) { CREATION(folder, path, REAL(mkdirat)(folder, path, mode)) }
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
int symlinkat(const char *to, int folder, const char *path) { CREATION(folder, path, REAL(symlinkat)(to, folder, path)) }
int symlink(const char *to, const char *path) { return symlinkat(to, AT_FDCWD, path); }
int linkat(int a, const char *from, int b, const char *path, int flags) {
  CREATION(b, path, REAL(linkat)(a, from, b, path, flags))
}
int link(const char *from, const char *path) { return linkat(AT_FDCWD, from, AT_FDCWD, path, 0); }

char *mkdtemp(char *pattern) {
  char full[PATH_MAX];
  char *made = REAL(mkdtemp)(pattern);
  if (!made || !inside(AT_FDCWD, made, full)) return made;
  enter();
  record('C', full, NULL, NULL);
  leave();
  return made;
}
int mkstemp64(char *pattern) {
  char full[PATH_MAX];
  int fd = REAL(mkstemp64)(pattern);
  if (fd < 0 || !inside(AT_FDCWD, pattern, full)) return fd;
  enter();
  opened(fd, full, 0, 0);
  leave();
  return fd;
}
int mkstemp(char *pattern) { return mkstemp64(pattern); }
