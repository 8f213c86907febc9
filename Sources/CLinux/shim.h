// What the Glibc overlay of the Swift toolchain does not carry. Types and calls come from the
// kernel's own headers; `_GNU_SOURCE` stays undefined because it breaks `fd_set` for Swift.
#ifndef ANYWAY_CLINUX_H
#define ANYWAY_CLINUX_H

#include <stdint.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/prctl.h>

// accept4 is declared only under _GNU_SOURCE; the symbol is glibc's.
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

// So is this one (glibc 2.34): a child started with it gets no descriptor but those it was given.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);

// `epoll_event` is packed and holds a union: Swift reads and writes the 64-bit member through these.
static inline struct epoll_event anyway_epoll_event(uint32_t events, uint64_t token) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = token;
    return event;
}
static inline uint64_t anyway_epoll_token(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t anyway_epoll_events(const struct epoll_event *event) { return event->events; }

// prctl is variadic, which Swift cannot call. `name` is cut after 15 bytes by the kernel.
static inline void anyway_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

#endif
