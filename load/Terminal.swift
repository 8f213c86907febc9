internal import Glibc

/// Where people read along: standard output for what counts, standard error for progress.
enum Terminal {
    /// A line of what counts, at once.
    static func say(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    /// A line beside it.
    static func note(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    /// Whether somebody watches the progress.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    /// Shows a line in place of the one before.
    static func show(_ line: String) {
        write("\r\u{1b}[2K" + String(line.prefix(columns - 1)), to: STDERR_FILENO)
    }

    /// Takes the shown line away.
    static func clear() { write("\r\u{1b}[2K", to: STDERR_FILENO) }

    private static var columns: Int {
        var size = winsize()
        // Safe: size outlives the call that fills it.
        let result = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size)
        return result == 0 && size.ws_col > 20 ? Int(size.ws_col) : 120
    }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        // Safe: the array is lent for the length of the call.
        _ = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
    }
}
