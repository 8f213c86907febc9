internal import Glibc

/// The few facts about system calls that every other file here needs.
enum SystemCall {
    /// The text for an errno, such as "No such file or directory".
    static func describe(_ code: Int32) -> String {
        // Safe: strerror returns a terminated string that lives until the next call; it is copied
        // at once, and the command is single-threaded.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    /// The failure of the call that was just made.
    static func failure(_ call: String) -> StackError {
        .system(call: call, errno: errno)
    }

    /// A variable of our own environment.
    static func variable(_ name: String) -> String? {
        // Safe: getenv returns a terminated string or nil; nothing here writes the environment.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
