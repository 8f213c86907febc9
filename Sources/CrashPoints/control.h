// What `stack crash` writes and the preloaded library reads: one file for each process, mapped
// shared, 32-bit words in the machine's order. Sources/Stack/Crash/ControlFile.swift has the other end.
#ifndef ANYWAY_CONTROL_H
#define ANYWAY_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>

enum { RULES = 8, PORTS = 32, TRACE = 3072, MAGIC = 0x43505431 };

// What a call does, as bits, so that a rule can mean several.
enum { ON_READ = 1, ON_WRITE = 2, ON_CONNECT = 4, ON_ACCEPT = 8, ON_SYNC = 16, ON_FILE = 32 };

enum action {
    MARK = 0,        // only notes that the point was reached
    KILL_BEFORE = 1, // SIGKILL instead of the call
    KILL_AFTER = 2,  // SIGKILL once the call is done
    LOSE = 3,        // what is sent or received vanishes, and the connection with it
    TRUNCATE = 4,    // half of what is sent arrives, then the connection ends
    DELAY = 5,       // what is sent arrives `argument` milliseconds later, on a connection we forgot
    STALL = 6,       // the process stands still for `argument` milliseconds first
    RESET = 7,       // the peer gets a reset instead of what is sent
    PAUSE = 8,       // SIGSTOP before the call, which goes on once somebody sends SIGCONT
};

struct rule {
    uint32_t calls;    // ON_… bits; 0: no rule
    uint32_t port;     // only calls to or from this port; 0: any
    uint32_t first;    // from the first-th such call on, counted from 1
    uint32_t count;    // so many calls; 0: all from there on
    uint32_t action;
    uint32_t argument;
    _Atomic uint32_t seen;
    _Atomic uint32_t fired;
};

struct step {
    uint32_t call;  // an ON_… bit
    uint32_t port;  // 0 for files
    uint32_t bytes; // how much was to be sent, or had come
    uint32_t pid;
};

struct control {
    _Atomic uint32_t magic;
    _Atomic uint32_t armed; // nothing is counted while 0
    uint32_t calls;         // ON_… bits that are counted at all
    _Atomic uint32_t steps; // how many were counted
    uint32_t reserved[4];
    struct rule rules[RULES];
    uint32_t ports[PORTS]; // connections that matter: theirs or our end is one of these; 0 ends the list
    struct step trace[TRACE];
};

#endif
