internal import Launching

extension Launch {
    /// Starts the child and returns its pid, failing as this program fails.
    func begin() throws(StackError) -> Int32 {
        do throws(Failure) {
            return try start()
        } catch {
            throw .system(call: "start \(error.executable)", errno: error.errno)
        }
    }
}
