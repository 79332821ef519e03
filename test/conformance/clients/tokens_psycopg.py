"""Sends masked values back as the tokens that they are shown as; prints how many rows each finds."""
import uuid

import psycopg

with psycopg.connect() as conn:
    with conn.cursor() as cur:
        token, other, external = (
            cur.execute("SELECT email FROM customers WHERE id = 1").fetchone()[0],
            cur.execute("SELECT email FROM customers WHERE id = 2").fetchone()[0],
            cur.execute("SELECT external FROM customers WHERE id = 1").fetchone()[0],
        )
        assert isinstance(external, uuid.UUID)

        def found(text, values, **how):
            print(len(cur.execute(text, values, **how).fetchall()))

        found("SELECT id FROM customers WHERE email = %s", [token])
        found("SELECT id FROM customers WHERE email = %b", [token])
        found("SELECT id FROM customers WHERE external = %s", [external])
        found("SELECT id FROM customers WHERE external = %b", [external], prepare=True)
        found("SELECT id FROM customers WHERE external = ANY(%b)", [[external]], prepare=True)
        found("SELECT id FROM customers WHERE email = ANY(%s)", [[token, other]])
