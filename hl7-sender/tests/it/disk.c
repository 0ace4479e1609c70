/* A disk that is watched, and that fails when it is told to. Preloaded into a child process of the tests; see disk.rs.
 *
 * DISK_FOLDER  the folder whose files count; without it nothing is done
 * DISK_LOG     each change of a file, each flush and each line that the child says goes here, in their order
 * DISK_KILL    "write", "torn", "sync" or "synced": ends the process before the first write to a log of SQLite's, in the middle of the second,
 *              before the flush of one or after it, once there is a file "armed" in the folder; or a number: before the change with it
 * DISK_EIO     a number: the flush with it fails, once
 * DISK_FULL    "n m": from the n-th on, m of the writes that make a file longer fail
 * DISK_MOUNTS  a file that is read in the place of /proc/self/mountinfo
 * DISK_NO_LOCKS  locks are given to whoever asks
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *kill_at, *mounts;
static char armed[PATH_MAX];
static int log_fd = -1, no_locks;
static long changes, syncs, writes, armed_writes, kill_change = -1, fail_sync = -1, full_from = -1, full_for;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_flock)(int, int);

__attribute__((constructor)) static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open64");
    real_openat = dlsym(RTLD_NEXT, "openat64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_flock = dlsym(RTLD_NEXT, "flock");
    folder = getenv("DISK_FOLDER");
    mounts = getenv("DISK_MOUNTS");
    no_locks = getenv("DISK_NO_LOCKS") != NULL;
    if (folder) snprintf(armed, sizeof armed, "%s/armed", folder);
    kill_at = getenv("DISK_KILL");
    if (kill_at && *kill_at >= '0' && *kill_at <= '9') kill_change = atol(kill_at);
    if (getenv("DISK_EIO")) fail_sync = atol(getenv("DISK_EIO"));
    if (getenv("DISK_FULL")) sscanf(getenv("DISK_FULL"), "%ld %ld", &full_from, &full_for);
    if (getenv("DISK_LOG")) log_fd = real_open(getenv("DISK_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The name of a file in the folder; NULL for all others, and for those that are no lasting part of a store. */
static const char *name_of(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length) || path[length] != '/') return NULL;
    const char *name = path + length + 1;
    static const char *passing[] = {"-shm", ".reserve", "armed", " (deleted)"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        size_t all = strlen(name), end = strlen(passing[i]);
        if (all >= end && !strcmp(name + all - end, passing[i])) return NULL;
    }
    return name;
}

static const char *name_of_fd(int fd, char *path) {
    char link[64];
    *path = 0;
    if (!folder || fd < 0) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return name_of(path);
}

static int ends_in(const char *name, const char *end) {
    size_t all = strlen(name), length = strlen(end);
    return all >= length && !strcmp(name + all - length, end);
}

static void put(const void *bytes, size_t length) {
    const char *next = bytes;
    while (length) {
        ssize_t done = real_write(log_fd, next, length);
        if (done <= 0) abort();
        next += done, length -= done;
    }
}

static void note(char what, const char *name, uint64_t offset, const void *bytes, uint32_t length) {
    if (log_fd < 0) return;
    uint32_t letters = strlen(name);
    put(&what, 1), put(&letters, 4), put(name, letters), put(&offset, 8), put(&length, 4), put(bytes, length);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int is_armed(const char *name, const char *when) {
    return kill_at && !strcmp(kill_at, when) && ends_in(name, "-wal") && !access(armed, F_OK);
}

static void change(void) {
    if (changes++ == kill_change) die();
}

static int has_no_room(int fd, off_t end) {
    struct stat about;
    if (full_from < 0 || fstat(fd, &about) || end <= about.st_size) return 0;
    long number = writes++;
    return number >= full_from && number - full_from < full_for;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t offset, int moves) {
    char path[PATH_MAX];
    const char *name = name_of_fd(fd, path);
    int says = folder && fd == 1 && length > 1 && !memcmp(bytes, "> ", 2);
    ssize_t done;
    if (!name && !says) return moves ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, offset);
    pthread_mutex_lock(&lock);
    if (says) {
        note('m', "", 0, bytes, length);
        done = real_write(fd, bytes, length);
    } else {
        if (moves) offset = lseek(fd, 0, SEEK_CUR);
        change();
        if (is_armed(name, "write")) die();
        if (is_armed(name, "torn") && armed_writes++ == 1) {
            real_pwrite(fd, bytes, length / 2, offset);
            die();
        }
        if (has_no_room(fd, offset + length)) {
            errno = ENOSPC;
            done = -1;
        } else {
            done = moves ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, offset);
            if (done > 0) note('w', name, offset, bytes, done);
        }
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_at(fd, bytes, length, 0, 1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return write_at(fd, bytes, length, offset, 0); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) { return write_at(fd, bytes, length, offset, 0); }

static int truncate_to(int fd, off_t length) {
    char path[PATH_MAX];
    const char *name = name_of_fd(fd, path);
    if (!name) return real_ftruncate(fd, length);
    pthread_mutex_lock(&lock);
    change();
    int done = real_ftruncate(fd, length);
    if (!done) note('t', name, length, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t length) { return truncate_to(fd, length); }
int ftruncate64(int fd, off_t length) { return truncate_to(fd, length); }

static int flush(int fd) {
    char path[PATH_MAX];
    const char *name = name_of_fd(fd, path);
    if (!name && !(folder && !strcmp(path, folder))) return real_fsync(fd);
    pthread_mutex_lock(&lock);
    change();
    if (name && is_armed(name, "sync")) die();
    int done = 0;
    if (syncs++ == fail_sync) {
        errno = EIO;
        done = -1;
    } else {
        /* The machine does not lose its power in a test. */
        note(name ? 's' : 'd', name ? name : "", 0, "", 0);
    }
    if (name && is_armed(name, "synced")) die();
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return flush(fd); }
int fdatasync(int fd) { return flush(fd); }

int unlink(const char *path) {
    const char *name = name_of(path);
    if (!name) return real_unlink(path);
    pthread_mutex_lock(&lock);
    change();
    int done = real_unlink(path);
    if (!done) note('u', name, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *from, const char *to) {
    const char *name = name_of(from), *other = name_of(to);
    if (!name || !other) return real_rename(from, to);
    pthread_mutex_lock(&lock);
    change();
    int done = real_rename(from, to);
    if (!done) note('r', name, 0, other, strlen(other));
    pthread_mutex_unlock(&lock);
    return done;
}

static int open_at(int dir, const char *path, int flags, mode_t mode) {
    if (mounts && !strcmp(path, "/proc/self/mountinfo")) path = mounts;
    const char *name = (flags & O_CREAT) ? name_of(path) : NULL;
    if (!name) return real_openat(dir, path, flags, mode);
    pthread_mutex_lock(&lock);
    int is_new = access(path, F_OK) != 0;
    int fd = real_openat(dir, path, flags, mode);
    if (fd >= 0 && is_new) note('c', name, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE(flags, mode) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags, mode) return open_at(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags, mode) return open_at(dir, path, flags, mode); }

int flock(int fd, int what) { return no_locks ? 0 : real_flock(fd, what); }
