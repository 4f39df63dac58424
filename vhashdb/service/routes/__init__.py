"""The routes, one module for each thing that requests are about."""
