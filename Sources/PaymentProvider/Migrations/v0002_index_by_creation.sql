-- Lists are newest first within a span of creation times, page by page, however many are older.
CREATE INDEX payment_intents_created ON payment_intents (created, number);
CREATE INDEX refunds_created ON refunds (created, number);
