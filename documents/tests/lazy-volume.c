/* lazy-volume IMAGE FOLDER MILLISECONDS MIB_A_SECOND: the file FOLDER/volume is IMAGE, served as EBS serves a volume that was
   made from a snapshot. The first read of each block of 512 KiB takes that long at least, and all first reads together come
   at no more than that rate. `benchmark` puts a loop device on it. FAIL_AT, a number of bytes in the environment: the block
   there cannot be read. */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (512 * 1024L)

static int image;
static off_t size, fail_at = -1;
static double delay, rate;
/* When the line to S3 is free again, and when each block has come; 0 for one that nobody has asked for. */
static double line_free, *comes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int get_attributes(const char *path, struct stat *s, struct fuse_file_info *info) {
  (void)info;
  memset(s, 0, sizeof *s);
  s->st_nlink = 1;
  if (!strcmp(path, "/")) {
    s->st_mode = S_IFDIR | 0755;
  } else if (!strcmp(path, "/volume")) {
    s->st_mode = S_IFREG | 0600;
    s->st_size = size;
  } else {
    return -ENOENT;
  }
  return 0;
}

static int read_folder(const char *path, void *to, fuse_fill_dir_t fill, off_t from, struct fuse_file_info *info,
                       enum fuse_readdir_flags flags) {
  (void)path, (void)from, (void)info, (void)flags;
  fill(to, "volume", 0, 0, 0);
  return 0;
}

static int open_volume(const char *path, struct fuse_file_info *info) {
  (void)path;
  info->direct_io = 1;
  return 0;
}

/* When all blocks of this range are there. */
static double ready(off_t from, size_t length) {
  double last = 0;
  pthread_mutex_lock(&lock);
  for (long block = from / BLOCK; block * BLOCK < from + (off_t)length && block * BLOCK < size; block++) {
    if (comes[block] == 0) {
      double asked = now();
      if (line_free < asked) line_free = asked;
      line_free += BLOCK / (rate * 1048576);
      comes[block] = asked + delay > line_free ? asked + delay : line_free;
    }
    if (comes[block] > last) last = comes[block];
  }
  pthread_mutex_unlock(&lock);
  return last;
}

static int read_volume(const char *path, char *to, size_t length, off_t from, struct fuse_file_info *info) {
  (void)path, (void)info;
  double wait = ready(from, length) - now();
  if (wait > 0) {
    struct timespec t = {(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
    nanosleep(&t, 0);
  }
  if (fail_at >= 0 && from / BLOCK <= fail_at / BLOCK && fail_at / BLOCK <= (from + (off_t)length - 1) / BLOCK) return -EIO;
  ssize_t got = pread(image, to, length, from);
  return got < 0 ? -errno : got;
}

static int write_volume(const char *path, const char *bytes, size_t length, off_t from, struct fuse_file_info *info) {
  (void)path, (void)info;
  ssize_t got = pwrite(image, bytes, length, from);
  return got < 0 ? -errno : got;
}

static int sync_volume(const char *path, int data_only, struct fuse_file_info *info) {
  (void)path, (void)data_only, (void)info;
  return 0;
}

static void *begin(struct fuse_conn_info *connection, struct fuse_config *config) {
  (void)config;
  connection->max_background = 256;
  return 0;
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: lazy-volume IMAGE FOLDER MILLISECONDS MIB_A_SECOND\n");
    return 2;
  }
  image = open(arguments[1], O_RDWR);
  if (image < 0) {
    perror(arguments[1]);
    return 1;
  }
  size = lseek(image, 0, SEEK_END);
  delay = atof(arguments[3]) / 1000;
  rate = atof(arguments[4]);
  if (getenv("FAIL_AT")) fail_at = atoll(getenv("FAIL_AT"));
  comes = calloc(size / BLOCK + 1, sizeof *comes);
  struct fuse_operations operations = {.getattr = get_attributes, .readdir = read_folder, .open = open_volume,
                                       .read = read_volume, .write = write_volume, .fsync = sync_volume, .init = begin};
  char *own[] = {arguments[0], "-f", "-o", "max_threads=256,max_idle_threads=256", arguments[2], 0};
  return fuse_main(5, own, &operations, 0);
}
