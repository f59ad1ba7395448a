"""Inspection day: the clock, the call on record, frozen versions, approval and release."""
