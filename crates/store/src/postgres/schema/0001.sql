-- Version 1. {s} stands for the schema's quoted name. `docs/internals/postgres.md` draws the tables.

-- One row an event, in the order of positions, which is the order of commits.
CREATE TABLE {s}.events (
    position int8 NOT NULL,
    stream int8 NOT NULL,
    revision int8 NOT NULL,
    time int8 NOT NULL,
    recorded_at int8 NOT NULL,
    kind int4 NOT NULL,
    -- 1: the first event of its append; 2: the last one.
    edges int2 NOT NULL,
    id uuid NOT NULL,
    tags text COLLATE "C" NOT NULL,
    metadata bytea NOT NULL,
    -- Null once the event has been given up.
    data bytea,
    CONSTRAINT events_position PRIMARY KEY (position),
    CONSTRAINT events_stream UNIQUE (stream, revision),
    CONSTRAINT events_id UNIQUE (id)
);
CREATE INDEX events_kind ON {s}.events (kind, position);

-- A stream's number is the position of its first event. Rows are written once, and again only by a truncation: a row
-- for each append would leave its old versions behind for as long as any transaction in the database is open.
CREATE TABLE {s}.streams (
    id int8 NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Revisions before this one have been given up.
    first int8 NOT NULL DEFAULT 0,
    CONSTRAINT streams_id PRIMARY KEY (id),
    CONSTRAINT streams_name UNIQUE (name)
);

-- Each pair of a category and an event type that ever came. A stream whose name has no dash is its own category, and
-- there may be any number of those: they share the category '', and their events are tagged.
CREATE TABLE {s}.kinds (
    id int4 GENERATED ALWAYS AS IDENTITY,
    category text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    CONSTRAINT kinds_id PRIMARY KEY (id),
    CONSTRAINT kinds_name UNIQUE (category, type)
);

-- Besides what events are tagged with: a space and its stream's name, if that has no dash. No other tag has a space.
CREATE TABLE {s}.tags (
    tag text COLLATE "C" NOT NULL,
    position int8 NOT NULL,
    CONSTRAINT tags_tag PRIMARY KEY (tag, position)
);

CREATE TABLE {s}.snapshots (
    stream text COLLATE "C" NOT NULL,
    revision int8 NOT NULL,
    position int8 NOT NULL,
    schema text NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT snapshots_stream PRIMARY KEY (stream)
);

-- Whoever appends holds a lock on this table until his commit is durable. A named table, and not a number, so that
-- pg_locks tells who waits for whom, and nobody else's advisory lock is ever ours. There is nothing in it.
CREATE TABLE {s}.gate ();

-- What people read.
CREATE VIEW {s}.readable AS
SELECT e.position, s.name AS stream, e.revision, k.type, e.id,
       to_timestamp(e.time / 1000000.0) AS time, to_timestamp(e.recorded_at / 1000000.0) AS recorded_at,
       e.tags, convert_from(e.metadata, 'UTF8') AS metadata, convert_from(e.data, 'UTF8') AS data
FROM {s}.events e JOIN {s}.streams s ON s.id = e.stream JOIN {s}.kinds k ON k.id = e.kind
WHERE e.data IS NOT NULL;

-- The numbers of some pairs of a category and a type, made where they are new.
CREATE FUNCTION {s}.kinds_of(categories text[], types text[]) RETURNS int4[] LANGUAGE plpgsql AS $$
BEGIN
    -- In one order for all, so that two who make the same do not wait for each other.
    INSERT INTO {s}.kinds (category, type)
    SELECT DISTINCT u.category, u.type FROM unnest(categories, types) u(category, type)
    WHERE NOT EXISTS (SELECT FROM {s}.kinds k WHERE k.category = u.category AND k.type = u.type)
    ORDER BY u.category, u.type
    ON CONFLICT DO NOTHING;
    RETURN ARRAY(
        SELECT (SELECT k.id FROM {s}.kinds k WHERE k.category = u.category AND k.type = u.type)
        FROM unnest(categories, types) WITH ORDINALITY u(category, type, n) ORDER BY u.n);
END $$;

-- The first positions, in order, up to `most` for each alternative of a query and perhaps twice, that match it; those
-- of events that were given up may be among them.
CREATE FUNCTION {s}.find(items jsonb, since int8, until int8, most int4) RETURNS SETOF int8
LANGUAGE plpgsql STABLE AS $$
DECLARE
    item jsonb;
    wanted int4[];
    tagged text[];
    -- The tags of streams that are a category by themselves, and the kinds that their events may have.
    bare text[];
    bare_wanted int4[];
BEGIN
    FOR item IN SELECT jsonb_array_elements(items) LOOP
        wanted := NULL;
        bare := '{}';
        bare_wanted := '{}';
        IF item ? 'categories' OR item ? 'types' THEN
            wanted := ARRAY(
                SELECT k.id FROM {s}.kinds k
                WHERE (NOT item ? 'categories' OR k.category <> '' AND item -> 'categories' ? k.category)
                  AND (NOT item ? 'types' OR item -> 'types' ? k.type));
            IF item ? 'categories' THEN
                bare := ARRAY(
                    SELECT ' ' || c.name FROM jsonb_array_elements_text(item -> 'categories') c(name)
                    WHERE EXISTS (SELECT FROM {s}.streams s WHERE s.name = c.name));
                IF bare <> '{}' THEN
                    bare_wanted := ARRAY(
                        SELECT k.id FROM {s}.kinds k
                        WHERE k.category = '' AND (NOT item ? 'types' OR item -> 'types' ? k.type));
                END IF;
            END IF;
            CONTINUE WHEN wanted = '{}' AND bare_wanted = '{}';
        END IF;
        IF item ? 'tags' THEN
            tagged := ARRAY(SELECT jsonb_array_elements_text(item -> 'tags'));
            RETURN QUERY
                SELECT t.position FROM {s}.tags t
                WHERE t.tag = tagged[1] AND t.position > since AND t.position <= until
                  AND NOT EXISTS (
                      SELECT FROM unnest(tagged[2:]) other(tag)
                      WHERE NOT EXISTS (SELECT FROM {s}.tags o WHERE o.tag = other.tag AND o.position = t.position))
                  AND (wanted IS NULL
                       OR (SELECT e.kind FROM {s}.events e WHERE e.position = t.position) = ANY (wanted)
                       OR bare_wanted <> '{}'
                          AND (SELECT e.kind FROM {s}.events e WHERE e.position = t.position) = ANY (bare_wanted)
                          AND EXISTS (SELECT FROM unnest(bare) b(tag) WHERE EXISTS (
                                  SELECT FROM {s}.tags o WHERE o.tag = b.tag AND o.position = t.position)))
                ORDER BY t.position LIMIT most;
        ELSIF wanted IS NULL THEN
            RETURN QUERY
                SELECT e.position FROM {s}.events e WHERE e.position > since AND e.position <= until
                ORDER BY e.position LIMIT most;
        ELSE
            RETURN QUERY
                SELECT p.position FROM unnest(wanted) w(kind) CROSS JOIN LATERAL (
                    SELECT e.position FROM {s}.events e
                    WHERE e.kind = w.kind AND e.position > since AND e.position <= until
                    ORDER BY e.position LIMIT most) p
                ORDER BY p.position LIMIT most;
            IF bare_wanted <> '{}' THEN
                RETURN QUERY
                    SELECT p.position FROM unnest(bare) b(tag) CROSS JOIN LATERAL (
                        SELECT t.position FROM {s}.tags t
                        WHERE t.tag = b.tag AND t.position > since AND t.position <= until
                          AND (NOT item ? 'types'
                               OR (SELECT e.kind FROM {s}.events e WHERE e.position = t.position) = ANY (bare_wanted))
                        ORDER BY t.position LIMIT most) p
                    ORDER BY p.position LIMIT most;
            END IF;
        END IF;
    END LOOP;
END $$;

-- The first position after `since` and up to `until` that matches a query; null if there is none up to `through`. It
-- goes on from window to window for as long as it may, and each is as wide as the ones before it were quick.
CREATE FUNCTION {s}.first_match(
    items jsonb, since int8, until int8, within_ms float8, OUT conflict int8, OUT through int8
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    begun CONSTANT timestamptz := clock_timestamp();
    turned timestamptz := begun;
    took_ms float8;
    width int8 := 4096;
    edge int8;
    last int8;
    candidates int8;
    at_once CONSTANT int4 := 64;
BEGIN
    IF items = '[]' THEN
        items := '[{}]';
    END IF;
    through := since;
    WHILE through < until AND extract(epoch FROM turned - begun) * 1000 < within_ms LOOP
        edge := least(until, through + width);
        SELECT min(e.position), max(c.position), count(*) INTO conflict, last, candidates
        FROM (SELECT DISTINCT f.position FROM {s}.find(items, through, edge, at_once) f(position)
              ORDER BY f.position LIMIT at_once) c
        LEFT JOIN {s}.events e ON e.position = c.position AND e.data IS NOT NULL;
        EXIT WHEN conflict IS NOT NULL;
        through := CASE WHEN candidates < at_once THEN edge ELSE last END;
        took_ms := extract(epoch FROM clock_timestamp() - turned) * 1000;
        turned := clock_timestamp();
        width := CASE WHEN took_ms < 2 THEN width * 2 WHEN took_ms > 10 THEN greatest(width / 2, 4096) ELSE width END;
    END LOOP;
END $$;

-- The last position recorded at or before a moment, by halving: times grow with positions.
CREATE FUNCTION {s}.position_at(moment int8) RETURNS int8 LANGUAGE plpgsql STABLE AS $$
DECLARE
    low int8 := 0;
    high int8;
    middle int8;
BEGIN
    SELECT coalesce(max(e.position), 0) INTO high FROM {s}.events e;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT e.recorded_at FROM {s}.events e WHERE e.position = middle) <= moment THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;

-- Puts the accepted events of a batch from one to another where they belong. Elements are taken out of the arrays one
-- by one, which costs a third of unnesting a dozen of them together.
CREATE FUNCTION {s}.put(
    from_event int4, to_event int4, status int4[], starts int8[], bases int8[], numbers int8[], moment int8,
    names text[], appends int4[], parts int4[], slots int4[], offsets int4[], ordinals int4[],
    ids uuid[], times int8[], kinds int4[], edges int2[], tags text[], metadata bytea[], data bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {s}.events
        (position, stream, revision, time, recorded_at, kind, edges, id, tags, metadata, data)
    SELECT starts[appends[n]] + offsets[n], numbers[slots[n]], bases[parts[n]] + ordinals[n], times[n], moment,
           kinds[n], edges[n], ids[n], tags[n], metadata[n], data[n]
    FROM generate_series(from_event, to_event) n
    WHERE status[appends[n]] = 0;
    -- Only what has tags has any here.
    IF EXISTS (SELECT FROM generate_series(from_event, to_event) n WHERE tags[n] <> '') THEN
        INSERT INTO {s}.tags (tag, position)
        SELECT DISTINCT t.tag, starts[appends[n]] + offsets[n]
        FROM generate_series(from_event, to_event) n CROSS JOIN LATERAL string_to_table(tags[n], ',') t(tag)
        WHERE tags[n] <> '' AND status[appends[n]] = 0;
    END IF;
    IF EXISTS (SELECT FROM unnest(names) u(name) WHERE strpos(u.name, '-') = 0) THEN
        INSERT INTO {s}.tags (tag, position)
        SELECT ' ' || names[slots[n]], starts[appends[n]] + offsets[n]
        FROM generate_series(from_event, to_event) n
        WHERE strpos(names[slots[n]], '-') = 0 AND status[appends[n]] = 0;
    END IF;
END $$;

-- Decides and records a batch of appends, in order, each all or not at all. One statement, so that the gate is never
-- kept waiting for a client. Indexes into arrays begin with 1.
--
-- An append has `append_parts` parts and `append_events` events, which stand one behind the other; a part says which
-- of the `names` it is about (`part_slots`), what it expects of it (a revision; -1: nothing there; -2: anything;
-- -3: something there) and how many events it has.
--
-- Of the named streams the caller may tell what he remembers: the number and the last revision, which are believed if
-- nothing has been recorded since the position `seen`. He is told where the store stands, and how they are now if that
-- does not follow from what he has told: that whatever he does not remember is new.
--
-- Of each append it answers: 0 recorded, from the position on; 1 recorded before, from the position on; 2 wrong
-- revision, of the part; 3 the condition fails at the position; 4 an id is taken, at the position, and which event's;
-- 5 the condition is too dear to be searched for here, and holds up to the position. Of each part: its stream's last
-- revision; -1: none. If all are recorded it answers nothing of this, since it follows from where the store stands.
CREATE FUNCTION {s}.append(
    seen int8, names text[], seen_numbers int8[], seen_lasts int8[],
    append_parts int4[], append_events int4[], conditions text[], afters int8[],
    part_slots int4[], part_expected int8[], part_events int4[],
    appends int4[], parts int4[], slots int4[], offsets int4[], ordinals int4[],
    ids uuid[], times int8[], kinds int4[], edges int2[], tags text[], metadata bytea[], data bytea[],
    OUT status int4[], OUT answers int8[], OUT details int4[], OUT revisions int8[],
    OUT head int8, OUT believed boolean, OUT numbers int8[], OUT lasts int8[]
) LANGUAGE plpgsql AS $$
DECLARE
    stood int8;
    moment int8;
    known int8[];
    last_known int8[];
    starts int8[];
    bases int8[];
    count_appends CONSTANT int4 := cardinality(append_parts);
    conditional CONSTANT boolean := cardinality(conditions) > 0;
    -- Whether ids are looked for before anything else. Nearly always none is there, which the index of ids finds out
    -- anyway; so this is the second attempt, for a batch that failed by them.
    careful boolean := false;
    any_new boolean;
    part int4;
    last_part int4;
    event int4;
    put_from int4;
    slot int4;
    expected int8;
    actual int8;
    conflict int8;
    within int4;
    taken record;
    -- What conditions were found before the gate, which was then at `looked`: the position where each fails.
    looked int8 := 0;
    early int8[];
    through int8;
    began timestamptz;
    -- How long one condition may be searched for here, and all of a batch.
    condition_ms CONSTANT float8 := 25;
    conditions_ms CONSTANT float8 := 250;
BEGIN
    -- Each statement below must see what others committed while this one waited at the gate.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'appends need the isolation level read committed';
    END IF;
    -- What is recorded does not change, so conditions are looked for in it before others have to wait.
    IF conditional THEN
        began := clock_timestamp();
        SELECT e.position INTO looked FROM {s}.events e ORDER BY e.position DESC LIMIT 1;
        looked := coalesce(looked, 0);
        early := array_fill(NULL::int8, ARRAY[count_appends]);
        FOR a IN 1 .. count_appends LOOP
            CONTINUE WHEN conditions[a] IS NULL OR afters[a] >= looked;
            EXIT WHEN extract(epoch FROM clock_timestamp() - began) * 1000 > conditions_ms;
            SELECT f.conflict, f.through INTO conflict, through
            FROM {s}.first_match(conditions[a]::jsonb, afters[a], looked, condition_ms) f;
            early[a] := conflict;
            afters[a] := through;
        END LOOP;
    END IF;

    LOCK TABLE {s}.gate IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT e.position, e.recorded_at INTO stood, moment FROM {s}.events e ORDER BY e.position DESC LIMIT 1;
    stood := coalesce(stood, 0);
    moment := greatest(moment, (extract(epoch FROM clock_timestamp()) * 1000000)::int8);

    believed := stood = seen;
    IF NOT believed THEN
        seen_numbers := array_fill(NULL::int8, ARRAY[cardinality(names)]);
    END IF;
    SELECT array_agg(k.number), array_agg(k.last) INTO known, last_known FROM (
        SELECT n.number, coalesce(n.seen_last, (SELECT e.revision FROM {s}.events e WHERE e.stream = n.number
                                                ORDER BY e.revision DESC LIMIT 1), -1) AS last
        FROM (SELECT s.slot, coalesce(s.number, (SELECT f.id FROM {s}.streams f WHERE f.name = s.name), 0) AS number,
                     CASE WHEN s.number IS NOT NULL THEN s.last END AS seen_last
              FROM unnest(names, seen_numbers, seen_lasts) WITH ORDINALITY s(name, number, last, slot)) n
        ORDER BY n.slot) k;

<<attempts>>
LOOP
BEGIN
    head := stood;
    numbers := known;
    lasts := last_known;
    status := array_fill(0, ARRAY[count_appends]);
    answers := array_fill(0::int8, ARRAY[count_appends]);
    details := status;
    starts := answers;
    revisions := array_fill(-1::int8, ARRAY[cardinality(part_slots)]);
    bases := revisions;
    any_new := false;
    part := 1;
    event := 1;
    put_from := 1;

    IF careful THEN
        FOR taken IN
            SELECT u.a, count(e.id) = append_events[u.a]
                       AND min(e.position - u.off) = max(e.position - u.off)
                       AND bool_and(e.stream = known[u.slot])
                       AND bool_or(u.off = 0 AND e.edges & 1 = 1)
                       AND bool_or(u.off = append_events[u.a] - 1 AND e.edges & 2 = 2) AS same,
                   (array_agg(e.position ORDER BY u.n) FILTER (WHERE e.id IS NOT NULL))[1] AS position,
                   (array_agg(u.n ORDER BY u.n) FILTER (WHERE e.id IS NOT NULL))[1] AS event
            FROM unnest(appends, slots, offsets, ids) WITH ORDINALITY u(a, slot, off, id, n)
                LEFT JOIN {s}.events e ON e.id = u.id
            GROUP BY u.a HAVING count(e.id) > 0
        LOOP
            status[taken.a] := CASE WHEN taken.same THEN 1 ELSE 4 END;
            answers[taken.a] := taken.position;
            details[taken.a] := taken.event;
        END LOOP;
        FOR taken IN
            SELECT u.part, max(e.revision) AS revision FROM unnest(parts, ids) u(part, id)
                JOIN {s}.events e ON e.id = u.id GROUP BY u.part
        LOOP
            revisions[taken.part] := taken.revision;
        END LOOP;
    END IF;

    FOR a IN 1 .. count_appends LOOP
        last_part := part + append_parts[a] - 1;
        IF status[a] = 0 THEN
            FOR p IN part .. last_part LOOP
                expected := part_expected[p];
                IF expected <> -2 THEN
                    actual := lasts[part_slots[p]];
                    IF expected <> actual AND NOT (expected = -3 AND actual >= 0) THEN
                        status[a] := 2;
                        answers[a] := p;
                        revisions[p] := actual;
                        EXIT;
                    END IF;
                END IF;
            END LOOP;
            IF conditional AND status[a] = 0 AND conditions[a] IS NOT NULL THEN
                IF early[a] IS NOT NULL THEN
                    status[a] := 3;
                    answers[a] := early[a];
                ELSIF afters[a] < looked THEN
                    status[a] := 5;
                    answers[a] := afters[a];
                ELSE
                    -- It looks at what has been recorded since, so what goes before in this batch must be.
                    IF put_from < event THEN
                        PERFORM {s}.put(put_from, event - 1, status, starts, bases, numbers, moment, names, appends,
                            parts, slots, offsets, ordinals, ids, times, kinds, edges, tags, metadata, data);
                        put_from := event;
                    END IF;
                    SELECT f.conflict INTO conflict
                    FROM {s}.first_match(conditions[a]::jsonb, afters[a], head, 'Infinity') f;
                    IF conflict IS NOT NULL THEN
                        status[a] := 3;
                        answers[a] := conflict;
                    END IF;
                END IF;
            END IF;
            IF status[a] = 0 THEN
                starts[a] := head + 1;
                answers[a] := head + 1;
                within := 0;
                FOR p IN part .. last_part LOOP
                    slot := part_slots[p];
                    IF part_events[p] > 0 THEN
                        IF numbers[slot] = 0 THEN
                            numbers[slot] := head + 1 + within;
                            any_new := true;
                        END IF;
                        bases[p] := lasts[slot];
                        lasts[slot] := lasts[slot] + part_events[p];
                        within := within + part_events[p];
                    END IF;
                    revisions[p] := lasts[slot];
                END LOOP;
                head := head + within;
            ELSIF NOT careful AND EXISTS (
                SELECT FROM {s}.events e WHERE e.id = ANY (ids[event:event + append_events[a] - 1])
            ) THEN
                -- A repetition is recognised before anything is checked.
                RAISE unique_violation;
            END IF;
        ELSIF status[a] = 1 THEN
            FOR p IN part .. last_part LOOP
                IF part_events[p] = 0 THEN
                    revisions[p] := lasts[part_slots[p]];
                END IF;
            END LOOP;
        END IF;
        part := last_part + 1;
        event := event + append_events[a];
    END LOOP;

    IF any_new THEN
        INSERT INTO {s}.streams (id, name)
        SELECT numbers[n.slot], n.name FROM unnest(names) WITH ORDINALITY n(name, slot)
        WHERE known[n.slot] = 0 AND numbers[n.slot] <> 0;
    END IF;
    PERFORM {s}.put(put_from, cardinality(ids), status, starts, bases, numbers, moment, names, appends, parts, slots,
        offsets, ordinals, ids, times, kinds, edges, tags, metadata, data);
    EXIT attempts;
EXCEPTION WHEN unique_violation THEN
    IF careful THEN
        RAISE;
    END IF;
    careful := true;
END;
END LOOP;

    -- What was recorded before may have been seen here and not yet be on the standby: a commit that writes waits for
    -- everything before it, one that writes nothing waits for nothing. A message in the log that nobody
    -- reads is writing, and leaves no row behind.
    IF careful THEN
        PERFORM pg_logical_emit_message(true, 'tradewind', '');
    END IF;

    IF 0 = ALL (status) THEN
        status := NULL;
        answers := NULL;
        details := NULL;
        revisions := NULL;
    END IF;
    IF believed AND NOT EXISTS (
        SELECT FROM unnest(seen_numbers, known) s(told, is_known) WHERE s.told IS NULL AND s.is_known <> 0
    ) THEN
        numbers := NULL;
        lasts := NULL;
    END IF;
END $$;

-- Gives up a stream's events before a revision, but never its last one, and at most so many of them; answers whether
-- there are more. Their rows stay, so that ids are recognised.
CREATE FUNCTION {s}.give_up(the_stream text, before int8, most int8) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    given {s}.streams;
    until int8;
    tagged record;
    bare CONSTANT text[] := CASE WHEN strpos(the_stream, '-') = 0 THEN ARRAY[' ' || the_stream] ELSE '{}' END;
BEGIN
    SELECT s.* INTO given FROM {s}.streams s WHERE s.name = the_stream FOR UPDATE;
    before := least(before, (SELECT e.revision FROM {s}.events e WHERE e.stream = given.id
                             ORDER BY e.revision DESC LIMIT 1));
    IF before IS NULL OR given.id IS NULL OR before <= given.first THEN
        RETURN false;
    END IF;
    until := least(before, given.first + most);
    -- One by one, so that no plan ever goes through all tags.
    FOR tagged IN
        SELECT t.tag, e.position FROM {s}.events e
            CROSS JOIN LATERAL unnest(string_to_array(e.tags, ',') || bare) t(tag)
        WHERE e.stream = given.id AND e.revision >= given.first AND e.revision < until
    LOOP
        DELETE FROM {s}.tags t WHERE t.tag = tagged.tag AND t.position = tagged.position;
    END LOOP;
    UPDATE {s}.events e SET data = NULL, metadata = '', tags = ''
    WHERE e.stream = given.id AND e.revision >= given.first AND e.revision < until;
    UPDATE {s}.streams s SET first = until WHERE s.id = given.id;
    RETURN until < before;
END $$;
