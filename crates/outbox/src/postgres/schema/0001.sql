-- Version 1. {s} stands for the schema's quoted name, {bits} for how many bits of a number lie within one slot of the
-- rings. `docs/internals/outbox.md` draws the tables.

-- One session takes one number at a time: numbers that a session had taken ahead would not follow its transaction's id.
CREATE SEQUENCE {s}.numbers AS int8 CACHE 1;

CREATE FUNCTION {s}.slot(number int8) RETURNS int2 LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT ((number >> {bits}) & 7)::int2 $$;

-- What services' transactions put in, by a number that each takes when it does.
CREATE TABLE {s}.messages (
    slot int2 NOT NULL,
    number int8 NOT NULL,
    event uuid NOT NULL,
    type text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    time int8 NOT NULL,
    tags text COLLATE "C" NOT NULL,
    metadata bytea NOT NULL,
    data bytea NOT NULL
) PARTITION BY LIST (slot);

-- Which position each got, when its transaction had been committed. Rows are inserted and never updated.
CREATE TABLE {s}.stamps (
    slot int2 NOT NULL,
    position int8 NOT NULL,
    number int8 NOT NULL,
    at int8 NOT NULL
) PARTITION BY LIST (slot);

CREATE TABLE {s}.messages_0 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (0);
CREATE TABLE {s}.stamps_0 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (0);
CREATE TABLE {s}.messages_1 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (1);
CREATE TABLE {s}.stamps_1 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (1);
CREATE TABLE {s}.messages_2 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (2);
CREATE TABLE {s}.stamps_2 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (2);
CREATE TABLE {s}.messages_3 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (3);
CREATE TABLE {s}.stamps_3 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (3);
CREATE TABLE {s}.messages_4 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (4);
CREATE TABLE {s}.stamps_4 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (4);
CREATE TABLE {s}.messages_5 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (5);
CREATE TABLE {s}.stamps_5 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (5);
CREATE TABLE {s}.messages_6 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (6);
CREATE TABLE {s}.stamps_6 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (6);
CREATE TABLE {s}.messages_7 PARTITION OF {s}.messages (PRIMARY KEY (number)) FOR VALUES IN (7);
CREATE TABLE {s}.stamps_7 PARTITION OF {s}.stamps (PRIMARY KEY (position)) FOR VALUES IN (7);

-- Who gives positions, until when, and what has been settled: every message up to `settled_number` has its position or
-- never will, and those behind it have positions behind `settled_position`. Positions up to `dropped` are gone.
CREATE TABLE {s}.lease (
    one bool PRIMARY KEY DEFAULT true CHECK (one),
    epoch int8 NOT NULL DEFAULT 0,
    holder uuid,
    until timestamptz NOT NULL DEFAULT '-infinity',
    settled_number int8 NOT NULL DEFAULT 0,
    settled_position int8 NOT NULL DEFAULT 0,
    dropped int8 NOT NULL DEFAULT 0
);
INSERT INTO {s}.lease DEFAULT VALUES;

-- How far each follower has come for whom messages are kept.
CREATE TABLE {s}.followers (
    name text COLLATE "C" PRIMARY KEY,
    position int8 NOT NULL
);

-- The transaction's id is assigned before the number is taken. So whoever has a number up to one that can be seen has an
-- id below that of whoever gets one after it was seen.
CREATE FUNCTION {s}.put(event uuid, type text, stream text, "time" int8, tags text, metadata bytea, data bytea)
RETURNS int8 LANGUAGE plpgsql AS $$
DECLARE
    mine int8;
BEGIN
    PERFORM pg_current_xact_id();
    mine := nextval('{s}.numbers');
    INSERT INTO {s}.messages VALUES ({s}.slot(mine), mine, event, type, stream, "time", tags, metadata, data);
    RETURN mine;
END $$;

-- Gives positions to the messages behind `seen` and in the gaps before it, in the order of their numbers: at most `most`.
-- Whoever holds another epoch gets none. One statement: no client can stop in the middle of it and hold the lock.
CREATE FUNCTION {s}.stamp(mine int8, seen int8, from_numbers int8[], to_numbers int8[], most int4)
RETURNS TABLE (held bool, head int8, numbers int8[], oldest int8, next int8) LANGUAGE plpgsql AS $$
DECLARE
    last_at int8;
BEGIN
    PERFORM FROM {s}.lease l WHERE l.epoch = mine FOR NO KEY UPDATE;
    held := FOUND;
    IF NOT held THEN
        RETURN NEXT;
        RETURN;
    END IF;
    oldest := pg_snapshot_xmin(pg_current_snapshot())::text::int8;
    SELECT s.position, s.at INTO head, last_at FROM {s}.stamps s ORDER BY s.position DESC LIMIT 1;
    head := coalesce(head, 0);
    SELECT coalesce(array_agg(f.number ORDER BY f.number), '{}') INTO numbers FROM (
        SELECT found.number FROM (
            SELECT m.number FROM {s}.messages m WHERE m.number > seen
            UNION ALL
            SELECT m.number FROM unnest(from_numbers, to_numbers) AS gap (first, last)
                JOIN {s}.messages m ON m.number BETWEEN gap.first AND gap.last
        ) found ORDER BY found.number LIMIT most
    ) f;
    next := pg_snapshot_xmax(pg_current_snapshot())::text::int8;
    INSERT INTO {s}.stamps (slot, position, number, at)
        SELECT {s}.slot(head + given.place), head + given.place, given.number,
            greatest(coalesce(last_at, 0), (extract(epoch FROM clock_timestamp()) * 1000000)::int8)
        FROM unnest(numbers) WITH ORDINALITY AS given (number, place);
    head := head + cardinality(numbers);
    RETURN NEXT;
END $$;

-- Empties the slots whose messages all followers have, up to `keep` positions behind the slowest. Nobody is waited for
-- longer than a moment: whoever is in the way is tried again later.
CREATE FUNCTION {s}.rotate(mine int8, keep int8) RETURNS int4 LANGUAGE plpgsql AS $$
DECLARE
    settled_number int8;
    safe int8;
    newest int8;
    gone int8;
    emptied int4 := 0;
BEGIN
    SELECT l.settled_number, l.settled_position INTO settled_number, safe
        FROM {s}.lease l WHERE l.epoch = mine FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN -1;
    END IF;
    safe := least(safe, (SELECT coalesce(min(f.position), 0) FROM {s}.followers f) - keep);
    PERFORM set_config('lock_timeout', '20ms', true);
    FOR turn IN 0..7 LOOP
        BEGIN
            EXECUTE format('SELECT max(number) FROM {s}.messages_%s', turn) INTO newest;
            -- Not the slot that numbers are taken in, nor the next one.
            CONTINUE WHEN newest IS NULL OR newest > settled_number
                OR (turn - {s}.slot((SELECT last_value FROM {s}.numbers)) + 8) % 8 IN (0, 1);
            SELECT max(s.position) INTO gone FROM {s}.stamps s WHERE {s}.slot(s.number) = turn;
            CONTINUE WHEN gone > safe;
            EXECUTE format('LOCK TABLE {s}.messages_%s IN ACCESS EXCLUSIVE MODE', turn);
            EXECUTE format('SELECT max(number) FROM {s}.messages_%s', turn) INTO newest;
            CONTINUE WHEN newest > settled_number;
            EXECUTE format('TRUNCATE {s}.messages_%s', turn);
            UPDATE {s}.lease SET dropped = greatest(dropped, coalesce(gone, 0));
            emptied := emptied + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    FOR turn IN 0..7 LOOP
        BEGIN
            EXECUTE format('SELECT max(position) FROM {s}.stamps_%s', turn) INTO gone;
            -- The head's slot is never behind the head.
            CONTINUE WHEN gone IS NULL OR gone > safe
                OR turn = {s}.slot((SELECT max(s.position) FROM {s}.stamps s));
            EXECUTE format('TRUNCATE {s}.stamps_%s', turn);
            UPDATE {s}.lease SET dropped = greatest(dropped, gone);
            emptied := emptied + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    RETURN emptied;
END $$;

-- What a follower has had its effect of: up to here for a source with positions.
CREATE TABLE {s}.inbox (
    follower text COLLATE "C" PRIMARY KEY,
    position int8 NOT NULL
);

-- And which ids, for sources without. Three slots take turns.
CREATE TABLE {s}.inbox_ids (
    slot int2 NOT NULL,
    follower text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL
) PARTITION BY LIST (slot);
CREATE TABLE {s}.inbox_ids_0 PARTITION OF {s}.inbox_ids (PRIMARY KEY (follower, id)) FOR VALUES IN (0);
CREATE TABLE {s}.inbox_ids_1 PARTITION OF {s}.inbox_ids (PRIMARY KEY (follower, id)) FOR VALUES IN (1);
CREATE TABLE {s}.inbox_ids_2 PARTITION OF {s}.inbox_ids (PRIMARY KEY (follower, id)) FOR VALUES IN (2);

-- Whether an id is new to a follower; it is not from now on. Two transactions with the same one take turns.
CREATE FUNCTION {s}.begin_id(follower text, id text, turn int8) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(begin_id.follower || E'\n' || begin_id.id, 7300));
    IF EXISTS (SELECT FROM {s}.inbox_ids i WHERE i.follower = begin_id.follower AND i.id = begin_id.id) THEN
        RETURN false;
    END IF;
    INSERT INTO {s}.inbox_ids VALUES (turn % 3, begin_id.follower, begin_id.id);
    RETURN true;
END $$;
