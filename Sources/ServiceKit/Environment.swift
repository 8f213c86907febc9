internal import FoundationEssentials
internal import Glibc

/// A setting that cannot be used: which one, what is wrong with it, and what would do.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// The environment variable.
    public let variable: String
    /// What is wrong, without the value when it is a secret.
    public let problem: String
    /// A value that would do.
    public let example: String

    /// Says what is wrong with `variable`.
    public init(_ variable: String, _ problem: String, example: String) {
        self.variable = variable
        self.problem = problem
        self.example = example
    }

    /// One line for the person who started the process.
    public var description: String { "\(variable) \(problem); for example \(variable)=\(example)" }
}

/// The environment variables of the process, read once, each as the type it must have.
public struct Environment: Sendable {
    private let values: [String: String]
    private let readFile: @Sendable (String) throws -> String

    /// The variables given; tests make their own.
    public init(
        _ values: [String: String],
        readFile: @escaping @Sendable (String) throws -> String = Environment.contents
    ) {
        self.values = values
        self.readFile = readFile
    }

    /// The variables of this process.
    public static func process() -> Environment {
        Environment(ProcessInfo.processInfo.environment)
    }

    /// Reads a file as text.
    ///
    /// - Throws: what the file system says.
    public static func contents(of path: String) throws -> String {
        let data = try Data(contentsOf: URL(filePath: path))
        return String(decoding: data, as: UTF8.self)
    }

    /// The value of `name`, nil when it is unset or empty.
    public func optional(_ name: String) -> String? {
        guard let value = values[name], !value.isEmpty else { return nil }
        return value
    }

    /// The value of `name`.
    ///
    /// - Throws: when it is unset or empty.
    public func required(_ name: String, example: String) throws(ConfigurationError) -> String {
        guard let value = optional(name) else {
            throw ConfigurationError(name, "is not set", example: example)
        }
        return value
    }

    /// The secret `name`, or the content of the file that `NAME_FILE` names; white space around it is dropped.
    ///
    /// - Throws: when both are set, or the file cannot be read or is empty.
    public func secret(_ name: String) throws(ConfigurationError) -> String? {
        let file = "\(name)_FILE"
        guard let path = optional(file) else { return optional(name) }
        guard optional(name) == nil else {
            throw ConfigurationError(name, "and \(file) are both set; keep one", example: "…")
        }
        let text: String
        do {
            text = try readFile(path)
        } catch {
            throw ConfigurationError(
                file,
                "names '\(path)', which cannot be read",
                example: "/run/secrets/\(name.lowercased())"
            )
        }
        let secret = Self.trimmed(text)
        guard !secret.isEmpty else {
            throw ConfigurationError(
                file,
                "names '\(path)', which is empty",
                example: "/run/secrets/\(name.lowercased())"
            )
        }
        return secret
    }

    /// The secret `name`, or the content of the file that `NAME_FILE` names.
    ///
    /// - Throws: when neither is set, both are, or the file cannot be read.
    public func requiredSecret(
        _ name: String,
        example: String
    ) throws(ConfigurationError) -> String {
        guard let secret = try secret(name) else {
            throw ConfigurationError(
                name,
                "is not set, and neither is \(name)_FILE",
                example: example
            )
        }
        return secret
    }

    /// A whole number in `range`.
    ///
    /// - Throws: when it is something else.
    public func integer(
        _ name: String,
        in range: ClosedRange<Int>,
        default standard: Int
    ) throws(ConfigurationError) -> Int {
        guard let text = optional(name) else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw ConfigurationError(
                name,
                "is '\(text)', not a whole number from \(range.lowerBound) to \(range.upperBound)",
                example: "\(standard)"
            )
        }
        return number
    }

    /// A length of time: `250ms`, `30s`, `5m`; more than 0.
    ///
    /// - Throws: when it is something else.
    public func duration(
        _ name: String,
        default standard: Duration
    ) throws(ConfigurationError) -> Duration {
        guard let text = optional(name) else { return standard }
        let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        for (unit, milliseconds) in units where text.hasSuffix(unit) {
            if let count = Int64(text.dropLast(unit.count)), count > 0, count < 1_000_000_000 {
                return .milliseconds(count * milliseconds)
            }
        }
        throw ConfigurationError(
            name,
            "is '\(text)', not a length of time with a unit (ms, s, m, h)",
            example: "30s"
        )
    }

    /// A switch: `on` or `off`.
    ///
    /// - Throws: when it is something else.
    public func isOn(_ name: String, default standard: Bool = false) throws(ConfigurationError)
        -> Bool
    {
        switch optional(name) {
        case nil: return standard
        case "on": return true
        case "off": return false
        case .some(let text):
            throw ConfigurationError(name, "is '\(text)', neither on nor off", example: "on")
        }
    }

    /// One of a few words.
    ///
    /// - Throws: when it is another one; the message lists them.
    public func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ name: String,
        default standard: Choice
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        guard let text = optional(name) else { return standard }
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError(
                name,
                "is '\(text)', none of \(words)",
                example: standard.rawValue
            )
        }
        return choice
    }

    /// An address to listen on: `HOST:PORT`, port 0 for any free one.
    ///
    /// - Throws: when it is something else.
    public func hostAndPort(
        _ name: String,
        default standard: String? = nil
    ) throws(ConfigurationError) -> (host: String, port: UInt16) {
        let example = standard ?? "127.0.0.1:8080"
        let text = optional(name) ?? standard
        guard let text else { throw ConfigurationError(name, "is not set", example: example) }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw ConfigurationError(name, "is '\(text)', not HOST:PORT", example: example) }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else {
            throw ConfigurationError(name, "is '\(text)', without a host", example: example)
        }
        return (host, port)
    }

    private static func trimmed(_ text: String) -> String {
        let space: Set<Character> = [" ", "\n", "\t", "\r", "\r\n"]
        let start = text.drop { space.contains($0) }
        var end = start
        while let last = end.last, space.contains(last) { end = end.dropLast() }
        return String(end)
    }
}
