"""Plays psycopg's features against whatever server the environment names and prints what came of it."""
import json
import threading
import time

import psycopg
from psycopg import sql

out = []


def note(name, value):
    out.append([name, repr(value)])


with psycopg.connect() as conn:
    conn.execute("CREATE TEMP TABLE t (i int, s text, b bytea, j jsonb)")
    with conn.cursor() as cur:
        cur.executemany("INSERT INTO t (i, s) VALUES (%s, %s)", [(i, f"s{i}") for i in range(200)])
        note("executemany", cur.rowcount)
        cur.executemany("INSERT INTO t (i) VALUES (%s) RETURNING i", [(1000,), (1001,)], returning=True)
        note("returning", [cur.fetchone(), cur.nextset(), cur.fetchone()])
    conn.commit()

    with conn.cursor(name="server side") as cur:
        cur.itersize = 10
        cur.execute("SELECT i FROM t ORDER BY i")
        note("server-side cursor", [sum(row[0] for row in cur), cur.rowcount])
    with conn.cursor(name="scrolls", scrollable=True) as cur:
        cur.execute("SELECT i FROM t ORDER BY i")
        first = cur.fetchmany(5)
        cur.scroll(-2)
        note("scroll", [first, cur.fetchone()])
    conn.commit()

    for _ in range(8):
        note("prepared by threshold", conn.execute("SELECT count(*) FROM t WHERE i > %s", (5,)).fetchone())
    note("prepared", conn.execute("SELECT count(*) FROM pg_prepared_statements").fetchone())
    note("always prepared", conn.execute("SELECT %s::int", (1,), prepare=True).fetchone())

    with conn.cursor(binary=True) as cur:
        cur.execute(
            "SELECT 1::int2, 2::int8, 1.5::float8, 3.14::numeric, true, 'x'::text, '\\x00ff'::bytea, "
            "'2026-01-02'::date, '2026-01-02 03:04:05+00'::timestamptz, ARRAY[1, NULL, 3], "
            '\'{"a": 1}\'::jsonb, NULL::int, %b::int8, %t::text, \'1 day\'::interval',
            (7, "seven"),
        )
        note("binary", cur.fetchone())

    conn.commit()
    with conn.pipeline() as pipeline:
        cursors = [conn.execute("SELECT %s::int * 2", (i,)) for i in range(50)]
        pipeline.sync()
        note("pipeline", [cur.fetchone()[0] for cur in cursors])
    conn.commit()
    try:
        with conn.pipeline():
            conn.execute("SELECT 1")
            conn.execute("SELECT 1/0")
            conn.execute("SELECT 2")
    except psycopg.Error as error:
        note("pipeline error", [type(error).__name__, error.sqlstate])
    conn.rollback()

    with conn.cursor() as cur:
        with cur.copy("COPY t (i, s) FROM STDIN") as copy:
            for i in range(500):
                copy.write_row((i, f'tab\t"{i}"\n'))
        note("copy in", cur.rowcount)
        with cur.copy("COPY t (i, s) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            for i in range(500):
                copy.write_row((i, f"binary {i}"))
        note("copy in binary", cur.rowcount)
        with cur.copy("COPY (SELECT i, s FROM t ORDER BY i, s LIMIT 20) TO STDOUT") as copy:
            note("copy out", list(copy.rows()))
        with cur.copy("COPY (SELECT i, s FROM t ORDER BY i, s LIMIT 20) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            note("copy out binary", list(copy.rows()))
        try:
            with cur.copy("COPY t (i) FROM STDIN") as copy:
                copy.write("1\n")
                raise RuntimeError("changed my mind")
        except (RuntimeError, psycopg.Error) as error:
            note("copy given up", [type(error).__name__, getattr(error, "sqlstate", None)])
    note("status", conn.info.transaction_status.name)
    conn.rollback()
    try:
        with conn.cursor() as cur, cur.copy("COPY t (i) FROM STDIN") as copy:
            copy.write("not a number\n")
    except psycopg.Error as error:
        note("copy refused", error.sqlstate)
    conn.rollback()

    with conn.transaction():
        conn.execute("INSERT INTO t (i) VALUES (-1)")
        try:
            with conn.transaction():
                conn.execute("INSERT INTO t (i) VALUES (-2)")
                conn.execute("SELECT 1/0")
        except psycopg.Error as error:
            note("savepoint", error.sqlstate)
    note("nested", conn.execute("SELECT count(*) FROM t WHERE i < 0").fetchone())
    conn.commit()

    def cancel():
        time.sleep(0.3)
        conn.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        conn.execute("SELECT pg_sleep(30)")
    except psycopg.Error as error:
        note("cancelled", [type(error).__name__, error.sqlstate])
    thread.join()
    conn.rollback()
    note("after cancel", conn.execute("SELECT 1").fetchone())
    conn.commit()

    query = sql.SQL("SELECT {} FROM t WHERE i = 3 AND s = 's3'").format(sql.Identifier("s"))
    note("composed", conn.execute(query).fetchall())

with psycopg.connect(autocommit=True) as conn:
    conn.execute("LISTEN news")
    with psycopg.connect(autocommit=True) as other:
        other.execute("SELECT pg_notify('news', 'one'); SELECT pg_notify('news', 'two')")
    heard = []
    for notification in conn.notifies():
        heard.append([notification.channel, notification.payload])
        if len(heard) == 2:
            break
    note("notifications", heard)
    messages = []
    conn.add_notice_handler(lambda diagnostic: messages.append([diagnostic.severity, diagnostic.message_primary]))
    conn.execute("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")
    note("notices", messages)
    try:
        conn.execute("SELECT nothing FROM nowhere")
    except psycopg.Error as error:
        note("error", [error.sqlstate, error.diag.message_primary, error.diag.statement_position])
    note("parameters", [conn.info.encoding, conn.info.parameter_status("DateStyle"), conn.info.server_version])

print(json.dumps(out, indent=1))
