"""From exports as a council has them to a draft of its configuration: what each file seems to be, and what is proposed.

Nothing here is in force, and nothing is guessed without saying so: an analyst confirms in onboarding.xlsx.
"""
