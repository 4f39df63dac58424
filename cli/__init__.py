"""The command line of vhashdb: one file per verb, thin over the library; installed as ``vhashdb_cli``."""
