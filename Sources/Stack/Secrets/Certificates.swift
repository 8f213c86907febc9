/// A private certificate authority, and one certificate per process that names its service.
struct Certificates {
    let layout: Layout

    /// Makes what is missing.
    func prepare(_ plans: [ProcessPlan]) throws(StackError) {
    }
}
