"""What SEND Ready is made of that others made: a bill of it, and what is known against it."""
