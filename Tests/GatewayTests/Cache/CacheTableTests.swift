import HTTP
import Testing

@testable import Gateway

/// RFC 9111 line by line, through a real gateway and a scripted origin.
///
/// `Age` in an answer stands for time that has passed, so that no line has to wait.
@Suite struct CacheTableTests {
    @Test func `what is fresh is given again, what is not is asked for again`() async throws {
        try await play(Self.freshness, on: CacheBench())
    }

    static let freshness = CacheCase.table(
        #"""
        nothing said :: 200 :: GET > 200 #1 fwd=uri-miss !stored // GET > 200 #2 fwd=uri-miss
        max-age :: 200 | cache-control: max-age=60 :: GET > 200 #1 fwd=uri-miss fwd-status=200 stored // GET > 200 #1 hit !fwd-status=200 !stored :: calls=1
        max-age=0 :: 200 | cache-control: max-age=0 :: GET > #1 // GET > #2
        max-age=0 with a validator :: 200 | cache-control: max-age=0 | etag: "a" // 304 :: GET > #1 stored // GET > 200 #1 fwd=stale fwd-status=304
        older than max-age on arrival :: 200 | cache-control: max-age=60 | age: 61 :: GET > #1 // GET > #2 fwd=stale
        younger than max-age on arrival :: 200 | cache-control: max-age=600 | age: 61 :: GET > #1 // GET > #1 hit
        Age adds up :: 200 | cache-control: max-age=99999 | age: 7000 :: GET > #1 // GET > #1 hit +age
        apparent age :: 200 | cache-control: max-age=60 | date: {now-70} :: GET > #1 // GET > #2
        a clock that is ahead is no age :: 200 | cache-control: max-age=60 | date: {now+70} :: GET > #1 // GET > #1 hit
        Expires ahead :: 200 | expires: {now+60} :: GET > #1 // GET > #1 hit
        Expires past :: 200 | expires: {now-60} :: GET > #1 // GET > #2
        Expires now :: 200 | expires: {now} :: GET > #1 // GET > #2
        Expires counts from Date :: 200 | date: {now-100} | expires: {now-50} | age: 0 :: GET > #1 // GET > #2
        Expires 0 :: 200 | expires: 0 :: GET > #1 // GET > #2
        Expires that is no date :: 200 | expires: Thu, 18 Aug 2050 2:01:18 GMT :: GET > #1 // GET > #2
        Expires as RFC 850 has it :: 200 | expires: Thursday, 18-Aug-50 02:01:18 GMT :: GET > #1 // GET > #1 hit
        Expires as asctime has it :: 200 | expires: Thu Aug  8 02:01:18 2050 :: GET > #1 // GET > #1 hit
        max-age over Expires :: 200 | cache-control: max-age=60 | expires: {now-60} :: GET > #1 // GET > #1 hit
        max-age=0 over Expires :: 200 | cache-control: max-age=0 | expires: {now+60} :: GET > #1 // GET > #2
        s-maxage over max-age :: 200 | cache-control: max-age=0, s-maxage=60 :: GET > #1 // GET > #1 hit
        s-maxage over max-age, the other way :: 200 | cache-control: max-age=60, s-maxage=0 :: GET > #1 // GET > #2
        in two lines :: 200 | cache-control: max-age=60 | cache-control: s-maxage=0 :: GET > #1 // GET > #2
        the first of two counts :: 200 | cache-control: max-age=60, max-age=0 :: GET > #1 // GET > #1 hit
        in any case :: 200 | cache-control: MaX-AgE=60 :: GET > #1 // GET > #1 hit
        with an extension :: 200 | cache-control: foo=bar, max-age=60, baz :: GET > #1 // GET > #1 hit
        quoted :: 200 | cache-control: max-age="60" :: GET > #1 // GET > #1 hit
        hidden in a quoted string :: 200 | cache-control: x="a, max-age=60", max-age=0 :: GET > #1 // GET > #2
        in single quotes :: 200 | cache-control: max-age='60' :: GET > #1 // GET > #2
        negative :: 200 | cache-control: max-age=-60 :: GET > #1 // GET > #2
        a fraction :: 200 | cache-control: max-age=60.5 :: GET > #1 // GET > #2
        letters :: 200 | cache-control: max-age=60s | expires: {now+60} :: GET > #1 // GET > #2
        leading zeros :: 200 | cache-control: max-age=0060 :: GET > #1 // GET > #1 hit
        larger than any integer :: 200 | cache-control: max-age=99999999999999999999 :: GET > #1 // GET > #1 hit
        Age that is no number :: 200 | cache-control: max-age=60 | age: abc :: GET > #1 // GET > #1 hit
        negative Age :: 200 | cache-control: max-age=60 | age: -70 :: GET > #1 // GET > #1 hit
        the first Age counts :: 200 | cache-control: max-age=60 | age: 70, 0 :: GET > #1 // GET > #2
        the first Age line counts :: 200 | cache-control: max-age=60 | age: 0 | age: 70 :: GET > #1 // GET > #1 hit
        huge Age :: 200 | cache-control: max-age=60 | age: 99999999999999999999 :: GET > #1 // GET > #2
        Date stays what it was :: 200 | cache-control: max-age=60 | date: Sun, 06 Nov 2050 08:49:37 GMT :: GET > date=Sun,_06_Nov_2050_08:49:37_GMT // GET > hit date=Sun,_06_Nov_2050_08:49:37_GMT
        """#
    )

    @Test func `a response's directives are obeyed`() async throws {
        try await play(Self.directives, on: CacheBench())
    }

    static let directives = CacheCase.table(
        #"""
        no-store :: 200 | cache-control: no-store, max-age=60 :: GET > #1 !stored // GET > #2
        No-StOrE :: 200 | cache-control: No-StOrE, max-age=60 :: GET > #1 // GET > #2
        private :: 200 | cache-control: private, max-age=60 :: GET > #1 !stored // GET > #2
        private fields are left out :: 200 | cache-control: private="x-user, x-b", max-age=60 | x-user: ada | x-b: 1 | x-c: 2 :: GET > #1 x-user=ada // GET > #1 hit !x-user !x-b x-c=2
        no-cache fields are left out :: 200 | cache-control: no-cache="x-user", max-age=60 | x-user: ada :: GET > #1 x-user=ada // GET > #1 hit !x-user
        no-cache :: 200 | cache-control: no-cache, max-age=60 :: GET > #1 // GET > #2
        no-cache with a validator :: 200 | cache-control: no-cache, max-age=60 | etag: "a" // 304 :: GET > #1 stored // GET > #1 fwd=stale fwd-status=304 :: if-none-match: "a"
        no-cache alone with a validator :: 200 | cache-control: no-cache | etag: "a" // 304 :: GET > #1 // GET > #1 fwd-status=304
        public alone says nothing about time :: 200 | cache-control: public :: GET > #1 // GET > #2
        must-understand, understood :: 200 | cache-control: must-understand, no-store, max-age=60 :: GET > #1 // GET > #1 hit
        must-understand, not understood :: 299 | cache-control: must-understand, no-store, max-age=60 :: GET > #1 // GET > #2
        Set-Cookie is not for others :: 200 | cache-control: public, max-age=60 | set-cookie: a=b :: GET > #1 set-cookie=a=b !stored // GET > #2 set-cookie=a=b
        Set-Cookie left out :: 200 | cache-control: max-age=60, no-cache="set-cookie" | set-cookie: a=b :: GET > #1 set-cookie=a=b // GET > #1 hit !set-cookie
        event streams :: 200 | cache-control: max-age=60 | content-type: text/event-stream :: GET > 200 !stored // GET > 200 !hit :: calls=2
        a targeted field wins :: 200 | cache-control: no-store | cdn-cache-control: max-age=60 :: GET > #1 // GET > #1 hit
        a targeted field forbids :: 200 | cache-control: max-age=60 | cdn-cache-control: no-store :: GET > #1 // GET > #2
        a targeted field over Expires :: 200 | expires: {now+60} | cdn-cache-control: max-age=0 :: GET > #1 // GET > #2
        a malformed targeted field is none :: 200 | cache-control: no-store | cdn-cache-control: max-age=60, && :: GET > #1 // GET > #2
        a targeted field of the wrong type is none :: 200 | cache-control: no-store | cdn-cache-control: max-age="60" :: GET > #1 // GET > #2
        an empty targeted field is none :: 200 | cache-control: max-age=60 | cdn-cache-control:  :: GET > #1 // GET > #1 hit
        fields of the inside are not kept :: 200 | cache-control: max-age=60 | x-anyway-user: ada :: GET > !x-anyway-user // GET > hit !x-anyway-user
        a cache before this one is named first :: 200 | cache-control: max-age=60 | cache-status: far; hit :: GET > cache-status=far;_hit // GET > cache-status=far;_hit
        """#
    )

    @Test func `a request's directives are obeyed`() async throws {
        try await play(Self.wishes, on: CacheBench())
    }

    static let wishes = CacheCase.table(
        #"""
        no-cache :: 200 | cache-control: max-age=60 :: GET > #1 // GET | cache-control: no-cache > #2 fwd=request stored // GET > #2 hit
        no-cache validates :: 200 | cache-control: max-age=60 | etag: "a" // 304 | cache-control: max-age=60 :: GET > #1 // GET | cache-control: no-cache > 200 #1 fwd=request fwd-status=304
        Pragma :: 200 | cache-control: max-age=60 :: GET > #1 // GET | pragma: no-cache > #2 fwd=request
        Pragma beside Cache-Control is nothing :: 200 | cache-control: max-age=60 :: GET > #1 // GET | pragma: no-cache | cache-control: x > #1 hit
        no-store keeps nothing :: 200 | cache-control: max-age=60 :: GET | cache-control: no-store > #1 !stored // GET > #2 stored
        max-age=0 :: 200 | cache-control: max-age=60 | age: 5 :: GET > #1 // GET | cache-control: max-age=0 > #2 fwd=request
        max-age below the age :: 200 | cache-control: max-age=600 | age: 100 :: GET > #1 // GET | cache-control: max-age=50 > #2 fwd=request
        max-age above the age :: 200 | cache-control: max-age=600 | age: 100 :: GET > #1 // GET | cache-control: max-age=200 > #1 hit
        min-fresh :: 200 | cache-control: max-age=600 | age: 500 :: GET > #1 // GET | cache-control: min-fresh=200 > #2 fwd=request
        min-fresh that there is :: 200 | cache-control: max-age=600 | age: 100 :: GET > #1 // GET | cache-control: min-fresh=200 > #1 hit
        max-stale :: 200 | cache-control: max-age=60 | age: 100 :: GET > #1 // GET | cache-control: max-stale=100 > #1 hit
        max-stale of any length :: 200 | cache-control: max-age=60 | age: 100000 :: GET > #1 // GET | cache-control: max-stale > #1 hit
        max-stale too short :: 200 | cache-control: max-age=60 | age: 100 :: GET > #1 // GET | cache-control: max-stale=10 > #2 fwd=stale
        max-stale against must-revalidate :: 200 | cache-control: max-age=60, must-revalidate | age: 100 :: GET > #1 // GET | cache-control: max-stale > #2
        max-stale against proxy-revalidate :: 200 | cache-control: max-age=60, proxy-revalidate | age: 100 :: GET > #1 // GET | cache-control: max-stale > #2
        max-stale against s-maxage :: 200 | cache-control: s-maxage=60 | age: 100 :: GET > #1 // GET | cache-control: max-stale > #2
        only-if-cached, nothing there :: 200 | cache-control: max-age=60 :: GET | cache-control: only-if-cached > 504 :: calls=0
        only-if-cached, fresh :: 200 | cache-control: max-age=60 :: GET > #1 // GET | cache-control: only-if-cached > #1 hit
        only-if-cached, stale :: 200 | cache-control: max-age=60 | age: 61 :: GET > #1 // GET | cache-control: only-if-cached > 504 :: calls=1
        malformed ones are none :: 200 | cache-control: max-age=60 :: GET > #1 // GET | cache-control: max-age=x, min-fresh=-1, , = > #1 hit
        """#
    )

    @Test func `Vary tells requests apart`() async throws {
        try await play(Self.vary, on: CacheBench())
    }

    static let vary = CacheCase.table(
        #"""
        the same :: 200 | cache-control: max-age=60 | vary: foo :: GET | foo: 1 > #1 // GET | foo: 1 > #1 hit
        another :: 200 | cache-control: max-age=60 | vary: foo :: GET | foo: 1 > #1 // GET | foo: 2 > #2 fwd=vary-miss // GET | foo: 1 > #1 hit // GET | foo: 2 > #2 hit
        none then one :: 200 | cache-control: max-age=60 | vary: foo :: GET > #1 // GET | foo: 1 > #2
        one then none :: 200 | cache-control: max-age=60 | vary: foo :: GET | foo: 1 > #1 // GET > #2
        neither :: 200 | cache-control: max-age=60 | vary: foo :: GET > #1 // GET | bar: 1 > #1 hit
        two fields :: 200 | cache-control: max-age=60 | vary: foo, bar :: GET | foo: 1 | bar: 2 > #1 // GET | foo: 1 | bar: 3 > #2 // GET | bar: 2 | foo: 1 > #1 hit
        in two lines :: 200 | cache-control: max-age=60 | vary: foo | vary: bar :: GET | foo: 1 | bar: 2 > #1 // GET | foo: 1 | bar: 3 > #2
        names in any case :: 200 | cache-control: max-age=60 | vary: FoO :: GET | foo: 1 > #1 // GET | foo: 2 > #2 // GET | foo: 1 > #1 hit
        * :: 200 | cache-control: max-age=60 | vary: * :: GET > #1 !stored // GET > #2
        foo, * :: 200 | cache-control: max-age=60 | vary: foo, * :: GET > #1 // GET > #2
        , * :: 200 | cache-control: max-age=60 | vary: , * :: GET > #1 // GET > #2
        lines are one list :: 200 | cache-control: max-age=60 | vary: foo :: GET | foo: 1 | foo: 2 > #1 // GET | foo: 1,2 > #1 hit // GET | foo: 1 ,  2 > #1 hit
        values keep their case :: 200 | cache-control: max-age=60 | vary: foo :: GET | foo: a > #1 // GET | foo: A > #2
        languages do not :: 200 | cache-control: max-age=60 | vary: accept-language :: GET | accept-language: en, DE > #1 // GET | accept-language: EN,de > #1 hit
        fields that are not named do not matter :: 200 | cache-control: max-age=60 :: GET | accept: a/b > #1 // GET | accept: c/d > #1 hit
        a name that the gateway sets itself :: 200 | cache-control: max-age=60 | vary: x-forwarded-for :: GET > #1 !stored // GET > #2
        identity :: 200 | cache-control: max-age=60 | vary: x-anyway-user :: GET > #1 !stored // GET > #2
        a cookie :: 200 | cache-control: max-age=60 | vary: cookie :: GET | cookie: a=1 > #1 // GET | cookie: a=2 > #2 // GET | cookie: a=1 > #1 hit
        the host is part of every key :: 200 | cache-control: max-age=60 | vary: host :: GET | host: a > #1 // GET | host: b > #2 // GET | host: A > #1 hit
        the host without Vary :: 200 | cache-control: max-age=60 :: GET | host: a > #1 // GET | host: b > #2 fwd=uri-miss
        a client's X-Forwarded-Host reaches nobody :: 200 | cache-control: max-age=60 :: GET | x-forwarded-host: evil | host: a > #1 // GET | host: a > #1 hit :: x-forwarded-host: a
        the query :: 200 | cache-control: max-age=60 :: GET ?a=1 > #1 // GET ?a=2 > #2 // GET ?a=1 > #1 hit // GET > #3
        spellings of a path are one :: 200 | cache-control: max-age=60 :: GET > #1 // GET /./ > #1 hit
        validation keeps to its variant :: 200 | cache-control: max-age=60 | age: 61 | vary: foo | etag: "a" // 200 | cache-control: max-age=60 | vary: foo | etag: "b" // 304 | cache-control: max-age=60 :: GET | foo: 1 > #1 // GET | foo: 2 > #2 // GET | foo: 1 > #1 fwd-status=304 // GET | foo: 2 > #2 hit :: if-none-match: "a"
        """#
    )
}
