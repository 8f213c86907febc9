/// What the command line asks for.
struct Options: Sendable, Equatable {
    /// The gateway.
    var host = "127.0.0.1"
    var port: UInt16 = 8080
    /// How many customers shop at the same time.
    var users = 8
    /// How many accounts the customers share; nil for one each.
    var accounts: Int?
    /// How many checkouts a second are begun, whether or not earlier ones have ended; nil for as many
    /// as the customers manage, each one after the other.
    var rate: Int?
    /// The most lines of an order.
    var lines = 3
    /// Whether every order wants the same product and nothing else.
    var wantsOneProduct = false
    /// How long they shop.
    var seconds = 10
    /// The stack's folder: its administrator delivers stock before the load begins.
    var data: String?
    /// The file that every request and its answer are written to; nil for none.
    var history: String?
    /// Whether the result is printed as JSON.
    var printsJSON = false

    /// What is wrong with a command line, and what to do.
    struct Invalid: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    static let help = """
        load checkout: customers who check out one order after the other, until the time is up.

          swift run -c release load checkout [--url http://127.0.0.1:8080] [--users 8]
              [--accounts N] [--seconds 10] [--rate N] [--lines 3] [--hot] [--data .anyway]
              [--history FILE] [--json]

        It registers its own customers, buys products that are in stock, and prints how many orders a
        second came through, how long they took and how they were answered. With --data, the folder of
        a running stack, its administrator first delivers enough stock for the whole run; without it
        shelves run empty and 409 is a frequent answer. It sends to loopback addresses only.

        --rate N begins N checkouts a second at fixed times, and counts each one's time from when it was
        due, so waiting behind a slow one shows. --hot lets every order want the same product. --accounts
        shares a few accounts between all customers, since registering hashes passwords.

        With --history every request is written to FILE as a line of JSON, orders are also read and asked
        for again, and `stack verify --history FILE` tells whether the shop kept its word.
        """

    /// Reads the words behind the program's name; nil asks for help.
    ///
    /// - Throws: `Invalid` naming the word.
    static func parse(_ words: [String]) throws(Invalid) -> Options? {
        guard let command = words.first, command != "help", command != "--help" else { return nil }
        guard command == "checkout" else {
            throw Invalid(description: "unknown scenario '\(command)'; there is: checkout")
        }
        var options = Options()
        var rest = words.dropFirst()
        while let flag = rest.popFirst() {
            if flag == "--json" {
                options.printsJSON = true
                continue
            }
            if flag == "--hot" {
                options.wantsOneProduct = true
                continue
            }
            guard let value = rest.popFirst() else {
                throw Invalid(description: "\(flag) needs a value; see load help")
            }
            try options.set(flag, value)
        }
        return options
    }

    private mutating func set(_ flag: String, _ value: String) throws(Invalid) {
        switch flag {
        case "--url": try setURL(value)
        case "--data": data = value
        case "--history": history = value
        case "--users": users = try Self.number(flag, value, 1...1000)
        case "--accounts": accounts = try Self.number(flag, value, 1...1000)
        case "--rate": rate = try Self.number(flag, value, 1...100_000)
        case "--lines": lines = try Self.number(flag, value, 1...10)
        case "--seconds": seconds = try Self.number(flag, value, 1...3600)
        default: throw Invalid(description: "unknown flag '\(flag)'; see load help")
        }
    }

    private mutating func setURL(_ text: String) throws(Invalid) {
        let invalid = Invalid(
            description: "--url '\(text)' is not http://127.0.0.1:PORT or http://localhost:PORT"
        )
        guard text.hasPrefix("http://") else { throw invalid }
        let parts = text.dropFirst(7).split(separator: "/").first?.split(separator: ":") ?? []
        guard parts.count == 2, let name = parts.first, let number = parts.last,
            let port = UInt16(number), name == "localhost" || name.hasPrefix("127.")
        else { throw invalid }
        host = name == "localhost" ? "127.0.0.1" : String(name)
        self.port = port
    }

    private static func number(
        _ flag: String,
        _ text: String,
        _ range: ClosedRange<Int>
    ) throws(Invalid) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw Invalid(
                description: "\(flag) '\(text)' is not a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)"
            )
        }
        return number
    }
}
