/// A statement of which many can run as one.
///
/// The merged statement does all that the single ones would do in their order, or fails: a failure
/// must not depend on what is merged with what, so that each one's own failure shows when it runs
/// alone.
public protocol MergeableStatement: Statement where Output == Void {
    /// What does the work of many.
    associatedtype Merged: Statement
    /// Merges two or more.
    static func merged(_ statements: [Self]) -> Merged
}

/// Merges what several callers want to commit.
///
/// Callers whose statements are of the same types, one by one, are merged place by place: the first
/// statements of all, then the second ones. Others keep their own statements, behind each other.
func merge(_ requests: [[any Statement]]) -> [any Statement] {
    var shapes: [[ObjectIdentifier]: [[any Statement]]] = [:]
    var order: [[ObjectIdentifier]] = []
    for request in requests {
        let shape = request.map { ObjectIdentifier(type(of: $0)) }
        if shapes[shape] == nil { order.append(shape) }
        shapes[shape, default: []].append(request)
    }
    return order.flatMap { shape -> [any Statement] in
        let alike = shapes[shape] ?? []
        guard alike.count > 1 else { return alike.first ?? [] }
        return shape.indices.flatMap { place in
            merge(column: alike.compactMap { $0.indices.contains(place) ? $0[place] : nil })
        }
    }
}

/// Merges neighbours of one type; the order stays.
func merge(neighbours statements: [any Statement]) -> [any Statement] {
    var columns: [[any Statement]] = []
    for statement in statements {
        if let last = columns.last?.last, type(of: last) == type(of: statement) {
            columns[columns.count - 1].append(statement)
        } else {
            columns.append([statement])
        }
    }
    return columns.flatMap { $0.count == 1 ? $0 : merge(column: $0) }
}

/// Statements of one type, as one where the type allows it.
private func merge(column: [any Statement]) -> [any Statement] {
    guard let first = column.first as? any MergeableStatement else { return column }
    return merge(column, like: first)
}

private func merge<S: MergeableStatement>(_ column: [any Statement], like _: S) -> [any Statement] {
    let statements = column.compactMap { $0 as? S }
    return statements.count == column.count ? [S.merged(statements)] : column
}
