-- The trace of the request that started a saga: whoever takes the saga over goes on with it. Processes
-- from before leave it out, and their sagas begin traces of their own when they are taken over.
ALTER TABLE saga_pending ADD COLUMN traceparent text;
