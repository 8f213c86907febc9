/// Why something is not in a journal, or why there is none.
public enum JournalError: Error, Hashable, Sendable {
    /// The journal is at its bound, or too many wait for the disk. Not stored.
    case full
    /// The operating system refused; what was written of it has been taken back. Not stored.
    case refused(String)
    /// Nobody can tell whether it is stored: the answer of the disk did not come in time.
    case outcomeUnknown
    /// The folder cannot be used.
    case unusable(String)
}
