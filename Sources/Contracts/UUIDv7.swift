public import FoundationEssentials
internal import Glibc

/// Makes UUIDs of version 7.
public enum UUIDv7 {
    /// A new one: 48 bits of milliseconds since 1970, then 74 random bits (RFC 9562 section 5.7).
    public static func next() -> UUID {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
        return make(
            milliseconds: milliseconds,
            random: (.random(in: 0...(.max)), .random(in: 0...(.max)))
        )
    }

    /// Lays the parts out: time, version, 12 random bits, variant, 62 random bits.
    static func make(milliseconds: UInt64, random: (UInt64, UInt64)) -> UUID {
        let high = milliseconds << 16 | 0x7000 | random.0 & 0x0fff
        let low = 0x8000_0000_0000_0000 | random.1 & 0x3fff_ffff_ffff_ffff
        return UUID(words: (high, low))
    }
}
