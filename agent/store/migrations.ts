/** Forward-only migrations of the hub's database. Never edit one that has landed: add the next. */
export interface Migration {
  readonly version: number;
  readonly why: string;
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    why: 'A counter needs a durable place for who it is, what was asked, and what the carrier has not answered yet.',
    sql: `
CREATE TABLE hub (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  hub_id TEXT NOT NULL, counter_id TEXT NOT NULL, hub_name TEXT NOT NULL, counter_name TEXT NOT NULL,
  carrier_url TEXT NOT NULL,
  carrier_keys TEXT NOT NULL CHECK (json_valid(carrier_keys)),
  -- The carrier's last signed word (time, sellers, policies), verbatim, so that it is checked again when it is read.
  word TEXT, word_key_id TEXT, word_signature TEXT,
  -- When it came, on three clocks; run tells whether the monotonic one still counts from the same start.
  contact_carrier_ms INTEGER, contact_wall_ms INTEGER, contact_monotonic_ms INTEGER, contact_run TEXT,
  CHECK ((word IS NULL) = (contact_carrier_ms IS NULL) AND (word IS NULL) = (contact_run IS NULL))
) STRICT;

CREATE TABLE request (
  request_id TEXT NOT NULL PRIMARY KEY,
  terms TEXT NOT NULL,
  seller_name TEXT NOT NULL,
  parcel TEXT,
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked','unknown','paid','declined','provisional','reversed','cancelled')),
  set_aside INTEGER NOT NULL DEFAULT 0 CHECK (set_aside IN (0, 1)),
  asked_at INTEGER NOT NULL, tapped_at INTEGER, sent_at INTEGER, answered_at INTEGER, changed_at INTEGER NOT NULL,
  -- The carrier's pseudonym of the device that tapped; never a card's UID.
  pass_id TEXT,
  code TEXT,
  receipt TEXT,
  standing TEXT,
  decision TEXT CHECK (decision IS NULL OR json_valid(decision)),
  CHECK ((state IN ('asked','cancelled')) = (tapped_at IS NULL)),
  CHECK ((tapped_at IS NULL) = (pass_id IS NULL)),
  CHECK ((state IN ('paid','declined','reversed')) = (receipt IS NOT NULL)),
  CHECK (state NOT IN ('provisional','reversed') OR decision IS NOT NULL),
  CHECK (set_aside = 0 OR tapped_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_recent ON request (changed_at);
CREATE INDEX request_open ON request (state) WHERE state IN ('asked','unknown','provisional');

-- The table of moves, held by the database too: a bug cannot take a payment from paid back to unpaid.
CREATE TABLE request_move (before TEXT NOT NULL, after TEXT NOT NULL, PRIMARY KEY (before, after)) STRICT, WITHOUT ROWID;
INSERT INTO request_move VALUES
  ('asked','unknown'), ('asked','cancelled'), ('unknown','paid'), ('unknown','declined'), ('unknown','provisional'),
  ('provisional','paid'), ('provisional','reversed');
CREATE TRIGGER request_moves BEFORE UPDATE OF state ON request
WHEN NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM request_move WHERE before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'request state cannot move so'); END;
CREATE TRIGGER request_terms BEFORE UPDATE OF request_id, terms, amount, currency ON request
BEGIN SELECT RAISE(ABORT, 'terms never change'); END;
CREATE TRIGGER request_kept BEFORE DELETE ON request BEGIN SELECT RAISE(ABORT, 'requests are kept'); END;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY CHECK (seq >= 1),
  kind TEXT NOT NULL CHECK (kind IN ('payment','acceptance','refund')),
  request_id TEXT NOT NULL UNIQUE,
  payment_request_id TEXT NOT NULL REFERENCES request (request_id),
  entry TEXT NOT NULL,
  link TEXT NOT NULL CHECK (length(link) = 64),
  amount INTEGER, currency TEXT,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','answered','parked')),
  outcome TEXT CHECK (outcome IN ('COMMITTED','DECLINED','NOTED')),
  receipt TEXT,
  parked_reason TEXT,
  CHECK ((kind = 'acceptance') = (amount IS NULL) AND (amount IS NULL) = (currency IS NULL)),
  CHECK ((state = 'answered') = (receipt IS NOT NULL) AND (receipt IS NULL) = (outcome IS NULL)),
  CHECK ((state = 'parked') = (parked_reason IS NOT NULL))
) STRICT;
CREATE INDEX outbox_unanswered ON outbox (seq) WHERE state <> 'answered';
CREATE INDEX outbox_payment ON outbox (payment_request_id);
CREATE TRIGGER outbox_gapless BEFORE INSERT ON outbox WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM outbox)
BEGIN SELECT RAISE(ABORT, 'the outbox has no gaps'); END;
CREATE TRIGGER outbox_bytes BEFORE UPDATE OF seq, kind, request_id, payment_request_id, entry, link ON outbox
BEGIN SELECT RAISE(ABORT, 'entries never change'); END;
CREATE TRIGGER outbox_answered BEFORE UPDATE OF state, receipt ON outbox WHEN OLD.state = 'answered'
BEGIN SELECT RAISE(ABORT, 'an answer is final'); END;
CREATE TRIGGER outbox_kept BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'nothing leaves the outbox'); END;

-- What each pass stands for without the network since the carrier last decided about it. A view, so that it can never be out of
-- step: an answered payment leaves it in the same transaction that stores the answer.
CREATE VIEW offline_use AS
  SELECT pass_id, currency, sum(amount) AS sum, count(*) AS count FROM request WHERE state = 'provisional' GROUP BY pass_id, currency;
`,
  },
  {
    version: 2,
    why: 'The carrier says which passes must be refused without asking: a lost phone is lost at every hub.',
    sql: `
ALTER TABLE hub ADD COLUMN deny_seq INTEGER NOT NULL DEFAULT 0;
CREATE TABLE denied_pass (pass_id TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Cards are called by a name that means nothing at any other hub.
ALTER TABLE hub ADD COLUMN pseudonym_key BLOB CHECK (length(pseudonym_key) = 32);
UPDATE hub SET pseudonym_key = randomblob(32);
CREATE INDEX request_paid ON request (pass_id) WHERE state = 'paid';
`,
  },
  {
    version: 3,
    why: 'Money that the carrier holds for a request is no risk of this hub.',
    sql: `
DROP VIEW offline_use;
CREATE VIEW offline_use AS
  SELECT pass_id, currency, sum(amount) AS sum, count(*) AS count FROM request
  WHERE state = 'provisional' AND standing IS NOT 'GUARANTEED' GROUP BY pass_id, currency;
`,
  },
];
