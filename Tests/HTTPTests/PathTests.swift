import HTTP
import Testing

@Suite struct PathTests {
    @Test(
        arguments: [
            ("/", "/"), ("//", "/"), ("/a/", "/a"), ("/a//b", "/a/b"), ("/a/./b/.", "/a/b"),
            ("/a/../b", "/b"), ("/a/%2e%2E/b", "/b"), ("/a/b/..", "/a"),
            ("/.well-known/x", "/.well-known/x"), ("/%61%62", "/ab"), ("/caf%C3%A9", "/café"),
            ("/a%20b", "/a b"), ("/100%25", "/100%"), ("/a.b/c..d", "/a.b/c..d"), ("/...", "/..."),
        ])
    func `every spelling of a path becomes one`(raw: String, normal: String) {
        let path = Path(raw)
        #expect(path?.description == normal)
        #expect(path == Path(raw.replacing("b", with: "%62")))
        #expect(path?.segments == normal.split(separator: "/").map(String.init))
    }

    @Test(arguments: [
        "", "a", "/..", "/a/../..", "/%", "/%0", "/%00", "/%0a", "/%7f", "/%2f", "/%5c", "/\\",
        "/%252e", "/..;", "/.;a", "/%c3",
    ])
    func `a path that two readers could take differently is none`(raw: String) {
        #expect(Path(raw) == nil)
    }

    @Test func `a query decodes names and values`() {
        let query = Query("a=1&b=x+y%26&a=2&c&=d&&e=f=g")
        #expect(query.first("a") == "1")
        #expect(query.all("a") == ["1", "2"])
        #expect(query.first("b") == "x y&")
        #expect(query.first("c") == "")
        #expect(query.first("e") == "f=g")
        #expect(query.first("z") == nil)
        #expect(Query("").isEmpty)
        #expect((["q": "a b&c"] as Query).text == "q=a%20b%26c")
    }
}
