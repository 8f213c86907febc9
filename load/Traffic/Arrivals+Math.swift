internal import Glibc

extension Arrivals {
    /// The natural logarithm.
    static func logarithm(_ number: Double) -> Double { log(number) }
}
