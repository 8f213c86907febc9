import HTTP
import Testing

@Suite struct ConditionTests {
    @Test(arguments: [
        ("\"1\"", true, true), ("\"2\"", false, false), ("*", true, true), (" * ", true, true),
        ("W/\"1\"", false, true),
        ("\"2\", \"1\"", true, true), ("\"2\",W/\"1\"", false, true), ("\"a,\\\"1\"", false, false),
        ("\"2,\", \"1\"", true, true),
        ("1", false, false), ("\"1", false, false), ("", false, false),
        ("\"1\" \"2\"", false, false), ("w/\"1\"", false, false),
        ("*, \"1\"", false, false), (",, \"1\",", true, true), ("\"\"", false, false),
    ])
    func `tags are compared strongly and weakly`(value: String, strongly: Bool, weakly: Bool) {
        let tags = EntityTags(value)
        #expect(tags.matchesStrongly("\"1\"") == strongly)
        #expect(tags.matchesWeakly("\"1\"") == weakly)
        #expect(tags == .any || !tags.matchesStrongly("W/\"1\""))
    }

    @Test func `several fields are one list`() {
        #expect(EntityTags(["\"1\"", "\"2\""]) == .these(["\"1\"", "\"2\""]))
        #expect(EntityTags([String]()) == nil)
    }

    @Test(
        arguments: [
            ([:], "\"1\"", true), ([.ifMatch: "\"1\""], "\"1\"", true),
            ([.ifMatch: "\"0\""], "\"1\"", false),
            ([.ifMatch: "*"], "\"1\"", true), ([.ifMatch: "*"], nil, false),
            ([.ifNoneMatch: "*"], nil, true),
            ([.ifNoneMatch: "*"], "\"1\"", false), ([.ifNoneMatch: "W/\"1\""], "\"1\"", false),
            ([.ifMatch: "W/\"1\""], "\"1\"", false),
        ] as [(Headers, String?, Bool)]
    )
    func `a change is made to the version that was seen`(
        headers: Headers,
        tag: String?,
        passes: Bool
    ) {
        let request = Request(.put, "/", headers: headers)
        do throws(Problem) {
            try request.requireMatch(tag)
            #expect(passes)
        } catch {
            #expect(!passes && error.status == .preconditionFailed)
            #expect(error.headers[.etag] == tag)
        }
    }

    @Test func `a GET of a known version is a 304 without content`() {
        let known = Request(.get, "/", headers: [.ifNoneMatch: "W/\"1\""])
        let response = known.unlessUnchanged(
            "\"1\"",
            .text("x", headers: [.cacheControl: "no-cache"])
        )
        #expect(response.status == .notModified && !response.headers.contains(.contentType))
        #expect(response.headers[.etag] == "\"1\"" && response.headers[.cacheControl] == "no-cache")
        #expect(Request(.get, "/").unlessUnchanged("\"1\"", .text("x")).status == .ok)
        #expect(known.unlessUnchanged("\"1\"", .text("x", status: .notFound)).status == .notFound)
    }

    @Test(
        arguments: [
            (nil, "application/json"), ("*/*", "application/json"), ("text/html", "text/html"),
            ("text/*", "text/html"),
            ("text/html;q=0.5, application/json;q=0.4", "text/html"),
            ("application/json;q=0, */*", "text/html"),
            ("image/png", "406"), ("application/json;q=0", "406"), ("*/*;q=0", "406"),
            ("TEXT/HTML; Level=1", "text/html"),
        ] as [(String?, String)]
    )
    func `the type that the client likes best, or 406`(accept: String?, expected: String) {
        let request = Request(.get, "/", headers: accept.map { [.accept: $0] } ?? [:])
        do throws(Problem) {
            #expect(try request.preferred(of: ["application/json", "text/html"]) == expected)
        } catch {
            #expect(String(error.status.code) == expected)
        }
    }
}
