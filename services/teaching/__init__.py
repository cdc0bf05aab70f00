"""What a reader's verdict teaches: the narrow rule to make of one text, and what it would do."""
