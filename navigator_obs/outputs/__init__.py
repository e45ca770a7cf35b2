"""Stage 5. Tell someone: a summary or a finding becomes text, a page, a metric or an alert."""
