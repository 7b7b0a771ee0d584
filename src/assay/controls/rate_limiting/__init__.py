"""Every operation and every consumer is bounded in how much it may ask."""
