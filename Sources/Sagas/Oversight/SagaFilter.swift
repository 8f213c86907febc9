internal import FoundationEssentials

/// Which sagas an operator wants to see.
public enum SagaFilter: String, Sendable, CaseIterable, LosslessStringConvertible {
    /// Those that stand still, whatever their phase.
    case stuck
    /// Those that have not reached their pivot.
    case running
    /// Those that are being undone.
    case compensating
    /// Those that are past their pivot.
    case finishing

    /// Reads the name.
    public init?(_ description: String) { self.init(rawValue: description) }

    /// The name.
    public var description: String { rawValue }
}

/// The last saga of a page: the next one begins behind it.
public struct SagaCursor: Sendable, Hashable, LosslessStringConvertible {
    let id: UUID
    let kind: String

    /// The place of a saga in the list.
    public init(_ saga: PendingSaga) {
        id = saga.id
        kind = saga.kind
    }

    /// Reads the text; nil for anything that this type did not write.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let text = parts.first, let id = UUID(uuidString: String(text)),
            let kind = parts.last, kind.utf8.count <= 100, kind.utf8.allSatisfy({ $0 > 0x20 })
        else { return nil }
        self.id = id
        self.kind = String(kind)
    }

    /// The text that clients hand back.
    public var description: String { "\(id.text).\(kind)" }
}
