"""Every API is known: whose it is, for whom, in which version, until when; and what was retired is gone."""
