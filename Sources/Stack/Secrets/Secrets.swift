/// Random secrets, made once and kept in DATA/secrets, readable by us alone.
struct Secrets {
    let layout: Layout

    /// The secret of this name; made when it is not there.
    func value(_ name: String, prefix: String = "", length: Int = 32) throws(StackError) -> String {
        let path = layout.secret(name)
        if let known = Files.text(path)?.trimmingSuffix("\n"), !known.isEmpty { return known }
        let value = prefix + Secrets.random(length)
        try Files.replace(path, with: value + "\n")
        return value
    }

    /// Letters and digits from the kernel's generator: 32 of them are 190 bits.
    static func random(_ length: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        var generator = SystemRandomNumberGenerator()
        return String((0..<length).compactMap { _ in alphabet.randomElement(using: &generator) })
    }
}
