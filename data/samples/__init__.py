"""The sample videos, installed beside the command line so that `vhashdb demo` finds them; see README.md."""
