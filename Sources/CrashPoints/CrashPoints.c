// Kills a process at its k-th call to the outside, or loses, cuts, holds up what it sends: from
// outside of the code under test, which is loaded with this library before libc (LD_PRELOAD) and
// cannot tell. Without a control file nothing happens.
#define _GNU_SOURCE
#include "control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct control *control;
static pid_t root;

#define REAL(name) real_##name
#define DECLARE(result, name, ...) static result (*REAL(name))(__VA_ARGS__)
DECLARE(ssize_t, read, int, void *, size_t);
DECLARE(ssize_t, recv, int, void *, size_t, int);
DECLARE(ssize_t, write, int, const void *, size_t);
DECLARE(ssize_t, send, int, const void *, size_t, int);
DECLARE(ssize_t, sendmsg, int, const struct msghdr *, int);
DECLARE(ssize_t, pwrite, int, const void *, size_t, off_t);
DECLARE(ssize_t, pwritev, int, const struct iovec *, int, off_t);
DECLARE(int, connect, int, const struct sockaddr *, socklen_t);
DECLARE(int, accept4, int, struct sockaddr *, socklen_t *, int);
DECLARE(int, fsync, int);
DECLARE(int, fdatasync, int);
DECLARE(int, shutdown, int, int);
DECLARE(int, close, int);

// Other constructors may call before ours has run, so every wrapper looks the real one up itself.
#define LOOK_UP(name) \
    if (!REAL(name)) REAL(name) = (__typeof__(REAL(name)))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void map_control(void) {
    const char *folder = getenv("CRASH_POINTS");
    if (!folder) return;
    const char *name = getenv("INSTANCE");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name ? name : "postgres");
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *found = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    LOOK_UP(close);
    REAL(close)(file);
    if (found == MAP_FAILED) return;
    root = getpid();
    if (((struct control *)found)->magic == MAGIC) control = found;
}

// MARK: Which calls count

static uint32_t port_of(const struct sockaddr *address) {
    return address->sa_family == AF_INET
        ? ntohs(((const struct sockaddr_in *)address)->sin_port) : 0;
}

static bool is_listed(uint32_t port) {
    for (int i = 0; port && i < PORTS && control->ports[i]; i++)
        if (control->ports[i] == port) return true;
    return false;
}

// The end of a connection that is on the list: the peer's when we called, ours when we were called.
static uint32_t port_of_socket(int fd) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    uint32_t port;
    if (getpeername(fd, (struct sockaddr *)&address, &length) == 0) {
        port = port_of((struct sockaddr *)&address);
        if (is_listed(port)) return port;
    }
    length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) return 0;
    port = port_of((struct sockaddr *)&address);
    return is_listed(port) ? port : 0;
}

static bool is_file(int fd) {
    struct stat info;
    return fd > 2 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_waiting(int fd) {
    char byte;
    LOOK_UP(recv);
    return REAL(recv)(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// TLS handshakes, alerts and tickets' change of cipher are nobody's request or answer.
static bool is_handshake(const void *bytes, size_t length) {
    const unsigned char *head = bytes;
    return length >= 5 && head[0] >= 0x14 && head[0] <= 0x16 && head[1] == 3 && head[2] <= 4;
}

static __thread int last_read = -1;

// Counts a call; the rule that it meets, if any.
static struct rule *count_call(uint32_t call, uint32_t port, size_t bytes) {
    uint32_t number = atomic_fetch_add(&control->steps, 1);
    struct step *step = &control->trace[number % TRACE];
    *step = (struct step){call, port, (uint32_t)bytes, (uint32_t)getpid()};
    struct rule *met = NULL;
    for (int i = 0; i < RULES; i++) {
        struct rule *rule = &control->rules[i];
        if (!(rule->calls & call) || (rule->port && rule->port != port)) continue;
        uint32_t seen = atomic_fetch_add(&rule->seen, 1) + 1;
        if (seen < rule->first || (rule->count && seen >= rule->first + rule->count)) continue;
        if (!met) met = rule;
    }
    if (met) atomic_fetch_add(&met->fired, 1);
    return met;
}

static bool is_counted(uint32_t call) {
    return control && control->armed && (control->calls & call);
}

// MARK: What happens then

static void die(void) {
    // A forked child takes the process that the services know with it.
    if (root != getpid()) kill(root, SIGKILL);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void rest(uint32_t milliseconds) {
    struct timespec left = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

static void before(struct rule *rule) {
    if (!rule) return;
    if (rule->action == KILL_BEFORE) die();
    if (rule->action == STALL) rest(rule->argument);
    if (rule->action == PAUSE) raise(SIGSTOP);
}

static void after(struct rule *rule) {
    if (rule && rule->action == KILL_AFTER) die();
}

// No more to read here; once the process closes the connection, its peer gets a reset.
static void reset(int fd) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    LOOK_UP(shutdown);
    REAL(shutdown)(fd, SHUT_RD);
}

static void cut(int fd) {
    LOOK_UP(shutdown);
    REAL(shutdown)(fd, SHUT_RDWR);
}

// MARK: Holding up what is sent

// Connections whose last message is still on its way; the sender's later bytes are swallowed, or
// they would overtake it.
static _Atomic int held[64];

static bool is_held(int fd) {
    for (int i = 0; i < 64; i++)
        if (held[i] == fd + 1) return true;
    return false;
}

static void forget(int fd) {
    for (int i = 0; i < 64; i++)
        if (held[i] == fd + 1) held[i] = 0;
}

struct message {
    int fd;
    uint32_t milliseconds;
    size_t length;
    char bytes[];
};

static void *deliver(void *argument) {
    struct message *message = argument;
    rest(message->milliseconds);
    LOOK_UP(send);
    REAL(send)(message->fd, message->bytes, message->length, MSG_NOSIGNAL);
    // The other side must have the time to work on it before it sees the end.
    rest(1000);
    LOOK_UP(close);
    REAL(close)(message->fd);
    free(message);
    return NULL;
}

static void hold(int fd, const void *bytes, size_t length, uint32_t milliseconds) {
    struct message *message = malloc(sizeof *message + length);
    pthread_t thread;
    if (!message) return;
    message->fd = dup(fd);
    message->milliseconds = milliseconds;
    message->length = length;
    memcpy(message->bytes, bytes, length);
    for (int i = 0; i < 64; i++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&held[i], &none, fd + 1)) break;
    }
    if (pthread_create(&thread, NULL, deliver, message) == 0) pthread_detach(thread);
}

// What a rule does to a message; true when the caller is to believe that all of it was sent.
static bool spoil(struct rule *rule, int fd, const void *bytes, size_t length) {
    if (!rule) return false;
    LOOK_UP(send);
    switch (rule->action) {
    case LOSE: cut(fd); return true;
    case RESET: reset(fd); return true;
    case TRUNCATE:
        REAL(send)(fd, bytes, length / 2, MSG_NOSIGNAL);
        cut(fd);
        return true;
    case DELAY: hold(fd, bytes, length, rule->argument); return true;
    default: return false;
    }
}

// MARK: Calls

// Each leaves errno as it was: OpenSSL clears it before a read and believes what it finds after one
// that returned nothing.
static struct rule *reading(int fd) {
    if (!is_counted(ON_READ) || last_read == fd) return NULL;
    int problem = errno;
    uint32_t port = port_of_socket(fd);
    struct rule *rule = NULL;
    if (port != 0 && is_waiting(fd)) {
        last_read = fd;
        rule = count_call(ON_READ, port, 0);
    }
    errno = problem;
    return rule;
}

static struct rule *writing(int fd, const void *bytes, size_t length) {
    if (!is_counted(ON_WRITE) || is_handshake(bytes, length)) return NULL;
    int problem = errno;
    uint32_t port = port_of_socket(fd);
    errno = problem;
    if (port == 0) return NULL;
    last_read = -1;
    return count_call(ON_WRITE, port, length);
}

static struct rule *filing(int fd, uint32_t call, size_t length) {
    if (!is_counted(call)) return NULL;
    int problem = errno;
    bool counts = is_file(fd);
    errno = problem;
    if (!counts) return NULL;
    last_read = -1;
    return count_call(call, 0, length);
}

// An answer that is lost on its way: what came is thrown away with the connection.
static bool is_lost(struct rule *rule, int fd) {
    if (!rule || (rule->action != LOSE && rule->action != RESET)) return false;
    if (rule->action == RESET) reset(fd); else cut(fd);
    errno = ECONNRESET;
    return true;
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
    LOOK_UP(recv);
    struct rule *rule = flags & MSG_PEEK ? NULL : reading(fd);
    before(rule);
    if (is_lost(rule, fd)) return -1;
    ssize_t result = REAL(recv)(fd, buffer, size, flags);
    after(rule);
    return result;
}

ssize_t read(int fd, void *buffer, size_t size) {
    LOOK_UP(read);
    struct rule *rule = reading(fd);
    before(rule);
    if (is_lost(rule, fd)) return -1;
    ssize_t result = REAL(read)(fd, buffer, size);
    after(rule);
    return result;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    LOOK_UP(send);
    if (control && is_held(fd)) return (ssize_t)length;
    struct rule *rule = writing(fd, bytes, length);
    before(rule);
    if (spoil(rule, fd, bytes, length)) return (ssize_t)length;
    ssize_t result = REAL(send)(fd, bytes, length, flags);
    after(rule);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    LOOK_UP(write);
    if (control && is_held(fd)) return (ssize_t)length;
    struct rule *rule = writing(fd, bytes, length);
    if (!rule) rule = filing(fd, ON_FILE, length);
    before(rule);
    if (spoil(rule, fd, bytes, length)) return (ssize_t)length;
    ssize_t result = REAL(write)(fd, bytes, length);
    after(rule);
    return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    LOOK_UP(sendmsg);
    if (!control || !control->armed || message->msg_iovlen == 0)
        return REAL(sendmsg)(fd, message, flags);
    size_t length = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) length += message->msg_iov[i].iov_len;
    if (is_held(fd)) return (ssize_t)length;
    struct rule *rule = writing(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    before(rule);
    char *flat = rule ? malloc(length) : NULL;
    if (flat) {
        size_t at = 0;
        for (size_t i = 0; i < message->msg_iovlen; i++) {
            memcpy(flat + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
            at += message->msg_iov[i].iov_len;
        }
        bool is_spoilt = spoil(rule, fd, flat, length);
        free(flat);
        if (is_spoilt) return (ssize_t)length;
    }
    ssize_t result = REAL(sendmsg)(fd, message, flags);
    after(rule);
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    LOOK_UP(pwrite);
    struct rule *rule = filing(fd, ON_FILE, length);
    before(rule);
    ssize_t result = REAL(pwrite)(fd, bytes, length, offset);
    after(rule);
    return result;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    LOOK_UP(pwritev);
    struct rule *rule = filing(fd, ON_FILE, 0);
    before(rule);
    ssize_t result = REAL(pwritev)(fd, parts, count, offset);
    after(rule);
    return result;
}

int fsync(int fd) {
    LOOK_UP(fsync);
    struct rule *rule = filing(fd, ON_SYNC, 0);
    before(rule);
    int result = REAL(fsync)(fd);
    after(rule);
    return result;
}

int fdatasync(int fd) {
    LOOK_UP(fdatasync);
    struct rule *rule = filing(fd, ON_SYNC, 0);
    before(rule);
    int result = REAL(fdatasync)(fd);
    after(rule);
    return result;
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    LOOK_UP(connect);
    struct rule *rule = NULL;
    if (is_counted(ON_CONNECT) && is_listed(port_of(address)))
        rule = count_call(ON_CONNECT, port_of(address), 0);
    before(rule);
    int result = REAL(connect)(fd, address, length);
    int problem = errno;
    after(rule);
    errno = problem;
    return result;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    LOOK_UP(accept4);
    int result = REAL(accept4)(fd, address, length, flags);
    uint32_t port;
    if (result < 0 || !is_counted(ON_ACCEPT) || (port = port_of_socket(result)) == 0) return result;
    // There is no telling before the call whether it brings a connection: both kills come after it.
    struct rule *rule = count_call(ON_ACCEPT, port, 0);
    before(rule);
    after(rule);
    return result;
}

int shutdown(int fd, int how) {
    LOOK_UP(shutdown);
    return control && is_held(fd) ? 0 : REAL(shutdown)(fd, how);
}

int close(int fd) {
    LOOK_UP(close);
    if (control) {
        forget(fd);
        if (last_read == fd) last_read = -1;
    }
    return REAL(close)(fd);
}
