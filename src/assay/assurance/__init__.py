"""From verdicts and evidence to judgement: which objectives hold, since when, and what changed."""
