"""Files that come by themselves: fetched from where they are exported to, into the inbox, before the night."""
