SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.ledger_refuses() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.latest (
    kind text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    seq bigint NOT NULL,
    same bytea NOT NULL,
    CONSTRAINT latest_same_check CHECK ((length(same) = 32))
);
CREATE TABLE public.ledger (
    seq bigint NOT NULL,
    recorded_at bigint NOT NULL,
    recorded_by text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    body text NOT NULL COLLATE pg_catalog."C",
    hash bytea NOT NULL,
    CONSTRAINT ledger_hash_check CHECK ((length(hash) = 32))
);
CREATE TABLE public.ledger_head (
    one bigint NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    recorded_at bigint NOT NULL,
    CONSTRAINT ledger_head_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT ledger_head_one_check CHECK ((one = 1))
);
INSERT INTO public._sqlx_migrations VALUES (1, 'ledger', '2026-11-28 09:59:40.549933+00', true, '\x8f55ed96e822c5d5474e1c16dadd6a3fa260a1fe06001e20496c7932e88a2d60259986c0fa55f42c42e3e7527c6fa4b6', 14017894);
INSERT INTO public.latest VALUES ('change', 'shop@c1', 1772452800000000, 1, '\xa1b0329b84d964db13d8bc3c1d5a686026bd9d7d5367deb35eaa7c8d4cdc0882');
INSERT INTO public.latest VALUES ('change', 'shop@c2', 1772539200000000, 2, '\xfe7a3c28a7f081608a94bcfeb0473acf2bd16310e2632fb869ac34c97c4cf120');
INSERT INTO public.latest VALUES ('change', 'shop@c3', 1773144000000000, 3, '\xbac4a4e278e37b097c0bd0e249e938327770b7d9f3acb4bc79d2231515e34392');
INSERT INTO public.latest VALUES ('incident', 'i1', 1772539200000000, 7, '\x5ae8ef28f68c5cf15437ecb1cb202fd5efdc7e0c44ff911729fe2b5f6ee1897d');
INSERT INTO public.latest VALUES ('incident', 'i2', 1773230400000000, 5, '\x6d511bb9d98f3172775f0a9f1e54a05639fb39490dc8a09645c5f99cf6ade88d');
INSERT INTO public.latest VALUES ('note', 'n1', 1772452800000000, 6, '\x2e49c9f8a0be46cb8696bb99467ceeaf4377f78cd042a43a609dceac3cb18209');
INSERT INTO public.ledger VALUES (1, 1770000000000000, 'ann', 'change', 'shop@c1', 1772452800000000, '{"kind":"change","record":{"author_level":"mid","change":{"id":"shop@c1","repository":"shop"},"environment":"production","files":2,"involvement":"yes","kind":"merge","lines":40,"noted":{"at":"2026-06-01T00:00:00Z","by":"history"},"services":["checkout"],"shipped_at":"2026-03-02T12:00:00Z","team":"checkout","tier":1},"version":1}', '\x9dda78813bffa707f21231f1a3b1624f5e46dc6b5ac90b1fd8f55f423e6c5063');
INSERT INTO public.ledger VALUES (2, 1770000000000001, 'ann', 'change', 'shop@c2', 1772539200000000, '{"kind":"change","record":{"author_level":"mid","change":{"id":"shop@c2","repository":"shop"},"environment":"production","files":2,"involvement":"unknown","kind":"merge","lines":40,"noted":{"at":"2026-06-01T00:00:00Z","by":"history"},"services":["checkout","pay"],"shipped_at":"2026-03-03T12:00:00Z","team":"checkout","tier":1},"version":1}', '\xf758095c764a7d3ead4e48fbd4a765931c45cbde11f7ce80152b538732f6fbda');
INSERT INTO public.ledger VALUES (3, 1770000000000002, 'ann', 'change', 'shop@c3', 1773144000000000, '{"kind":"change","record":{"author_level":"mid","change":{"id":"shop@c3","repository":"shop"},"environment":"production","files":2,"involvement":"yes","kind":"merge","lines":40,"noted":{"at":"2026-06-01T00:00:00Z","by":"history"},"services":["checkout"],"shipped_at":"2026-03-10T12:00:00Z","team":null,"tier":1},"version":1}', '\xa877e09e75ba5e38ede1c4446b0f6bb09d872d7deca76ca63bbc8a5961b6a9c4');
INSERT INTO public.ledger VALUES (4, 1770000000000003, 'ann', 'incident', 'i1', 1772539200000000, '{"kind":"incident","record":{"ai":["unknown"],"id":"i1","noted":{"at":"2026-06-01T00:00:00Z","by":"pager"},"resolved":"2026-03-03T13:00:00Z","services":["checkout"],"severity":"sev2","started":"2026-03-03T12:00:00Z","status":"resolved","title":"Orders fail"},"version":1}', '\x6a3e325a46152aa75e4b47e1a5a9ed94f3010843d4ba72f3cca15ee58ca1d16d');
INSERT INTO public.ledger VALUES (5, 1770000000000004, 'ann', 'incident', 'i2', 1773230400000000, '{"kind":"incident","record":{"ai":["unknown"],"id":"i2","noted":{"at":"2026-06-01T00:00:00Z","by":"pager"},"resolved":"2026-03-11T13:00:00Z","services":["checkout"],"severity":"sev1","started":"2026-03-11T12:00:00Z","status":"resolved","title":"Orders fail"},"version":1}', '\x3676b3d02b29d3de1e00ecc2277eb268f6306637304f848d61c3d93d6e8c305e');
INSERT INTO public.ledger VALUES (6, 1770000000000005, 'ann', 'note', 'n1', 1772452800000000, '{"text":"quotes '' \" and 日本"}', '\xf38b0ce5dbd1924991c90a9c9a2638779423bd2a397d66db1a7ced9c69dcd5f7');
INSERT INTO public.ledger VALUES (7, 1770000000000006, 'ann', 'incident', 'i1', 1772539200000000, '{"kind":"incident","record":{"ai":["unknown"],"id":"i1","noted":{"at":"2026-06-01T00:00:00Z","by":"pager"},"resolved":"2026-03-03T13:00:00Z","services":["checkout"],"severity":"sev3","started":"2026-03-03T12:00:00Z","status":"resolved","title":"Orders fail"},"version":1}', '\xde028c7cd2d181f19d1f779b008acd9a89cccfdbbb2dd61f1a5dbe192939d19e');
INSERT INTO public.ledger_head VALUES (1, 7, '\xde028c7cd2d181f19d1f779b008acd9a89cccfdbbb2dd61f1a5dbe192939d19e', 1770000000000006);
ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.latest
    ADD CONSTRAINT latest_pkey PRIMARY KEY (kind, key);
ALTER TABLE ONLY public.ledger_head
    ADD CONSTRAINT ledger_head_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (seq);
CREATE INDEX latest_by_time ON public.latest USING btree (kind, at, key);
CREATE INDEX ledger_by_key ON public.ledger USING btree (kind, key, seq);
CREATE TRIGGER ledger_keeps_all BEFORE TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_refuses();
CREATE TRIGGER ledger_keeps_entries BEFORE DELETE OR UPDATE ON public.ledger FOR EACH ROW EXECUTE FUNCTION public.ledger_refuses();
ALTER TABLE ONLY public.latest
    ADD CONSTRAINT latest_seq_fkey FOREIGN KEY (seq) REFERENCES public.ledger(seq);
