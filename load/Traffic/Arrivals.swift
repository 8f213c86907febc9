/// How many requests a second are due, over the time of a run: straight pieces one after the other.
struct Shape: Sendable, Equatable {
    /// A piece whose rate goes evenly from one value to another.
    struct Piece: Sendable, Equatable {
        var seconds: Double
        var from: Double
        var to: Double

        /// Requests due in all of it.
        var area: Double { seconds * (from + to) / 2 }

        /// When so many requests of the piece are due: where the area below the line reaches that.
        func seconds(at area: Double) -> Double {
            let slope = (to - from) / seconds
            guard abs(slope) > 1e-9 else { return area / from }
            let root = (from * from + 2 * slope * area).squareRoot()
            return (root - from) / slope
        }
    }

    let pieces: [Piece]

    /// The same rate all the time.
    static func constant(_ rate: Double, seconds: Double) -> Shape {
        Shape(pieces: [Piece(seconds: seconds, from: rate, to: rate)])
    }

    /// From one rate to another, evenly.
    static func ramp(_ from: Double, to: Double, seconds: Double) -> Shape {
        Shape(pieces: [Piece(seconds: seconds, from: from, to: to)])
    }

    /// A rate with a much higher one in the middle fifth.
    static func spike(_ base: Double, to peak: Double, seconds: Double) -> Shape {
        Shape(
            pieces: [(base, 0.4), (peak, 0.2), (base, 0.4)].map { rate, share in
                Piece(seconds: seconds * share, from: rate, to: rate)
            }
        )
    }

    /// When so many requests have become due, in seconds; nil when there are never so many.
    func seconds(at count: Double) -> Double? {
        var (left, passed) = (count, 0.0)
        for piece in pieces {
            if left <= piece.area, piece.area > 0 { return passed + piece.seconds(at: left) }
            left -= piece.area
            passed += piece.seconds
        }
        return nil
    }
}

/// When requests are due, whether or not earlier ones were answered: an open loop.
///
/// Evenly spaced ones come when the rate's integral reaches the next whole number; independent ones
/// (a Poisson process) come when it has grown by an exponentially distributed amount.
struct Arrivals: Sendable {
    private let shape: Shape
    /// How much of the integral passes until the next one.
    private var step: @Sendable () -> Double
    private var reached = 0.0

    init(_ shape: Shape) {
        self.shape = shape
        step = { 1 }
    }

    /// Independent arrivals.
    ///
    /// - Parameter uniform: draws from 0 up to, but not including, 1.
    init(
        poisson shape: Shape,
        uniform: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.shape = shape
        step = { -Arrivals.logarithm(1 - uniform()) }
    }

    /// When the next one is due, in seconds since the start; nil when the run is over.
    mutating func next() -> Double? {
        reached += step()
        return shape.seconds(at: reached)
    }
}
