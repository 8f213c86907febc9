public import FoundationEssentials

extension ProcessClock {
    /// The present time as this process believes it, to the millisecond.
    public static var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
