// The library has no interface to link against: it is preloaded into processes that know nothing of
// it, and told what to do through a file. See control.h.
