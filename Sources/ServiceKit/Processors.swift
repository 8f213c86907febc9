internal import Glibc

/// The machine's processors.
enum Processors {
    /// How many are online.
    static var online: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
