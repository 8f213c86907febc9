-- What gateways ask for at their start: the sessions that ended lately.
CREATE INDEX sessions_by_end ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
