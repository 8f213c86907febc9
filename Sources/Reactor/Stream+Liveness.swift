import CLinux
import Glibc

extension Stream {
    /// Whether the peer is known to have finished sending, or the connection to have failed.
    ///
    /// A pool asks this before it uses a kept connection again; false is no promise.
    public var isHungUp: Bool { isClosed || watcher.isHungUp }

    /// Whether the peer has sent nothing that was not read, and has not ended: asked of the socket, because the
    /// loop may not have been told yet.
    ///
    /// TLS reads here what is meant for itself, such as tickets. A connection that is not silent has to be
    /// closed: what it said may be lost.
    ///
    /// - Parameter scratch: an empty buffer to read into.
    public func isSilent(_ scratch: inout ByteBuffer) -> Bool {
        guard !isHungUp else { return false }
        guard tls == nil else {
            do throws(SocketError) { return try readNow(into: &scratch) == nil } catch {
                return false
            }
        }
        var byte: UInt8 = 0
        let flags = Int32(MSG_PEEK | MSG_DONTWAIT)
        // Safe: one byte is lent for the call, which is told its size.
        return unsafe recv(descriptor, &byte, 1, flags) < 0 && errno == EAGAIN
    }

    /// Has `report` called on the loop when the connection fails: when the peer resets it, or the
    /// network gives up on it.
    ///
    /// A peer that only ends its own half is not reported, nor is a failure that was seen before. One
    /// report replaces the other; nil takes it off.
    public func onFailure(_ report: (() -> Void)?) { watcher.onFailure = report }

    /// Closes the connection with a reset: what was not delivered is thrown away, and the peer learns
    /// that what it has is not everything.
    ///
    /// For answers that must not look complete, and for peers that do not read.
    public func closeHard() {
        guard !isClosed else { return }
        var option = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, size)
        close(orderly: false)
    }
}
