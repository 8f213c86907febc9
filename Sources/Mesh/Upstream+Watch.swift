internal import HTTP
internal import Reactor
internal import Synchronization
internal import Telemetry

extension Upstream {
    /// Resolves names and probes instances until the task is cancelled; run it once, on a loop.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepResolving() }
            await keepProbing(&group)
        }
    }

    /// Looks the names up and takes their addresses as the instances.
    ///
    /// A name that cannot be resolved, or not in time, keeps all that are known: DNS may be what is
    /// broken.
    func resolve(until deadline: Deadline) async {
        var found: [SocketAddress] = []
        for endpoint in endpoints.all {
            do throws(SocketError) {
                found += try await resolver(endpoint.host, endpoint.port, deadline)
            } catch {
                log.debug("a name has no address", ["host": .string(endpoint.host)])
                found += shared.withLock { $0.state.instances.map(\.address) }
            }
        }
        guard !found.isEmpty else { return }
        shared.withLock { [found] shared in
            shared.state.replace(with: found, at: Self.now)
        }
    }

    /// How long a name's look-up may take when no call waits for it.
    private static let lookUpTime = Duration.seconds(30)

    private func keepResolving() async {
        while !Task.isCancelled {
            await resolve(until: .after(Self.lookUpTime))
            do { try await EventLoop.sleep(for: policy.resolveInterval) } catch { return }
        }
    }

    private func keepProbing(_ group: inout DiscardingTaskGroup) async {
        guard let path = policy.healthPath else { return }
        let tick = min(policy.health.interval, policy.health.intervalWhenOut, .seconds(1))
        while !Task.isCancelled {
            for address in shared.withLock({ $0.state.dueProbes(at: Self.now) }) {
                group.addTask { await self.probe(address, path) }
            }
            do { try await EventLoop.sleep(for: tick) } catch { return }
        }
    }

    /// Asks an instance whether it is ready; any answer but success means it is not.
    private func probe(_ address: SocketAddress, _ path: String) async {
        let limit = Deadline.after(policy.health.timeout)
        var succeeded = false
        do {
            let response = try await client.send(
                ClientRequest(.get, path),
                to: endpoint(address),
                until: limit
            )
            succeeded = response.status.isSuccess
            _ = try? await response.body(limit: 65_536)
        } catch {
            guard !Task.isCancelled else { return }
            // Our own limit says nothing about the instance.
            if case .exhausted = error { return }
            if case .identityMismatch(let reason) = error { report(refusal: reason, of: address) }
        }
        let changes = shared.withLock { [succeeded] shared in
            shared.state.probed(address, succeeded: succeeded, at: Self.now)
        }
        report(changes, of: address)
    }
}
