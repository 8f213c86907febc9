/// Ids as Stripe writes them: a prefix and 24 letters and digits.
enum StripeID {
    /// A fresh id like `pi_3MtwBwLkdIwHu7ix28a3tqPa`, 142 random bits.
    static func make(_ prefix: String) -> String {
        var random = SystemRandomNumberGenerator()
        var out = prefix
        out.append("_")
        // Ten letters of each number: fewer than its bits can tell apart, so all are about as likely,
        // and three questions to the kernel instead of one for each letter.
        var bits: UInt64 = 0
        for place in 0..<24 {
            if place % 10 == 0 { bits = random.next() }
            out.unicodeScalars.append(alphabet[Int(bits % 62)])
            bits /= 62
        }
        return out
    }

    private static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".unicodeScalars
    )
}
