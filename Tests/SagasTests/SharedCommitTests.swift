import FoundationEssentials
import Postgres
import Testing

@testable import Sagas

@Suite struct SharedCommitTests {
    @Test func `a saga that has another driver is fenced, and those beside it end`() async throws {
        try await Rehearsal.run { rehearsal in
            let runner = rehearsal.runner("a.1")
            let ids = (0..<12).map { _ in UUID() }
            for id in ids { try await rehearsal.database.run(runner.start(id)) }
            let fenced = await withTaskGroup(of: UUID?.self) { group in
                for (number, id) in ids.enumerated() {
                    group.addTask {
                        // The fifth was adopted meanwhile, and counts a higher epoch.
                        let epoch: Int64 = number == 5 ? 7 : 1
                        let end = EndSaga(
                            id: id,
                            kind: runner.saga.name,
                            epoch: epoch,
                            phase: .running
                        )
                        let log = InsertSagaLog(id: id, epoch: epoch, driver: "a.1", entries: [])
                        do throws(DatabaseError) {
                            try await runner.commits([end, log])
                            return nil
                        } catch {
                            return SagaCommit.isFence(error) ? id : nil
                        }
                    }
                }
                return await group.reduce(into: [UUID]()) { $0 += $1.map { [$0] } ?? [] }
            }
            #expect(fenced == [ids[5]])
            for (number, id) in ids.enumerated() {
                let pending = try await rehearsal.database.one(FindPendingSagas(id: id))
                #expect((pending != nil) == (number == 5))
                let entries = try await rehearsal.database.all(FindSagaLog(id: id))
                #expect(entries.count == (number == 5 ? 0 : 1))
            }
        }
    }

    @Test func `sagas started together are all started, with their own drivers`() async throws {
        try await Rehearsal.run { rehearsal in
            let runner = rehearsal.runner("a.1")
            let ids = (0..<9).map { _ in UUID() }
            try await rehearsal.database.run(StartSaga.merged(ids.map { runner.start($0) }))
            for id in ids {
                let pending = try await rehearsal.database.one(FindPendingSagas(id: id))
                #expect(pending?.phase == "running")
            }
        }
    }
}
