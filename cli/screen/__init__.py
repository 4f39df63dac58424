"""What a person sees on a terminal. Loaded only on one, as rich takes a while."""
