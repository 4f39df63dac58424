"""Decide what a match may lead to without a person, and which records wait for one. Pure: `vhashdb.store.moderation` reads the facts."""
