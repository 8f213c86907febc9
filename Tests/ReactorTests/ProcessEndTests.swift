import COpenSSL
import Glibc
import Reactor
import Testing

@Suite struct ProcessEndTests {
    @Test func `OpenSSL is left alone when a process ends, since threads may be in it`() async {
        await #expect(processExitsWith: .exitCode(0)) {
            // What OpenSSL calls when it cleans up.
            OPENSSL_atexit { _exit(3) }
            _ = RAND_status()
            exit(0)
        }
    }
}
