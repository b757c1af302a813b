-- Version 2. The highest id of a snapshot is no bound for those that are under way: it is one more than the highest that
-- has ended, and whoever began later has a higher one, and may have taken a lower number than one that can be seen. So a
-- look tells its own transaction's id: whoever took a number before the look began has a lower one.

-- Gives positions to the messages behind `seen` and in the gaps before it, in the order of their numbers: at most `most`.
-- Whoever holds another epoch gets none. One statement: no client can stop in the middle of it and hold the lock.
CREATE OR REPLACE FUNCTION {s}.stamp(mine int8, seen int8, from_numbers int8[], to_numbers int8[], most int4)
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
    next := pg_current_xact_id()::text::int8;
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
    INSERT INTO {s}.stamps (slot, position, number, at)
        SELECT {s}.slot(head + given.place), head + given.place, given.number,
            greatest(coalesce(last_at, 0), (extract(epoch FROM clock_timestamp()) * 1000000)::int8)
        FROM unnest(numbers) WITH ORDINALITY AS given (number, place);
    head := head + cardinality(numbers);
    RETURN NEXT;
END $$;
