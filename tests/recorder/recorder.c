/* What an unmodified process and its children do to the files below one folder, and what they say to the world.
 *
 * Loaded by LD_PRELOAD; RECORDER_FOLDER is the folder (without links in its path), RECORDER_LOG the file the records
 * are appended to, one write each, so that all processes share one order. A change of a file and a sync are recorded
 * when they have happened, a byte that leaves for a device or a socket before it does. So what stands before such a
 * byte in the log was over before anybody outside could see it. One thing the log could get wrong to the mild side: what
 * one thread writes into a file while another syncs the same file. Nobody in Kassa does.
 *
 * Not seen: writes through mmap, sendfile, copy_file_range, stdio's own, and fallocate, which holds no data. Whoever
 * reads the log compares what it leads to with the folder itself, so nothing stays unseen without a word.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum {
    CREATED = 'C', WRITTEN = 'W', TRUNCATED = 'T', SYNCED = 'S', RENAMED = 'R', REMOVED = 'U', FOLDER_MADE = 'M',
    LINKED = 'L', SENT = 'X', SENT_LESS = 'Y', RECEIVED = 'I'
};

/* A record: this, the name, the other name (of a rename, of a link), the data. recording.py reads it. */
struct head {
    uint32_t operation, process, descriptor;
    uint32_t name_bytes, other_bytes, data_bytes;
    int64_t at; /* an offset, a size, a number of bytes */
} __attribute__((packed));

#define LOG_DESCRIPTOR_MIN 900 /* out of the way of programs that count on low numbers */

#define REAL(result, name, ...) \
    static result (*real_##name)(__VA_ARGS__); \
    if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

static char folder[PATH_MAX];
static size_t folder_bytes;
static int log_descriptor = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void give_up(const char *why) {
    dprintf(STDERR_FILENO, "recorder: %s\n", why);
    abort();
}

static void begin(void) {
    const char *wanted = getenv("RECORDER_FOLDER"), *log = getenv("RECORDER_LOG");
    if (!wanted || !log) return;
    if (!realpath(wanted, folder)) give_up("RECORDER_FOLDER is not there");
    folder_bytes = strlen(folder);
    REAL(int, open64, const char *, int, ...);
    int low = real_open64(log, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (low < 0) give_up("RECORDER_LOG cannot be opened");
    REAL(int, close, int);
    log_descriptor = fcntl(low, F_DUPFD_CLOEXEC, LOG_DESCRIPTOR_MIN);
    real_close(low);
    if (log_descriptor < 0) give_up("no descriptor for the log");
}

static int is_on(void) {
    pthread_once(&once, begin);
    return log_descriptor >= 0;
}

static void record(char operation, int descriptor, const char *name, const char *other, int64_t at,
                   const void *data, size_t data_bytes) {
    int kept = errno;
    struct head head = {
        (uint32_t)operation, (uint32_t)getpid(), (uint32_t)descriptor, (uint32_t)strlen(name),
        (uint32_t)strlen(other), (uint32_t)data_bytes, at,
    };
    struct iovec parts[] = {
        {&head, sizeof head}, {(void *)name, head.name_bytes}, {(void *)other, head.other_bytes},
        {(void *)data, data_bytes},
    };
    ssize_t whole = (ssize_t)(sizeof head + head.name_bytes + head.other_bytes + data_bytes);
    REAL(ssize_t, writev, int, const struct iovec *, int);
    if (real_writev(log_descriptor, parts, 4) != whole) give_up("the log took less than a record");
    errno = kept;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static int is_below(const char *path) {
    return !strncmp(path, folder, folder_bytes) && (path[folder_bytes] == '/' || !path[folder_bytes]);
}

static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return 1;
}

/* The absolute path, when it lies below the folder. */
static int find(int at, const char *path, char *found) {
    int kept = errno, is_ours = 0;
    if (!is_on() || !path) return 0;
    if (path[0] == '/') {
        is_ours = snprintf(found, PATH_MAX, "%s", path) < PATH_MAX;
    } else if (at == AT_FDCWD ? getcwd(found, PATH_MAX) != NULL : path_of(at, found)) {
        size_t size = strlen(found);
        is_ours = snprintf(found + size, PATH_MAX - size, "/%s", path) < (int)(PATH_MAX - size);
    }
    errno = kept;
    return is_ours && is_below(found);
}

enum kind { NOTHING, FILE_OF_OURS, PORT, TALK };

/* What is behind a descriptor, and its name: a file below the folder, a serial port, a connection of a named socket. */
static enum kind look_at(int descriptor, char *name) {
    if (!is_on() || descriptor == log_descriptor) return NOTHING;
    int kept = errno;
    enum kind kind = NOTHING;
    struct stat found;
    struct termios settings;
    if (fstat(descriptor, &found)) {
        kind = NOTHING;
    } else if (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode)) {
        if (found.st_nlink && path_of(descriptor, name) && is_below(name)) kind = FILE_OF_OURS;
    } else if (S_ISCHR(found.st_mode)) {
        if (!tcgetattr(descriptor, &settings) && path_of(descriptor, name)) kind = PORT;
    } else if (S_ISSOCK(found.st_mode)) {
        struct sockaddr_un address;
        socklen_t size = sizeof address;
        if (!getsockname(descriptor, (struct sockaddr *)&address, &size) && address.sun_family == AF_UNIX
            && size > offsetof(struct sockaddr_un, sun_path) && address.sun_path[0]) {
            snprintf(name, PATH_MAX, "%.*s", (int)sizeof address.sun_path, address.sun_path);
            kind = TALK;
        }
    }
    errno = kept;
    return kind;
}

/* --- names come and go ------------------------------------------------------------------------------------------ */

static void opened(int descriptor, const char *path, int flags, int existed) {
    if (descriptor < 0 || existed < 0) return;
    if ((flags & O_CREAT) && !existed) record(CREATED, descriptor, path, "", 0, "", 0);
    else if (flags & O_TRUNC) record(TRUNCATED, descriptor, path, "", 0, "", 0);
}

/* -1: not ours. */
static int existed(int at, const char *path, char *found) {
    int kept = errno;
    int answer = find(at, path, found) ? faccessat(at, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 : -1;
    errno = kept;
    return answer;
}

#define MODE \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        MODE \
        char found[PATH_MAX]; \
        int before = existed(AT_FDCWD, path, found), descriptor = real_##name(path, flags, mode); \
        opened(descriptor, found, flags, before); \
        return descriptor; \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        MODE \
        char found[PATH_MAX]; \
        int before = existed(at, path, found), descriptor = real_##name(at, path, flags, mode); \
        opened(descriptor, found, flags, before); \
        return descriptor; \
    }
OPENAT(openat)
OPENAT(openat64)

static void renamed(int from_at, const char *from, int to_at, const char *to) {
    char source[PATH_MAX], target[PATH_MAX];
    int leaves = find(from_at, from, source), comes = find(to_at, to, target);
    if (leaves && comes) record(RENAMED, -1, source, target, 0, "", 0);
    else if (leaves) record(REMOVED, -1, source, "", 0, "", 0);
    else if (comes) give_up("a file came into the folder from outside by a rename: its content is not known");
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    int failed = real_rename(from, to);
    if (!failed) renamed(AT_FDCWD, from, AT_FDCWD, to);
    return failed;
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *);
    int failed = real_renameat(from_at, from, to_at, to);
    if (!failed) renamed(from_at, from, to_at, to);
    return failed;
}

static void removed(int at, const char *path) {
    char found[PATH_MAX];
    if (find(at, path, found)) record(REMOVED, -1, found, "", 0, "", 0);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    int failed = real_unlink(path);
    if (!failed) removed(AT_FDCWD, path);
    return failed;
}

int unlinkat(int at, const char *path, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    int failed = real_unlinkat(at, path, flags);
    if (!failed) removed(at, path);
    return failed;
}

int rmdir(const char *path) {
    REAL(int, rmdir, const char *);
    int failed = real_rmdir(path);
    if (!failed) removed(AT_FDCWD, path);
    return failed;
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    char found[PATH_MAX];
    int failed = real_mkdir(path, mode);
    if (!failed && find(AT_FDCWD, path, found)) record(FOLDER_MADE, -1, found, "", 0, "", 0);
    return failed;
}

int symlink(const char *target, const char *path) {
    REAL(int, symlink, const char *, const char *);
    char found[PATH_MAX];
    int failed = real_symlink(target, path);
    if (!failed && find(AT_FDCWD, path, found)) record(LINKED, -1, found, target, 0, "", 0);
    return failed;
}

/* --- content ---------------------------------------------------------------------------------------------------- */

ssize_t write(int descriptor, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    char name[PATH_MAX];
    enum kind kind = look_at(descriptor, name);
    if (kind == NOTHING) return real_write(descriptor, data, size);
    if (kind != FILE_OF_OURS) {
        record(SENT, descriptor, name, "", 0, data, size);
        ssize_t taken = real_write(descriptor, data, size);
        if (taken != (ssize_t)size) record(SENT_LESS, descriptor, name, "", taken < 0 ? 0 : taken, "", 0);
        return taken;
    }
    ssize_t written = real_write(descriptor, data, size);
    /* Where it went is known afterwards: with O_APPEND the kernel chose the place. */
    if (written > 0) record(WRITTEN, descriptor, name, "", lseek(descriptor, 0, SEEK_CUR) - written, data, (size_t)written);
    return written;
}

#define PWRITE(name, offset) \
    ssize_t name(int descriptor, const void *data, size_t size, offset at) { \
        REAL(ssize_t, name, int, const void *, size_t, offset); \
        char path[PATH_MAX]; \
        ssize_t written = real_##name(descriptor, data, size, at); \
        if (written > 0 && look_at(descriptor, path) == FILE_OF_OURS) \
            record(WRITTEN, descriptor, path, "", at, data, (size_t)written); \
        return written; \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define FTRUNCATE(name, offset) \
    int name(int descriptor, offset size) { \
        REAL(int, name, int, offset); \
        char path[PATH_MAX]; \
        int failed = real_##name(descriptor, size); \
        if (!failed && look_at(descriptor, path) == FILE_OF_OURS) record(TRUNCATED, descriptor, path, "", size, "", 0); \
        return failed; \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
    int name(int descriptor) { \
        REAL(int, name, int); \
        char path[PATH_MAX]; \
        int failed = real_##name(descriptor); \
        if (!failed && look_at(descriptor, path) == FILE_OF_OURS) record(SYNCED, descriptor, path, "", 0, "", 0); \
        return failed; \
    }
SYNC(fsync)
SYNC(fdatasync)

/* --- the world -------------------------------------------------------------------------------------------------- */

ssize_t send(int descriptor, const void *data, size_t size, int flags) {
    REAL(ssize_t, send, int, const void *, size_t, int);
    char name[PATH_MAX];
    if (look_at(descriptor, name) != TALK) return real_send(descriptor, data, size, flags);
    record(SENT, descriptor, name, "", 0, data, size);
    ssize_t taken = real_send(descriptor, data, size, flags);
    if (taken != (ssize_t)size) record(SENT_LESS, descriptor, name, "", taken < 0 ? 0 : taken, "", 0);
    return taken;
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    REAL(ssize_t, sendmsg, int, const struct msghdr *, int);
    char name[PATH_MAX];
    if (look_at(descriptor, name) == TALK) give_up("sendmsg on the recorded socket: the recorder knows send only");
    return real_sendmsg(descriptor, message, flags);
}

ssize_t read(int descriptor, void *data, size_t size) {
    REAL(ssize_t, read, int, void *, size_t);
    char name[PATH_MAX];
    ssize_t got = real_read(descriptor, data, size);
    if (got > 0 && look_at(descriptor, name) == PORT) record(RECEIVED, descriptor, name, "", 0, data, (size_t)got);
    return got;
}
