//! The statements, with the store's schema in them.

/// An event as it is handed over: with names in place of their numbers. They come by one look each, so that no plan
/// ever reads all streams. `before` are the bytes that stand before it on the page, $3 the most that may.
const COLUMNS: &str = "
    e.position, e.revision, e.id, e.time, e.recorded_at,
    (SELECT s.name FROM {s}.streams s WHERE s.id = e.stream) AS stream,
    (SELECT k.type FROM {s}.kinds k WHERE k.id = e.kind) AS type,
    e.tags, e.metadata, CASE WHEN e.before < $3::int8 THEN e.data END AS data, e.before < $3::int8 AS within";

/// All of some events' columns, and `before`.
const COUNTED: &str = "e.*, coalesce(sum(octet_length(e.data)) OVER
    (ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before";

/// All statements of a store.
pub(super) struct Sql {
    pub(super) append: String,
    pub(super) kept: String,
    pub(super) restore_streams: String,
    pub(super) restore_events: String,
    pub(super) restore_tags: String,
    pub(super) stop: String,
    pub(super) kinds_of: String,
    pub(super) first_match: String,
    pub(super) head: String,
    pub(super) page: String,
    pub(super) search: String,
    pub(super) forward: String,
    pub(super) backward: String,
    pub(super) position_at: String,
    pub(super) give_up: String,
    pub(super) load_snapshot: String,
    pub(super) save_snapshot: String,
    pub(super) notify: String,
    pub(super) listen: String,
}

impl Sql {
    pub(super) fn new(schema: &str) -> Self {
        let quoted = quoted(schema);
        let with = |text: &str| {
            let counted = COUNTED.replace("{order}", "e.position");
            text.replace("{columns}", COLUMNS).replace("{counted}", &counted).replace("{s}", &quoted)
        };
        Self {
            append: with(
                "SELECT status, answers, details, revisions, head, believed, numbers, lasts
                 FROM {s}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                                 $20, $21, $22, $23)",
            ),
            // $1 after, $2 how many, $3 how many bytes.
            kept: with(
                "SELECT {columns}, e.edges, e.data IS NULL AS given_up FROM (
                     SELECT {counted} FROM (
                         SELECT * FROM {s}.events e WHERE e.position > $1 ORDER BY e.position LIMIT $2::int8) e) e
                 ORDER BY e.position",
            ),
            restore_streams: with("INSERT INTO {s}.streams (id, name) SELECT * FROM unnest($1::int8[], $2::text[])"),
            restore_events: with(
                "INSERT INTO {s}.events
                     (position, stream, revision, time, recorded_at, kind, edges, id, tags, metadata, data)
                 SELECT u.position, (SELECT s.id FROM {s}.streams s WHERE s.name = u.stream), u.revision, u.time,
                        u.recorded_at, u.kind, u.edges, u.id, u.tags, u.metadata, u.data
                 FROM unnest($1::int8[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::int4[], $7::int2[],
                             $8::uuid[], $9::text[], $10::bytea[], $11::bytea[])
                     u(position, stream, revision, time, recorded_at, kind, edges, id, tags, metadata, data)
                 ORDER BY u.position",
            ),
            // $1 positions, $2 tags, $3 streams.
            restore_tags: with(
                "INSERT INTO {s}.tags (tag, position)
                 SELECT DISTINCT t.tag, u.position FROM unnest($1::int8[], $2::text[]) u(position, tags)
                     CROSS JOIN LATERAL string_to_table(u.tags, ',') t(tag) WHERE u.tags <> ''
                 UNION ALL
                 SELECT ' ' || u.stream, u.position FROM unnest($1::int8[], $3::text[]) u(position, stream)
                 WHERE strpos(u.stream, '-') = 0",
            ),
            // What refuses is there from the commit on, which ends the wait; until then nobody sees it. A store that has
            // moved before refuses the update, which changes nothing.
            stop: with(
                "BEGIN;
                 LOCK TABLE {s}.gate IN SHARE UPDATE EXCLUSIVE MODE;
                 UPDATE {s}.streams SET first = first WHERE false;
                 CREATE FUNCTION {s}.has_moved() RETURNS trigger LANGUAGE plpgsql AS $refuse$
                 BEGIN
                     RAISE EXCEPTION USING ERRCODE = '{moved}', MESSAGE = TG_ARGV[0];
                 END $refuse$;
                 CREATE TRIGGER has_moved BEFORE INSERT ON {s}.events
                     FOR EACH STATEMENT EXECUTE FUNCTION {s}.has_moved({to});
                 CREATE TRIGGER has_moved BEFORE UPDATE ON {s}.streams
                     FOR EACH STATEMENT EXECUTE FUNCTION {s}.has_moved({to})",
            ),
            kinds_of: with("SELECT {s}.kinds_of($1, $2)"),
            // $1 the query's alternatives, $2 after, $3 for how many milliseconds.
            first_match: with(
                "SELECT f.conflict, f.through, h.head FROM
                     (SELECT coalesce((SELECT e.position FROM {s}.events e ORDER BY e.position DESC LIMIT 1), 0)) h(head)
                 CROSS JOIN LATERAL {s}.first_match($1::text::jsonb, $2, h.head, $3) f",
            ),
            head: with("SELECT coalesce((SELECT e.position FROM {s}.events e ORDER BY e.position DESC LIMIT 1), 0)"),
            // $1 after, $2 how many, $3 how many bytes. The id of the event before them tells whether it is still the same.
            page: with(
                "SELECT h.head, (SELECT b.id FROM {s}.events b WHERE b.position = $1) AS before, r.* FROM
                     (SELECT coalesce((SELECT e.position FROM {s}.events e ORDER BY e.position DESC LIMIT 1), 0)) h(head)
                 LEFT JOIN LATERAL (
                     SELECT {columns} FROM (
                         SELECT {counted} FROM (
                             SELECT * FROM {s}.events e WHERE e.position > $1 AND e.data IS NOT NULL
                             ORDER BY e.position LIMIT $2::int8) e) e
                     ORDER BY e.position
                 ) r ON true",
            ),
            // The same, and $4 up to where, $5 the query's alternatives. What was given up is there without its data.
            search: with(
                "SELECT h.head, r.* FROM
                     (SELECT coalesce((SELECT e.position FROM {s}.events e ORDER BY e.position DESC LIMIT 1), 0)) h(head)
                 LEFT JOIN LATERAL (
                     SELECT {columns} FROM (
                         SELECT {counted} FROM (
                             SELECT DISTINCT f.position FROM
                                 {s}.find($5::text::jsonb, $1, least($4::int8, h.head), ($2::int8)::int4) f(position)
                             ORDER BY f.position LIMIT $2::int8) c
                         JOIN {s}.events e ON e.position = c.position) e
                     ORDER BY e.position
                 ) r ON true",
            ),
            forward: with(&stream("e.revision >= greatest($4::int8, s.first)", "ASC")),
            backward: with(&stream("e.revision <= $4::int8 AND e.revision >= s.first", "DESC")),
            position_at: with("SELECT {s}.position_at($1)"),
            give_up: with("SELECT {s}.give_up($1, $2, $3)"),
            load_snapshot: with("SELECT revision, position, schema, state FROM {s}.snapshots WHERE stream = $1"),
            // It may be lost, so nobody waits for the disk.
            save_snapshot: with(
                "WITH unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
                 INSERT INTO {s}.snapshots AS s (stream, revision, position, schema, state)
                 SELECT $1::text, $2::int8, $3::int8, $4::text, $5::bytea FROM unhurried
                 ON CONFLICT (stream) DO UPDATE SET revision = excluded.revision, position = excluded.position,
                     schema = excluded.schema, state = excluded.state
                 WHERE s.schema <> excluded.schema OR s.revision <= excluded.revision",
            ),
            notify: format!("SELECT pg_notify('tradewind_{schema}', '')"),
            listen: format!("LISTEN tradewind_{schema}"),
        }
    }
}

/// A schema's name as statements take it: it may be a word that means something else there.
pub(super) fn quoted(schema: &str) -> String {
    format!("\"{schema}\"")
}

/// Part of a stream: $1 its name, $2 how many, $3 how many bytes, $4 from where.
fn stream(which: &str, direction: &str) -> String {
    let counted = COUNTED.replace("{order}", &format!("e.revision {direction}"));
    format!(
        "SELECT s.first, (SELECT l.revision FROM {{s}}.events l WHERE l.stream = s.id
                          ORDER BY l.revision DESC LIMIT 1) AS last, r.*
         FROM {{s}}.streams s LEFT JOIN LATERAL (
             SELECT {{columns}} FROM (
                 SELECT {counted} FROM (
                     SELECT * FROM {{s}}.events e WHERE e.stream = s.id AND {which}
                     ORDER BY e.revision {direction} LIMIT $2::int8) e) e
             ORDER BY e.revision {direction}
         ) r ON true
         WHERE s.name = $1"
    )
}
