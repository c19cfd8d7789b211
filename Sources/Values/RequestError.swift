/// An error that may be about what was asked, instead of about the program or its stores.
///
/// The ledger knows which it is, and the shell turns that into an exit code.
public protocol RequestError: Error {
    /// nil: what was asked is not at fault.
    var fault: RequestFault? { get }
}
