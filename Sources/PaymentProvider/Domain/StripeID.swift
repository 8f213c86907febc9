/// Ids as Stripe writes them: a prefix and 24 letters and digits.
enum StripeID {
    /// A fresh id like `pi_3MtwBwLkdIwHu7ix28a3tqPa`, 142 random bits.
    static func make(_ prefix: String) -> String {
        var random = SystemRandomNumberGenerator()
        var out = prefix
        out.append("_")
        for _ in 0..<24 {
            if let letter = alphabet.randomElement(using: &random) {
                out.unicodeScalars.append(letter)
            }
        }
        return out
    }

    private static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".unicodeScalars
    )
}
