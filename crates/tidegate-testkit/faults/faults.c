/* Faults of the operating system, for tests: loaded before the C library into the real binary.
 *
 * It numbers the effects of the program `tidegate`, which are writes to files, syncs, renames,
 * removals, and sends of signed transactions, and notes each in a file. At the one that a test
 * names, the process is killed before or after it, or the call fails. Children are left alone.
 *
 *   TIDEGATE_FAULTS_LOG   the file that gets a line for each: its number, its name, and what it is of
 *   TIDEGATE_FAULTS_AT    the number of the effect at which the fault is
 *   TIDEGATE_FAULTS_AS    "before" or "after", which kill; or the number of an error, which the call
 *                         then returns without doing anything
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, BEFORE, AFTER, FAILS };

static atomic_long count;
static long fault_at = -1;
static enum fault fault_as = NONE;
static int fault_errno;
static int log_fd = -1;

__attribute__((constructor)) static void begin(void) {
    const char *name = strrchr(program_invocation_name, '/');
    const char *path = getenv("TIDEGATE_FAULTS_LOG");
    const char *at = getenv("TIDEGATE_FAULTS_AT");
    const char *as = getenv("TIDEGATE_FAULTS_AS");
    if (strcmp(name ? name + 1 : program_invocation_name, "tidegate") != 0 || !path) return;
    log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (at && as) {
        fault_at = atol(at);
        fault_as = !strcmp(as, "before") ? BEFORE : !strcmp(as, "after") ? AFTER : FAILS;
        fault_errno = atoi(as);
    }
}

/* Numbers an effect. True where it must fail instead. */
static int effect(const char *name, const char *of, long *number) {
    char line[1200];
    *number = atomic_fetch_add(&count, 1);
    int length = snprintf(line, sizeof line, "%ld %s %s\n", *number, name, of);
    syscall(SYS_write, log_fd, line, (size_t)length);
    if (*number != fault_at) return 0;
    if (fault_as == BEFORE) syscall(SYS_kill, getpid(), SIGKILL);
    if (fault_as == FAILS) errno = fault_errno;
    return fault_as == FAILS;
}

static void done(long number) {
    if (number == fault_at && fault_as == AFTER) syscall(SYS_kill, getpid(), SIGKILL);
}

/* Whether writes to it count: a regular file. Its path then is in `path`. */
static int is_file(int fd, char *path, size_t size) {
    struct stat stat;
    char link[64];
    if (log_fd < 0 || fd < 3 || fd == log_fd || fstat(fd, &stat) || !S_ISREG(stat.st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    path[length < 0 ? 0 : length] = 0;
    return 1;
}

/* Whether it is a request to send a signed transaction. */
static int sends(int fd, const void *data, size_t size) {
    struct stat stat;
    if (log_fd < 0 || fstat(fd, &stat) || !S_ISSOCK(stat.st_mode)) return 0;
    return memmem(data, size, "eth_sendRawTransaction", 22) != NULL;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define GUARDED(is, label, of, call) \
    do { \
        long number = -1; \
        int counts = (is); \
        if (counts && effect(label, of, &number)) return -1; \
        __auto_type result = (call); \
        int kept = errno; \
        if (counts) done(number); \
        errno = kept; \
        return result; \
    } while (0)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    char path[1024] = "";
    if (sends(fd, data, size)) GUARDED(1, "send", "", real(fd, data, size));
    GUARDED(is_file(fd, path, sizeof path), "write", path, real(fd, data, size));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    char path[1024] = "";
    GUARDED(is_file(fd, path, sizeof path), "write", path, real(fd, data, size, at));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    char path[1024] = "";
    GUARDED(is_file(fd, path, sizeof path), "write", path, real(fd, data, size, at));
}

ssize_t writev(int fd, const struct iovec *parts, int many) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    char path[1024] = "";
    for (int i = 0; i < many; i++)
        if (sends(fd, parts[i].iov_base, parts[i].iov_len))
            GUARDED(1, "send", "", real(fd, parts, many));
    GUARDED(is_file(fd, path, sizeof path), "write", path, real(fd, parts, many));
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    REAL(ssize_t, "send", int, const void *, size_t, int);
    GUARDED(sends(fd, data, size), "send", "", real(fd, data, size, flags));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
    int counts = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        counts |= sends(fd, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    GUARDED(counts, "send", "", real(fd, message, flags));
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    char path[1024] = "";
    GUARDED(is_file(fd, path, sizeof path), "sync", path, real(fd));
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    char path[1024] = "";
    GUARDED(is_file(fd, path, sizeof path), "sync", path, real(fd));
}

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    char path[1024] = "";
    GUARDED(is_file(fd, path, sizeof path), "cut", path, real(fd, size));
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    GUARDED(log_fd >= 0, "rename", to, real(from, to));
}

int link(const char *from, const char *to) {
    REAL(int, "link", const char *, const char *);
    GUARDED(log_fd >= 0, "link", to, real(from, to));
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    GUARDED(log_fd >= 0, "remove", path, real(path));
}
