import FoundationEssentials
import Glibc
import Reactor
import Synchronization
import Testing

@testable import Journaling

@Suite struct JournalTests {
    @Test func `an entry is there after the process died, and gone once it was removed`()
        async throws
    {
        try await withFolder { folder in
            let first = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            let numbers = try await write(["a", "b", "c"], to: first)
            first.remove(numbers[1])
            await first.close()

            let second = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(second.found.map { String(decoding: $0.payload, as: UTF8.self) } == ["a", "c"])
            #expect(second.lostBytes == 0)
            for entry in second.found { second.remove(entry.number) }
            await second.close()
            #expect(try size(folder) == 0)
        }
    }

    @Test func `numbers go on where they were, so that an old removal cannot hit a new entry`()
        async throws
    {
        try await withFolder { folder in
            let first = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            let numbers = try await write(["a", "b"], to: first)
            first.remove(numbers[1])
            await first.close()
            let second = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            _ = try await write(["c"], to: second)
            await second.close()
            let third = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(third.found.map { String(decoding: $0.payload, as: UTF8.self) } == ["a", "c"])
            await third.close()
        }
    }

    @Test func `a torn tail is cut and what follows it is read`() async throws {
        try await withFolder { folder in
            let first = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            _ = try await write(["a", "bb"], to: first)
            await first.close()
            let whole = try size(folder)
            try #require(truncate("\(folder)/1.journal", whole - 1) == 0)
            let second = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(second.lostBytes == RecordFormat.headerSize + 1)
            #expect(!second.isDamaged)
            _ = try await write(["c"], to: second)
            await second.close()
            let third = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(third.found.map { String(decoding: $0.payload, as: UTF8.self) } == ["a", "c"])
            #expect(third.lostBytes == 0)
            await third.close()
        }
    }

    @Test func `beyond its bound nothing is stored, and there is room again after removal`()
        async throws
    {
        try await withFolder { folder in
            let size = RecordFormat.headerSize + 10
            let journal = try Journal(in: JournalFolder(folder), maxBytes: 2 * size)
            let payload = String(repeating: "x", count: 10)
            let numbers = try await write([payload, payload], to: journal)
            await #expect(throws: JournalError.full) { _ = try await write([payload], to: journal) }
            #expect(journal.depth == 2)
            for number in numbers { journal.remove(number) }
            await journal.flush()
            #expect(journal.bytes == 0)
            _ = try await write([payload], to: journal)
            await journal.close()
        }
    }

    @Test func `an entry that is never settled does not keep what was settled`() async throws {
        try await withFolder { folder in
            let maxBytes = 64 * 1024
            let journal = try Journal(in: JournalFolder(folder), maxBytes: maxBytes)
            _ = try await write(["for ever"], to: journal)
            let payload = String(repeating: "x", count: 1000)
            for round in 0..<200 {
                let numbers = try await write([payload, "\(round)"], to: journal)
                journal.remove(numbers[0])
                if round < 199 { journal.remove(numbers[1]) }
                await journal.flush()
                #expect(journal.bytes < maxBytes / 2, "round \(round)")
            }
            await journal.close()

            let again = try Journal(in: JournalFolder(folder), maxBytes: maxBytes)
            let texts = again.found.map { String(decoding: $0.payload, as: UTF8.self) }
            #expect(texts == ["for ever", "199"])
            #expect(again.lostBytes == 0)
            for entry in again.found { again.remove(entry.number) }
            await again.flush()
            #expect(again.bytes == 0)
            await again.close()
            let empty = try Journal(in: JournalFolder(folder), maxBytes: maxBytes)
            #expect(empty.found.isEmpty)
            await empty.close()
        }
    }

    @Test func `an entry that lies in both files counts once, and its removal for both`()
        async throws
    {
        try await withFolder { folder in
            let first = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            let numbers = try await write(["a", "b"], to: first)
            first.remove(numbers[1])
            await first.close()
            // As after a process that died between writing what remains and emptying the file.
            let kept = zip(numbers, ["a", "b"]).flatMap { number, text in
                RecordFormat.bytes(Record(kind: .entry, number: number, payload: Array(text.utf8)))
            }
            let file = try #require(try JournalFile.take("\(folder)/1.journal", makes: false))
            try file.keep(kept)
            file.release()
            let second = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(second.found.map { String(decoding: $0.payload, as: UTF8.self) } == ["a"])
            await second.close()
            try #require(truncate("\(folder)/1.journal", 0) == 0)
            let abandoned = try Journal(abandonedIn: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(abandoned?.depth == 2)
            await abandoned?.close()
        }
    }

    @Test func `a disk without room refuses, and keeps what it had`() async throws {
        // /dev/full takes no byte: every write ends with ENOSPC.
        let file = try #require(try JournalFile.take("/dev/full", makes: false))
        #expect(throws: JournalError.self) { () throws in
            try file.append([1, 2, 3], at: 0, syncs: true)
        }
        file.release()
    }

    @Test func `a file beyond the process's limit takes nothing of what did not fit`() async throws
    {
        try await withFolder { folder in
            // Safe in a test process: the limit is lifted again, and SIGXFSZ would only be for us.
            signal(SIGXFSZ, SIG_IGN)
            let journal = try Journal(in: JournalFolder(folder), maxBytes: 1 << 30)
            _ = try await write(["a"], to: journal)
            let before = journal.bytes
            var limit = rlimit()
            let kind = __rlimit_resource_t(1)  // RLIMIT_FSIZE
            try #require(getrlimit(kind, &limit) == 0)
            var tight = limit
            tight.rlim_cur = rlim_t(before + 100)
            try #require(setrlimit(kind, &tight) == 0)
            let big = String(repeating: "x", count: 200)
            let result = await Result.of { try await write([big], to: journal) }
            try #require(setrlimit(kind, &limit) == 0)
            #expect(throws: JournalError.self) { _ = try result.get() }
            #expect(try size(folder) == before)
            #expect(journal.depth == 1)
            _ = try await write(["b"], to: journal)
            await journal.close()
            let again = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(again.found.map { String(decoding: $0.payload, as: UTF8.self) } == ["a", "b"])
            await again.close()
        }
    }

    @Test func `processes that share a folder have a file each, and adopt what is left behind`()
        async throws
    {
        try await withFolder { folder in
            let first = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            let second = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            _ = try await write(["of the second"], to: second)
            let nothing = try Journal(abandonedIn: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(nothing == nil)
            await second.close()
            let adopted = try Journal(abandonedIn: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(adopted?.found.count == 1)
            let again = try Journal(abandonedIn: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(again == nil)
            await adopted?.close()
            await first.close()
        }
    }

    @Test func `the file is the owner's alone`() async throws {
        try await withFolder { folder in
            let journal = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            var status = stat()
            try #require(stat("\(folder)/1.journal", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            await journal.close()
        }
    }

    @Test func `a folder that cannot be used is said to be so`() {
        for folder in ["/proc/nothing", "/dev/null"] {
            #expect(throws: JournalError.self) { () throws in
                _ = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            }
        }
    }

    @Test func `a thousand at once are all stored, in far fewer writes`() async throws {
        try await withFolder { folder in
            let journal = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            let texts = (0..<1000).map { "entry \($0)" }
            _ = try await write(texts, to: journal)
            #expect(journal.flushes < 500)
            await journal.close()
            let again = try Journal(in: JournalFolder(folder), maxBytes: 1 << 20)
            #expect(again.found.map { String(decoding: $0.payload, as: UTF8.self) } == texts)
            await again.close()
        }
    }
}

// MARK: Helpers

/// Stores texts at once, with a writer beside, and gives their numbers in order.
private func write(_ texts: [String], to journal: Journal) async throws -> [UInt64] {
    let results = Mutex<[Int: Result<UInt64, JournalError>]>([:])
    for (index, text) in texts.enumerated() {
        journal.append(Array(text.utf8)) { result in results.withLock { $0[index] = result } }
    }
    await journal.flush()
    return try texts.indices.map { index in
        try #require(results.withLock { $0[index] }).get()
    }
}

private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = "/var/tmp/anyway-journal-\(UUID().uuidString)"
    defer {
        for number in 1...3 {
            unlink("\(folder)/\(number).journal")
            unlink("\(folder)/\(number).journal.kept")
        }
        rmdir(folder)
    }
    try await body(folder)
}

private func size(_ folder: String) throws -> Int {
    var status = stat()
    try #require(stat("\(folder)/1.journal", &status) == 0)
    return Int(status.st_size)
}

extension Result where Failure == any Error {
    static func of(_ body: () async throws -> Success) async -> Result {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
