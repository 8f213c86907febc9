internal import HTTP
internal import Mesh
internal import Reactor

extension CachedForwarder {
    /// Calls the service, keeps what may be kept, and tells those who wait for the same.
    ///
    /// - Parameter lead: nil when nobody waits.
    func fetch(
        _ request: Request,
        _ call: CacheCall,
        lead: FlightLead?
    ) async throws(Problem) -> Response {
        var asked = request
        let isValidation = prepare(&asked, call)
        let requested = EdgeCache.now
        let outcome: CallOutcome
        do throws(Problem) {
            outcome = try await forwarder.attempt(asked, .bytes([]), call.pass)
        } catch {
            return try fail(error, call, lead)
        }
        do throws(MeshError) {
            let answer = try outcome.result.get()
            let arrival = Arrival(answer, requested: requested)
            if isValidation, answer.status == .notModified, let stored = call.found.stored {
                _ = try? await answer.body(limit: Forwarder.bufferedLimit)
                guard stored.isConfirmed(by: answer.headers) else {
                    // It speaks of an answer that is not here: ask for what there is.
                    cache.remove(stored, for: call.ask.key)
                    var call = call
                    call.found.stored = nil
                    return try await fetch(again: request, call, lead)
                }
                return confirm(stored, answer.headers, arrival, call, lead)
            }
            if CacheDecision.isFailure(answer.status),
                let response = standIn(call, answer.status)
            {
                _ = try? await answer.body(limit: Forwarder.bufferedLimit)
                lead?.finish(.failing(answer.status))
                return response
            }
            return try await keep(answer, arrival, call, lead)
        } catch {
            return try fail(error.problem(upstream: forwarder.route.upstream), call, lead)
        }
    }

    /// Without an answer: what is kept stands in, or the problem is the answer.
    private func fail(
        _ problem: Problem,
        _ call: CacheCall,
        _ lead: FlightLead?
    ) throws(Problem) -> Response {
        // Who left has not learned whether the service answers.
        lead?.finish(Task.isCancelled ? .abandoned : .failed(problem))
        if let response = standIn(call, nil) { return response }
        throw problem
    }

    private func fetch(
        again request: Request,
        _ call: CacheCall,
        _ lead: FlightLead?
    ) async throws(MeshError) -> Response {
        do throws(Problem) { return try await fetch(request, call, lead: lead) } catch {
            throw .unknown(error.detail ?? error.title)
        }
    }

    /// Makes the conditions those of the cache: a client's own would bring an answer without content,
    /// which nobody else could be given.
    ///
    /// - Returns: whether the service is asked about what is kept.
    private func prepare(_ request: inout Request, _ call: CacheCall) -> Bool {
        guard !call.ask.wantsPart else { return false }
        for name in [HeaderName.ifNoneMatch, "if-modified-since", "if-range", "range"] {
            if request.headers.contains(name) { request.headers.remove(name) }
        }
        guard let stored = call.found.stored else { return false }
        let conditions = stored.conditions
        request.headers.append(conditions)
        return !conditions.isEmpty
    }

    /// When an answer was made and how old it came.
    struct Arrival: Sendable {
        let date: HTTPTime
        let age: ResponseAge
        let requested: Int64

        init(_ answer: ClientResponse, requested: Int64) {
            self.requested = requested
            let now = HTTPTime.now
            date = answer.headers[.date].flatMap { HTTPTime($0) } ?? now
            age = ResponseAge(
                requested: requested,
                arrived: EdgeCache.now,
                ageFields: answer.headers.all(.age),
                date: date,
                now: now
            )
        }

        /// The fields that are kept: none of the connection, of the inside, or that the gateway sets.
        static func kept(_ headers: Headers, omitting omitted: Set<String> = []) -> Headers {
            var kept = Headers()
            for (name, value) in ForwardedHead.response(headers)
            where name != .age && !omitted.contains(name.text) {
                kept.add(name, value)
            }
            return kept
        }
    }

    // MARK: 304

    /// The kept answer, good for another while (RFC 9111 section 4.3.4).
    private func confirm(
        _ stored: StoredResponse,
        _ news: Headers,
        _ arrival: Arrival,
        _ call: CacheCall,
        _ lead: FlightLead?
    ) -> Response {
        let merged = stored.headers(updatedBy: Arrival.kept(news))
        let judged = storability(stored.status, merged, call, arrival)
        let renewed = StoredResponse(
            status: stored.status,
            headers: judged.map { Arrival.kept(merged, omitting: $0.omitted) } ?? merged,
            date: arrival.date,
            body: stored.body,
            freshness: judged?.freshness ?? Freshness(),
            age: arrival.age,
            variant: judged?.variant ?? stored.variant,
            requested: arrival.requested
        )
        var status = call.status
        status.status = Status.notModified.code
        if judged != nil {
            status.isStored = cache.insert(renewed, for: call.ask.key)
            status.ttl = renewed.ttl(at: EdgeCache.now)
        } else {
            cache.remove(stored, for: call.ask.key)
        }
        lead?.finish(judged == nil ? .notShared : share(renewed))
        note(.revalidated, call)
        return answer(renewed, call, at: EdgeCache.now, status)
    }

    /// What is fresh for nobody but the one who asked is not shared: those who wait ask all at once.
    private func share(_ stored: StoredResponse) -> Flight.Outcome {
        guard stored.freshness.lifetime > 0, !stored.freshness.mustValidate else {
            return .notShared
        }
        return stored.ttl(at: EdgeCache.now) > 0 ? .stored(stored) : .notThisTime
    }

    private func storability(
        _ status: Status,
        _ headers: Headers,
        _ call: CacheCall,
        _ arrival: Arrival
    ) -> Storability? {
        Storability(
            status,
            headers,
            request: call.ask.headers,
            wishes: call.ask.wishes,
            policy: policy,
            date: arrival.date
        )
    }

    // MARK: Other answers

    /// Passes an answer on, and keeps it if that is allowed and all of it comes.
    private func keep(
        _ answer: ClientResponse,
        _ arrival: Arrival,
        _ call: CacheCall,
        _ lead: FlightLead?
    ) async throws(MeshError) -> Response {
        note(.miss, call)
        var status = call.status
        status.status = answer.status.code
        let judged =
            call.ask.wantsPart
            ? nil : storability(answer.status, answer.headers, call, arrival)
        let length = answer.bodyStream.length
        guard let judged, length ?? 0 <= cache.limits.entryBytes else {
            lead?.finish(.notShared)
            forget(call, answer.status)
            return try await pass(answer, arrival, call, status)
        }
        let filling = Filling(
            answer: answer,
            arrival: arrival,
            judged: judged,
            call: call,
            lead: lead
        )
        status.isStored = true
        guard let length, length <= Forwarder.bufferedLimit else {
            // Nobody reads the content of an answer to HEAD.
            if call.ask.isHead { lead?.finish(.notThisTime) }
            return stream(filling, status)
        }
        let content: [UInt8]
        do throws(Problem) {
            content = try await answer.bodyStream.collect(limit: Forwarder.bufferedLimit)
        } catch {
            throw error.status == .gatewayTimeout ? .deadline : .unknown("cut short")
        }
        let stored = filling.stored(content)
        status.isStored = cache.insert(stored, for: call.ask.key)
        status.ttl = stored.ttl(at: EdgeCache.now)
        lead?.finish(share(stored))
        return self.answer(whole: stored, filling, status)
    }

    /// Drops what is kept if the origin has said that it is not what there is any more.
    private func forget(_ call: CacheCall, _ status: Status) {
        guard let stored = call.found.stored, !call.ask.wantsPart,
            status.isSuccess || status == .notFound || status == .gone
        else { return }
        cache.remove(stored, for: call.ask.key)
    }

    /// A whole answer that has just come: for the one who asked with all of its fields.
    private func answer(
        whole stored: StoredResponse,
        _ filling: Filling,
        _ status: CacheStatus
    ) -> Response {
        switch filling.call.ask.selection(of: stored) {
        case .all:
            var response = Response(
                stored.status,
                headers: filling.passed(status),
                body: stored.body.isEmpty ? .none : .bytes(stored.body)
            )
            response.date = DateLine(filling.arrival.date)
            return response
        case .unchanged, .part, .none:
            return answer(stored, filling.call, at: EdgeCache.now, status)
        }
    }

    /// An answer that is not kept.
    private func pass(
        _ answer: ClientResponse,
        _ arrival: Arrival,
        _ call: CacheCall,
        _ status: CacheStatus
    ) async throws(MeshError) -> Response {
        var response = try await forwarder.response(answer, call.pass.standing, call.pass)
        response.headers.add("cache-status", status.text)
        response.date = DateLine(arrival.date)
        return response
    }

    /// A long answer, or one of unknown length: it goes on as it comes, and is kept once its end has come.
    ///
    /// What is cut short, from either side, lets go of the lead and is never kept.
    private func stream(_ filling: Filling, _ status: CacheStatus) -> Response {
        let limit = cache.limits.entryBytes
        let reader = filling.answer.bodyStream
        var response = Response(
            filling.answer.status,
            headers: filling.passed(status),
            body: .stream(length: reader.length) { writer in
                var content: [UInt8]? = []
                while let piece = try await reader.next() {
                    content?.append(contentsOf: piece)
                    if let count = content?.count, count > limit {
                        content = nil
                        filling.lead?.finish(.notShared)
                    }
                    try await writer.write(piece)
                }
                guard let content else { return }
                let stored = filling.stored(content)
                _ = cache.insert(stored, for: filling.call.ask.key)
                filling.lead?.finish(share(stored))
            }
        )
        response.date = DateLine(filling.arrival.date)
        return response
    }

    /// An answer on its way into the cache.
    private struct Filling: Sendable {
        let answer: ClientResponse
        let arrival: Arrival
        let judged: Storability
        let call: CacheCall
        let lead: FlightLead?

        func stored(_ content: [UInt8]) -> StoredResponse {
            StoredResponse(
                status: answer.status,
                headers: Arrival.kept(answer.headers, omitting: judged.omitted),
                date: arrival.date,
                body: content,
                freshness: judged.freshness,
                age: arrival.age,
                variant: judged.variant,
                requested: arrival.requested
            )
        }

        func passed(_ status: CacheStatus) -> Headers {
            var headers = ForwardedHead.response(answer.headers, call.pass.standing)
            headers.add("cache-status", status.text)
            return headers
        }
    }
}
