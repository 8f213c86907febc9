import Contracts
import FoundationEssentials
import HTTP
import Messaging
import Postgres
import PostgresHarness
import Testing

@testable import NotificationService

/// An order as its events tell of it.
func orderEventData(
    titles: [String] = ["Kettle", "Toaster"],
    reason: String? = nil,
    customer: UserID = .next(),
    order: OrderID = .next()
) -> OrderEventData {
    let lines = titles.map { title in
        QuotedLine(
            productID: .next(),
            title: title,
            quantity: 2,
            unitPriceCents: 6_905,
            currency: "USD"
        )
    }
    return OrderEventData(
        orderID: order,
        customerID: customer,
        totalCents: Int64(titles.count) * 13_810,
        currency: "USD",
        lines: lines,
        reason: reason
    )
}

/// An event as the order service's feed hands it out.
func orderEvent(_ type: String, _ data: String, id: UUID = UUID()) throws -> CloudEvent {
    let text = """
        {"specversion":"1.0","id":"\(id.uuidString.lowercased())","source":"/order","type":"\(type)",
         "subject":"o-1","time":"2026-01-31T12:00:00.000Z","datacontenttype":"application/json",
         "sequence":"2","hlc":"1","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
         "data":\(data)}
        """
    return try JSON.decode(CloudEvent.self, from: Array(text.utf8))
}

func orderEvent(_ type: String, _ data: OrderEventData, id: UUID = UUID()) throws -> CloudEvent {
    try orderEvent(type, String(decoding: JSON.encode(data), as: UTF8.self), id: id)
}

@Suite struct MessageTests {
    @Test func `a confirmation lists what was bought and what it cost`() {
        let message = Message.confirmed(orderEventData())
        #expect(message.subject == "Your order is confirmed: Kettle and 1 more")
        #expect(message.body.contains("- 2 × Kettle, 138.10 USD\n- 2 × Toaster, 138.10 USD"))
        #expect(message.body.contains("Total: 276.20 USD"))
    }

    @Test func `an order of one product is named by it`() {
        #expect(
            Message.confirmed(orderEventData(titles: ["Kettle"])).subject
                == "Your order is confirmed: Kettle"
        )
    }

    @Test func `an order without lines still makes a message`() {
        let order = orderEventData(titles: [])
        #expect(Message.cancelled(order).subject == "Your order is cancelled: \(order.orderID)")
    }

    @Test func `each known reason for a rejection has words of its own`() {
        let bodies = ["out-of-stock", "card-declined", "timed-out", nil].map { reason in
            Message.rejected(orderEventData(reason: reason)).body.split(separator: "\n").first ?? ""
        }
        #expect(Set(bodies).count == 4)
        #expect(bodies.allSatisfy { $0.hasSuffix(".") })
    }

    @Test func `whoever may have been charged is told where the money is`() {
        for reason in ["out-of-stock", "card-declined", "timed-out", nil] {
            let body = Message.rejected(orderEventData(reason: reason)).body
            let isCertain = reason == "out-of-stock" || reason == "card-declined"
            #expect(body.contains("You have not been charged.") == isCertain)
            #expect(body.contains("given back") == !isCertain)
        }
    }

    @Test func `a reason that is not for customers is not shown to them`() {
        let message = Message.rejected(orderEventData(reason: "SQLSTATE 57P01"))
        #expect(!message.body.contains("SQLSTATE") && !message.subject.contains("SQLSTATE"))
    }

    @Test func `a title cannot break out of the subject line`() {
        let message = Message.confirmed(orderEventData(titles: ["Kettle\r\nBcc: a@b.c\u{0}"]))
        #expect(message.subject == "Your order is confirmed: Kettle  Bcc: a@b.c ")
        #expect(!message.body.contains("\u{0}"))
    }

    @Test func `a sum too large to compute is left out rather than wrong`() {
        let line = QuotedLine(
            productID: .next(),
            title: "Star",
            quantity: .max,
            unitPriceCents: .max,
            currency: "USD"
        )
        let order = OrderEventData(
            orderID: .next(),
            customerID: .next(),
            totalCents: 0,
            currency: "USD",
            lines: [line]
        )
        #expect(Message.confirmed(order).body.contains("× Star\n"))
    }
}

@Suite struct ReactionTests {
    @Test(arguments: [OrderEvent.confirmed, OrderEvent.rejected, OrderEvent.cancelled])
    func `an ending is told to the customer`(_ type: String) throws {
        let order = orderEventData(reason: type == OrderEvent.rejected ? "out-of-stock" : nil)
        let event = try orderEvent(type, order)
        guard case .deliver(let delivery) = Reaction(to: event) else {
            Issue.record("\(type) was not delivered")
            return
        }
        #expect(delivery.eventID == event.id && delivery.kind == type)
        #expect(delivery.userID == order.customerID && delivery.orderID == order.orderID)
        #expect(delivery.traceparent == event.traceparent)
    }

    @Test(arguments: [OrderEvent.placed, "order.shipped", ""])
    func `other events are not for customers`(_ type: String) throws {
        #expect(Reaction(to: try orderEvent(type, orderEventData())) == .ignore)
    }

    @Test(arguments: ["null", "{}", "[]", #""text""#, #"{"order_id":"x"}"#])
    func `an ending that cannot be read is parked`(_ data: String) throws {
        guard case .refuse = Reaction(to: try orderEvent(OrderEvent.confirmed, data)) else {
            Issue.record("\(data) was not parked")
            return
        }
    }
}

@Suite struct NotificationPageTests {
    private func page(_ query: (name: String, value: String)...) throws(NotificationPage.Invalid)
        -> NotificationPage
    {
        try NotificationPage(query: query)
    }

    @Test func `without parameters it is the first page`() throws {
        let page = try page()
        #expect(page.limit == 20 && page.before == nil)
    }

    @Test func `a cursor continues where the last page ended`() throws {
        let cursor = NotificationCursor(position: 4_711)
        let page = try page(("limit", "100"), ("cursor", cursor.text))
        #expect(page.limit == 100 && page.before == cursor)
    }

    @Test(arguments: [
        ("limit", "0"), ("limit", "101"), ("limit", "-1"), ("limit", "+5"), ("limit", ""),
        ("cursor", ""), ("cursor", "n"), ("cursor", "n0"), ("cursor", "n-1"), ("cursor", "nZZ"),
        ("cursor", "n01"), ("cursor", "4711"), ("page", "2"),
    ])
    func `a bad parameter is named`(_ parameter: (name: String, value: String)) {
        let error = #expect(throws: NotificationPage.Invalid.self) { try page(parameter) }
        #expect(error?.parameter == parameter.name)
    }

    @Test func `a repeated parameter is named`() {
        let error = #expect(throws: NotificationPage.Invalid.self) {
            try page(("limit", "1"), ("limit", "1"))
        }
        #expect(error?.parameter == "limit")
    }
}
