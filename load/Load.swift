internal import Glibc
internal import HTTP
internal import Reactor

/// Sends load and says how it was taken.
@main
enum Load {
    static func main() {
        do {
            guard let options = try Options.parse(Array(CommandLine.arguments.dropFirst())) else {
                print(Options.help)
                return
            }
            let loops = try EventLoopGroup(count: 1)
            let report = try loops.runBlocking { try await run(options) }
            print(options.printsJSON ? try json(report) : report.text)
        } catch let error as Options.Invalid {
            fail("\(error)", code: 64)
        } catch {
            fail("\(error)", code: 1)
        }
    }

    private static func run(_ options: Options) async throws -> Report {
        let shop = try Shop(options)
        let products = try await shop.productsInStock()
        if let folder = options.data {
            try await shop.deliver(1_000_000, of: products, stackIn: folder)
        }
        var accounts: [Account] = []
        for number in 0..<min(options.accounts ?? options.users, options.users) {
            accounts.append(try await shop.newCustomer(number))
        }
        // Not before: that there is a file tells a script that the load has begun.
        let history = try options.history.map { try History($0) }
        let start = Deadline.now
        let customers = (0..<options.users).map { [accounts] number in
            Customer(
                shop: shop,
                account: accounts[number % accounts.count],
                products: options.wantsOneProduct ? Array(products.prefix(1)) : products,
                maxLines: options.lines,
                pace: options.rate.map { Pace(rate: $0, number, of: options.users, from: start) },
                history: history
            )
        }
        let end = start.advanced(by: .seconds(options.seconds))
        let tally = await withTaskGroup(of: Tally.self) { group in
            for customer in customers { group.addTask { await customer.shop(until: end) } }
            var total = Tally()
            for await tally in group { total.add(tally) }
            return total
        }
        try history?.close()
        let took = Duration.nanoseconds(Int64(Deadline.now.nanoseconds - start.nanoseconds))
        return Report(tally, took: took)
    }

    private static func json(_ report: Report) throws -> String {
        String(decoding: try JSON.encode(report), as: UTF8.self)
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        let line = Array("load: \(message)\n".utf8)
        // Safe: the array is lent for the length of the call.
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(code)
    }
}
