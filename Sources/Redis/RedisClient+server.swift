extension RedisClient {
    /// Loads a function library, replacing an older one of the same name.
    ///
    /// - Parameters:
    ///   - text: The library, beginning `#!lua name=metering`.
    ///   - name: The name the library gives itself.
    /// - Throws: ``RedisError/refused(_:)`` when the server does not take it, else why there is no
    ///   answer.
    public func loadFunctions(
        _ text: String, name: String, timeout: Duration = .seconds(5)
    ) async throws(RedisError) {
        let load = RedisCommand("FUNCTION", ["LOAD", "REPLACE", .string(text)])
        let reply = try await send(load, timeout: timeout)
        if let error = reply.serverError { throw .refused(error) }
        guard reply.text == name else {
            throw .configuration("the function library calls itself other than \(name)")
        }
    }

    /// Asks the server about itself; no section names means the usual ones.
    public func info(
        _ sections: [String] = [], timeout: Duration = .seconds(1)
    ) async throws(RedisError) -> RedisInfo {
        let command = RedisCommand("INFO", sections.map(RedisArgument.string))
        let reply = try await send(command, timeout: timeout)
        if let error = reply.serverError { throw .refused(error) }
        guard let text = reply.text else { throw .protocolViolation("INFO is not text") }
        return RedisInfo(text)
    }
}
