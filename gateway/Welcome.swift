internal import HTTP

/// The page at `/`: what this is and what to try, for people and for programs.
struct Welcome: Sendable {
    private struct Link: Encodable {
        let method: String
        let path: String
        let what: String
    }

    private struct Index: Encodable {
        let name: String
        let about: String
        let links: [Link]
    }

    private static let index = Index(
        name: "Anyway",
        about: "Everything breaks; the shop sells anyway.",
        links: [
            Link(method: "POST", path: "/users", what: "register: email, password, name"),
            Link(method: "POST", path: "/users/login", what: "sign in, get a token"),
            Link(method: "GET", path: "/products", what: "search the catalog: q, category, sort"),
            Link(method: "PUT", path: "/cart/items/{id}", what: "put something in your cart"),
            Link(method: "GET", path: "/cart", what: "your cart"),
            Link(method: "POST", path: "/orders", what: "check out; needs an Idempotency-Key"),
            Link(method: "GET", path: "/orders", what: "your orders"),
            Link(method: "POST", path: "/orders/{id}/cancel", what: "cancel: refund, restock"),
            Link(method: "GET", path: "/orders/{id}/timeline", what: "what an order's saga did"),
            Link(method: "GET", path: "/health", what: "whether this gateway is ready"),
        ]
    )

    func add(to router: inout Router) {
        router.on(.get, "/") { request throws(Problem) in
            guard request.headers[.accept]?.contains("text/html") == true else {
                return .json(Self.index, headers: [.vary: "accept"])
            }
            return .bytes(
                [UInt8](Self.page.utf8),
                type: "text/html; charset=utf-8",
                headers: [.vary: "accept"]
            )
        }
    }

    private static var page: String {
        let rows = index.links.map { link in
            "<tr><td>\(link.method)<td><code>\(link.path)</code><td>\(link.what)"
        }
        return """
            <!doctype html>
            <html lang="en"><meta charset="utf-8"><title>\(index.name)</title>
            <style>body{font:16px/1.5 system-ui;margin:3rem auto;max-width:44rem;padding:0 1rem}
            td{padding:.2rem 1rem .2rem 0}</style>
            <h1>\(index.name)</h1><p>\(index.about)</p>
            <table>\(rows.joined(separator: "\n"))</table></html>

            """
    }
}
