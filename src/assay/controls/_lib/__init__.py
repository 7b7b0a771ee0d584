"""What several controls need. Named by topic; nothing here is a control."""
