internal import FoundationEssentials

/// Reads and writes DATA/state.json; changes happen one at a time, whoever makes them.
struct StateFile {
    let layout: Layout

    /// The state, or nil when no stack was ever started here.
    func load() throws(StackError) -> StackState? {
        guard let bytes = Files.read(layout.state) else { return nil }
        do {
            return try JSONDecoder().decode(StackState.self, from: Data(bytes))
        } catch {
            throw .refused(
                "\(layout.state) cannot be read; remove \(layout.root) once nothing in it is wanted"
            )
        }
    }

    /// The state of a stack that must exist.
    func require() throws(StackError) -> StackState {
        guard let state = try load() else {
            throw .refused(
                "no stack at \(layout.root); start one with: stack up, or say --data DIR"
            )
        }
        return state
    }

    /// Writes the state in one step.
    func save(_ state: StackState) throws(StackError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            let data = try encoder.encode(state)
            try Files.replace(layout.state, with: String(decoding: data, as: UTF8.self) + "\n")
        } catch let error as StackError {
            throw error
        } catch {
            throw .refused("the state cannot be written: \(error)")
        }
    }

    /// Changes the state while nobody else can.
    @discardableResult
    func change<Result>(
        _ body: (inout StackState) throws(StackError) -> Result
    ) throws(StackError) -> Result {
        let lock = try FileLock.take(layout.stateLock, wait: true)
        defer { withExtendedLifetime(lock) {} }
        var state = try require()
        do {
            let result = try body(&state)
            try save(state)
            return result
        } catch {
            // What was started before the failure must be on record all the same.
            try save(state)
            throw error
        }
    }
}
