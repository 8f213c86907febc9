internal import Contracts

/// What a customer is told.
struct Message: Sendable, Equatable {
    let subject: String
    let body: String
}

extension Message {
    /// The order is paid and its goods are theirs.
    static func confirmed(_ order: OrderEventData) -> Message {
        Message(
            subject: "Your order is confirmed: \(goods(of: order))",
            body: """
                Thank you for your order. It is confirmed and paid, and we are packing it.

                \(lines(of: order))

                Total: \(total(of: order))
                Order: \(order.orderID)
                """
        )
    }

    /// The order came to nothing, and why.
    static func rejected(_ order: OrderEventData) -> Message {
        Message(
            subject: "We could not complete your order: \(goods(of: order))",
            body: """
                \(explanation(of: order.reason))

                \(lines(of: order))

                \(money(of: order.reason))
                Order: \(order.orderID)
                """
        )
    }

    /// The customer changed their mind.
    static func cancelled(_ order: OrderEventData) -> Message {
        Message(
            subject: "Your order is cancelled: \(goods(of: order))",
            body: """
                Your order is cancelled, as you asked.

                \(lines(of: order))

                We have refunded \(total(of: order)). Your bank may take a few days to show it.
                Order: \(order.orderID)
                """
        )
    }

    /// The provider has given the money back.
    static func refunded(_ payment: PaymentEventData) -> Message {
        let amount = Money(cents: payment.amountCents, currency: payment.currency)
        return Message(
            subject: "We have refunded \(amount)",
            body: """
                All of \(amount) that you paid for this order is on its way back to your card. Your \
                bank may take a few days to show it.

                Order: \(payment.orderID)
                """
        )
    }

    /// Why an order came to nothing, in words for the customer.
    ///
    /// A reason without words of its own is one of ours, and not for customers.
    private static func explanation(of reason: String?) -> String {
        switch reason {
        case "out-of-stock":
            "We are sorry: not everything you ordered is still in stock, so we have not sent any of it."
        case "card-declined":
            "Your card was declined. You can order again with another card."
        case "timed-out":
            "We are sorry: we could not complete your order in time. Please order again."
        default:
            "We are sorry: something went wrong on our side. Please order again."
        }
    }

    /// Where the customer's money is: before the charge nothing was taken; when time ran out, nobody
    /// told us whether it was, so it has been undone.
    private static func money(of reason: String?) -> String {
        switch reason {
        case "out-of-stock", "card-declined": "You have not been charged."
        default: "If your card was charged, all of it has been given back."
        }
    }

    /// The first product, and how many more there are: it must fit a subject line.
    private static func goods(of order: OrderEventData) -> String {
        guard let first = order.lines.first else { return "\(order.orderID)" }
        let others = order.lines.count - 1
        return others == 0 ? plain(first.title) : "\(plain(first.title)) and \(others) more"
    }

    private static func lines(of order: OrderEventData) -> String {
        order.lines.map { line in
            let cents = Money.price(of: line.quantity, at: line.unitPriceCents)
            let price = cents.map { ", \(Money(cents: $0, currency: line.currency))" } ?? ""
            return "- \(line.quantity) × \(plain(line.title))\(price)"
        }.joined(separator: "\n")
    }

    /// A title without control characters: a line break in it would end an e-mail's subject and begin
    /// another header, and a NUL cannot be stored.
    private static func plain(_ title: String) -> String {
        let scalars = title.unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    private static func total(of order: OrderEventData) -> Money {
        Money(cents: order.totalCents, currency: order.currency)
    }
}
