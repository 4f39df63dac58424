"""How records travel between companies: feeds, and the interchange formats of others."""
